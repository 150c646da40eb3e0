// SPDX-License-Identifier: Apache-2.0
// Packets that cross between the processes: deliveries and punts up, injected messages down.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/shm/counters.h"
#include "wire/shm/layout.h"

namespace wire::shm {

enum class PacketKind : std::uint8_t {
  kDelivery,      ///< up: a message or fragment for this node
  kSigner,        ///< up: message of an unknown signer; bytes are the whole message, or where that
                  ///< does not fit (fragments put together) that with empty body and extensions
  kErrorAnswer,   ///< up: message dropped with a reason that has an RFC answer
  kInject,        ///< down: route it by its destination list
  kInjectOnLink,  ///< down: send it on link_slot whatever the destination list says (B-27)
};

struct PacketRecord {
  PacketKind kind = PacketKind::kDelivery;
  std::uint8_t verified = 0;    ///< up: 1 when the signature was checked and good
  DropReason reason{};          ///< kErrorAnswer: why
  std::uint8_t generation = 0;  ///< of link_slot
  std::uint16_t link_slot = kNoLink;
  std::uint16_t length = 0;                      ///< bytes used
  std::uint64_t tsc = 0;                         ///< when the dataplane took it
  std::array<std::byte, kMaxPacketBytes> bytes;  ///< from the first byte of the forwarding header
};
static_assert(std::is_trivially_copyable_v<PacketRecord>);

}  // namespace wire::shm
