// SPDX-License-Identifier: Apache-2.0
// What the lcores route by. Published whole by the control plane (PublishedTable).

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"
#include "wire/shm/layout.h"

namespace wire::shm {

struct RouteEntry {
  reload::NodeId id;
  std::uint16_t link_slot = kNoLink;
  std::array<std::uint8_t, 6> zero{};
};

/// Routes and own identity in one table, because they index into each other.
struct RouteTable {
  /// All zeros until the control plane has published once: then nothing can be routed.
  reload::NodeId self;
  /// This peer is responsible for (predecessor, self]; equal to self when it knows no other peer.
  /// A client is responsible for nothing: then is_peer is 0.
  reload::NodeId predecessor;
  std::uint32_t is_peer = 0;
  std::uint32_t connection_count = 0;
  std::uint32_t peer_count = 0;
  std::uint32_t zero = 0;
  /// The Connection Table: every node with a link, ascending by Node-ID (B-14).
  std::array<RouteEntry, kMaxLinks> connections{};
  /// The Routing Table: peers that take transit traffic, ascending by Node-ID (B-15).
  std::array<RouteEntry, kMaxLinks> peers{};

  [[nodiscard]] std::span<const RouteEntry> connected() const noexcept {
    return {connections.data(), std::min<std::size_t>(connection_count, kMaxLinks)};
  }
  [[nodiscard]] std::span<const RouteEntry> routing() const noexcept {
    return {peers.data(), std::min<std::size_t>(peer_count, kMaxLinks)};
  }
};

}  // namespace wire::shm
