// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of the stages share: giving arbitrary bytes the few fields without which
// they would go no further than parse.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/fuzz/choices.h"
#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_header.h"

namespace tests {

inline constexpr std::size_t kMostFuzzedBytes = 1900;  ///< fits an mbuf with room to grow

/// Token, version, overlay, fragment bit and length as they must be.
inline void heal(Bytes& message) {
  using namespace wire::reload;
  if (message.size() < kFixedHeaderBytes) return;
  wire::store_be32(message.data() + header_offset::kToken, kReloToken);
  wire::store_be32(message.data() + header_offset::kOverlay, StageRig::kOverlay);
  message[header_offset::kVersion] = std::byte{kVersion};
  message[header_offset::kFragment] |= std::byte{0x80};
  wire::store_be32(message.data() + header_offset::kLength,
                   static_cast<std::uint32_t>(message.size()));
}

/// We are 500, with peers 100 (link 1), 600 (link 2, small MTU), 900 (link 3) and a client 450
/// (link 4) in our range. Link 0 has no peer in the tables. All of generation 1.
inline void furnish(StageRig& rig) {
  using wire::shm::LinkClass;
  rig.add_link(0, node_at(77), LinkClass::kUntrusted);
  rig.add_link(1, node_at(100));
  rig.add_link(2, node_at(600), LinkClass::kBackbone, 600);
  rig.add_link(3, node_at(900));
  rig.add_link(4, node_at(450), LinkClass::kClient);
  const std::vector<std::pair<NodeId, std::uint16_t>> peers{{node_at(100), std::uint16_t{1}},
                                                            {node_at(600), std::uint16_t{2}},
                                                            {node_at(900), std::uint16_t{3}}};
  auto connections = peers;
  connections.emplace_back(node_at(450), std::uint16_t{4});
  rig.set_routes(node_at(500), node_at(400), connections, peers);
}

}  // namespace tests
