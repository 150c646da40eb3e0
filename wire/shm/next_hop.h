// SPDX-License-Identifier: Apache-2.0
// The routing rule of RFC 6940 sections 6.1 and 10.3 over a route table: what the route stage does
// for every message, and a simulated node as well.
//
// Routes is RouteTable or anything else with self, predecessor, is_peer, connected() and routing().

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"
#include "wire/reload/ring_point.h"
#include "wire/shm/counters.h"
#include "wire/shm/layout.h"
#include "wire/shm/route_table.h"

namespace wire::shm {

/// Where a message goes, or why nowhere.
struct NextHop {
  enum class Kind : std::uint8_t { kForward, kDeliver, kDrop };
  Kind kind = Kind::kDrop;
  DropReason reason = DropReason::kNoRoute;
  std::uint16_t link_slot = kNoLink;
  bool by_table = false;  ///< chosen by the Routing Table, not named by the list

  static NextHop drop(DropReason why) noexcept { return {Kind::kDrop, why, kNoLink, false}; }
  static NextHop deliver() noexcept { return {Kind::kDeliver, {}, kNoLink, false}; }
  static NextHop forward(std::uint16_t slot, bool by_table) noexcept {
    if (slot == kNoLink) return {};
    return {Kind::kForward, {}, slot, by_table};
  }
};

namespace detail {

/// The first entry above @p id, or entries.size(). The interval halves by a conditional move rather
/// than a branch, because which half it is cannot be predicted.
inline std::size_t first_above(std::span<const RouteEntry> entries,
                               const reload::NodeId& id) noexcept {
  const reload::RingPoint point = reload::ring_point(id);
  const RouteEntry* from = entries.data();
  std::size_t count = entries.size();
  while (count != 0) {
    const std::size_t half = count / 2;
    const bool above = reload::ring_point(from[half].id) > point;
    from = above ? from : from + half + 1;
    count = above ? half : count - half - 1;
  }
  return static_cast<std::size_t>(from - entries.data());
}

}  // namespace detail

/// Slot of the link to exactly @p id, or kNoLink. @p entries ascend by Node-ID.
inline std::uint16_t link_to(std::span<const RouteEntry> entries,
                             const reload::NodeId& id) noexcept {
  const std::size_t above = detail::first_above(entries, id);
  return above != 0 && entries[above - 1].id == id ? entries[above - 1].link_slot : kNoLink;
}

/// RFC 6940 section 10.3: the peer with the largest Node-ID between us and @p target, walking
/// upwards; if there is none, the one with the smallest Node-ID above @p target.
template <class Routes>
[[nodiscard]] std::uint16_t towards(const Routes& routes, const reload::NodeId& target) noexcept {
  const std::span<const RouteEntry> peers = routes.routing();
  if (peers.empty()) return kNoLink;
  const std::size_t above = detail::first_above(peers, target);
  const RouteEntry& before = peers[above != 0 ? above - 1 : peers.size() - 1];
  // Only a client is asked for its own point; nothing lies between it and itself.
  const bool is_between = in_interval(before.id, routes.self, target) && target != routes.self;
  if (is_between) return before.link_slot;
  return peers[above != peers.size() ? above : 0].link_slot;
}

/// For a Node-ID that is neither ours nor the wildcard.
template <class Routes>
[[nodiscard, gnu::always_inline]] inline NextHop next_hop_to_node(const reload::NodeId& id,
                                                                  const Routes& routes) noexcept {
  // B-14: a connected node is sent to directly, also one that takes no transit traffic.
  if (const std::uint16_t slot = link_to(routes.connected(), id); slot != kNoLink) {
    return NextHop::forward(slot, false);
  }
  // B-11, B-12: whoever is in charge of this point is addressed by Resource-ID, not by Node-ID.
  if (routes.is_peer != 0 && in_interval(id, routes.predecessor, routes.self)) {
    return NextHop::drop(DropReason::kNotConnected);
  }
  return NextHop::forward(towards(routes, id), true);
}

/// @param is_last  nothing follows it in the Destination List
template <class Routes>
[[nodiscard]] NextHop next_hop_to_resource(std::span<const std::byte> id, bool is_last,
                                           const Routes& routes) noexcept {
  // CHORD-RELOAD has 128-bit Resource-IDs (section 10.2); any other length is no point on its ring.
  if (id.size() != reload::kNodeIdBytes) return {};
  const auto point = reload::NodeId::from(id.first<reload::kNodeIdBytes>());
  if (routes.is_peer != 0 && in_interval(point, routes.predecessor, routes.self)) {
    return is_last ? NextHop::deliver() : NextHop::drop(DropReason::kResourceNotLast);
  }
  if (const std::uint16_t slot = link_to(routes.connected(), point); slot != kNoLink) {
    return NextHop::forward(slot, false);
  }
  return NextHop::forward(towards(routes, point), true);
}

}  // namespace wire::shm
