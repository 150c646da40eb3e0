// SPDX-License-Identifier: Apache-2.0
// RFC 6940 sections 6.1 and 10.3 as plainly as they can be written: every table is searched from
// end to end, a point of the ring is a 128-bit integer, a distance is a subtraction. The route
// stage must never disagree with this.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/keyed_tables.h"
#include "wire/reload/destination.h"
#include "wire/shm/counters.h"
#include "wire/shm/route_table.h"

namespace tests {

__extension__ using Point = unsigned __int128;

inline Point point_of(const wire::reload::NodeId& id) {
  return static_cast<Point>(id.high()) << 64U | id.low();
}

struct ReferenceRoute {
  enum class Kind : std::uint8_t { kDeliver, kForward, kDrop } kind = Kind::kDrop;
  wire::shm::DropReason reason{};  ///< kDrop
  std::uint16_t slot = 0;          ///< kForward
  std::size_t pop_bytes = 0;
  std::optional<wire::reload::NodeId> push;
};

struct ReferenceMessage {
  std::vector<wire::reload::Destination> list;  ///< never empty
  std::uint8_t ttl = 1;
  std::uint16_t code = 0;  ///< 0: a fragment
  bool forward_critical = false;
  bool injected = false;
  std::uint16_t link_in = 0;
};

class ReferenceRouter {
 public:
  ReferenceRouter(const wire::shm::RouteTable& routes, const dataplane::LinkTable& links)
      : routes_(routes), links_(links) {}

  [[nodiscard]] ReferenceRoute route(const ReferenceMessage& message) const {
    using namespace wire::reload;
    using wire::shm::DropReason;
    ReferenceRoute result;
    bool by_table = false;
    std::size_t head = 0;
    const Point self = point_of(routes_.self);
    // Section 6.1.1: our own Node-ID with entries behind it is removed and the process repeated.
    while (head + 1 < message.list.size() && message.list[head].type == DestinationType::kNode &&
           message.list[head].node_id() == routes_.self) {
      result.pop_bytes += message.list[head].entry.size();
      ++head;
    }
    const Destination& entry = message.list[head];
    const bool is_last = head + 1 == message.list.size();
    const auto drop = [&result](DropReason why) {
      result.kind = ReferenceRoute::Kind::kDrop;
      result.reason = why;
      return result;
    };
    const auto deliver = [&result] {
      result.kind = ReferenceRoute::Kind::kDeliver;
      return result;
    };

    std::optional<std::uint16_t> slot;
    if (entry.type == DestinationType::kOpaque) {  // section 6.1.3
      const bool is_ours =
          entry.value.size() == 2 && (entry.value[0] & std::byte{0x80}) != std::byte{};
      if (!is_ours) return drop(DropReason::kOpaqueUnknown);
      const unsigned word = std::to_integer<unsigned>(entry.value[0]) << 8U |
                            std::to_integer<unsigned>(entry.value[1]);
      const dataplane::LinkEntry* link = links_.by_slot(static_cast<std::uint16_t>(word & 0xfffU));
      if (link == nullptr) return drop(DropReason::kOpaqueUnknown);
      if (link->record.generation != (word >> 12U & 7U)) return drop(DropReason::kOpaqueStale);
      slot = link->record.slot;
      result.pop_bytes += entry.entry.size();
      result.push = link->record.peer;
    } else if (entry.type == DestinationType::kNode) {
      const NodeId id = entry.node_id();
      if (id == routes_.self) return deliver();
      if (id.is_wildcard()) return is_last ? deliver() : drop(DropReason::kWildcardForward);
      slot = connected(point_of(id));
      if (!slot && is_mine(point_of(id))) return drop(DropReason::kNotConnected);
      if (!slot) {
        slot = closest(self, point_of(id));
        by_table = true;
      }
    } else {
      if (entry.value.size() != 16) return drop(DropReason::kNoRoute);
      const Point point = point_of(NodeId::from(entry.value.first<16>()));
      if (is_mine(point)) return is_last ? deliver() : drop(DropReason::kResourceNotLast);
      slot = connected(point);
      if (!slot) {
        slot = closest(self, point);
        by_table = true;
      }
    }
    if (!slot) return drop(DropReason::kNoRoute);
    if (message.ttl == 0) return drop(DropReason::kTtlExceeded);
    if (message.forward_critical && !message.injected) return drop(DropReason::kUnsupportedOption);
    const bool is_response = message.code == 0xffff || (message.code != 0 && message.code % 2 == 0);
    const bool was_asked_for =
        result.pop_bytes != 0 || message.injected || (is_response && !by_table);
    if (*slot == message.link_in && !was_asked_for) return drop(DropReason::kRouteLoop);
    result.kind = ReferenceRoute::Kind::kForward;
    result.slot = *slot;
    return result;
  }

 private:
  /// In (predecessor, self]: closer to self, walking up, than the predecessor is.
  [[nodiscard]] bool is_mine(Point point) const {
    if (routes_.is_peer == 0) return false;
    const Point self = point_of(routes_.self);
    const Point range = self - point_of(routes_.predecessor);  // 0: the whole ring
    return range == 0 || self - point < range;
  }
  [[nodiscard]] std::optional<std::uint16_t> connected(Point point) const {
    for (std::uint32_t i = 0; i < routes_.connection_count; ++i) {
      if (point_of(routes_.connections[i].id) == point) return routes_.connections[i].link_slot;
    }
    return std::nullopt;
  }
  /// Section 10.3: of the peers not beyond the target, seen from us, the farthest from us; if all
  /// are beyond it, the one the least above it.
  [[nodiscard]] std::optional<std::uint16_t> closest(Point self, Point target) const {
    std::optional<std::uint16_t> best;
    Point best_distance = 0;
    for (std::uint32_t i = 0; i < routes_.peer_count; ++i) {
      const Point distance = point_of(routes_.peers[i].id) - self;
      if (distance <= target - self && distance >= best_distance) {
        best = routes_.peers[i].link_slot;
        best_distance = distance;
      }
    }
    if (best) return best;
    for (std::uint32_t i = 0; i < routes_.peer_count; ++i) {
      const Point distance = point_of(routes_.peers[i].id) - target;
      if (!best || distance < best_distance) {
        best = routes_.peers[i].link_slot;
        best_distance = distance;
      }
    }
    return best;
  }

  const wire::shm::RouteTable& routes_;
  const dataplane::LinkTable& links_;
};

}  // namespace tests
