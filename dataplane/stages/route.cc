// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/route.h"

#include <span>

#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_option.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using wire::shm::kNoLink;
using wire::shm::RouteEntry;
using wire::shm::RouteTable;

__extension__ using Point = unsigned __int128;

/// A Node-ID as one number, because two words compare in two instructions without a branch.
Point point_of(const NodeId& id) noexcept {
  return static_cast<Point>(id.high()) << 64U | id.low();
}

/// The first entry above @p id, or entries.size(). The interval halves by a conditional move rather
/// than a branch, because which half it is cannot be predicted.
std::size_t first_above(std::span<const RouteEntry> entries, const NodeId& id) noexcept {
  const Point point = point_of(id);
  const RouteEntry* from = entries.data();
  std::size_t count = entries.size();
  while (count != 0) {
    const std::size_t half = count / 2;
    const bool above = point_of(from[half].id) > point;
    from = above ? from : from + half + 1;
    count = above ? half : count - half - 1;
  }
  return static_cast<std::size_t>(from - entries.data());
}

/// Slot of the link to exactly @p id, or kNoLink.
std::uint16_t link_to(std::span<const RouteEntry> entries, const NodeId& id) noexcept {
  const std::size_t above = first_above(entries, id);
  return above != 0 && entries[above - 1].id == id ? entries[above - 1].link_slot : kNoLink;
}

/// RFC 6940 section 10.3: the peer with the largest Node-ID between us and @p target, walking
/// upwards; if there is none, the one with the smallest Node-ID above @p target.
std::uint16_t towards(const RouteTable& routes, const NodeId& target) noexcept {
  const std::span<const RouteEntry> peers = routes.routing();
  if (peers.empty()) return kNoLink;
  const std::size_t above = first_above(peers, target);
  const RouteEntry& before = peers[above != 0 ? above - 1 : peers.size() - 1];
  // Only a client is asked for its own point; nothing lies between it and itself.
  const bool is_between = in_interval(before.id, routes.self, target) && target != routes.self;
  if (is_between) return before.link_slot;
  return peers[above != peers.size() ? above : 0].link_slot;
}

/// Where one packet goes, or why nowhere.
struct Decision {
  enum class Kind : std::uint8_t { kForward, kDeliver, kDrop };
  Kind kind = Kind::kDrop;
  DropReason reason = DropReason::kNoRoute;
  std::uint16_t next_hop = kNoLink;
  bool by_table = false;  // chosen by the Routing Table, not named by the list

  static Decision drop(DropReason why) noexcept { return {Kind::kDrop, why, kNoLink, false}; }
  static Decision deliver() noexcept { return {Kind::kDeliver, {}, kNoLink, false}; }
  static Decision forward(std::uint16_t slot, bool by_table) noexcept {
    if (slot == kNoLink) return {};
    return {Kind::kForward, {}, slot, by_table};
  }
};

/// B-28 to B-31: a compact ID of ours names a slot, and the node in it must be the one it was made
/// for. The node is connected by definition, so the list need not be looked at again.
Decision to_opaque(std::span<const std::byte> id, std::size_t entry_bytes, const LinkTable& links,
                   PacketContext& context) noexcept {
  if (id.size() != kCompactEntryBytes || (wire::load_u8(id.data()) & 0x80U) == 0) {
    return Decision::drop(DropReason::kOpaqueUnknown);
  }
  const CompactId compact = CompactId::decode(wire::load_be16(id.data()));
  const LinkEntry* const link = links.by_slot(compact.slot);
  if (link == nullptr) return Decision::drop(DropReason::kOpaqueUnknown);
  if (link->record.generation != compact.generation) {
    return Decision::drop(DropReason::kOpaqueStale);
  }
  context.pop_bytes = static_cast<std::uint16_t>(context.pop_bytes + entry_bytes);
  context.push_node = 1;
  context.push_id = link->record.peer;
  return Decision::forward(compact.slot, false);
}

[[gnu::always_inline]] inline Decision to_node(const NodeId& id,
                                               const RouteTable& routes) noexcept {
  // B-14: a connected node is sent to directly, also one that takes no transit traffic.
  if (const std::uint16_t slot = link_to(routes.connected(), id); slot != kNoLink) {
    return Decision::forward(slot, false);
  }
  // B-11, B-12: whoever is in charge of this point is addressed by Resource-ID, not by Node-ID.
  if (routes.is_peer != 0 && in_interval(id, routes.predecessor, routes.self)) {
    return Decision::drop(DropReason::kNotConnected);
  }
  return Decision::forward(towards(routes, id), true);
}

Decision to_resource(std::span<const std::byte> id, bool is_last,
                     const RouteTable& routes) noexcept {
  // CHORD-RELOAD has 128-bit Resource-IDs (section 10.2); any other length is no point on its ring.
  if (id.size() != kNodeIdBytes) return {};
  const NodeId point = NodeId::from(id.first<kNodeIdBytes>());
  if (routes.is_peer != 0 && in_interval(point, routes.predecessor, routes.self)) {
    return is_last ? Decision::deliver() : Decision::drop(DropReason::kResourceNotLast);
  }
  if (const std::uint16_t slot = link_to(routes.connected(), point); slot != kNoLink) {
    return Decision::forward(slot, false);
  }
  return Decision::forward(towards(routes, point), true);
}

/// RFC 6940 section 6.1: classifies the head of the list, after own entries in front are popped.
Decision decide(std::span<const std::byte> list, const RouteTable& routes, const LinkTable& links,
                PacketContext& context) noexcept {
  if (NodeId only; read_only_node(list, only)) [[likely]] {
    if (only == routes.self || only.is_wildcard()) return Decision::deliver();
    return to_node(only, routes);
  }
  for (;;) {
    Destination head;
    if (!read_destination(list, head).ok()) return Decision::drop(DropReason::kBadDestination);
    const bool is_last = head.entry.size() == list.size();
    switch (head.type) {
      case DestinationType::kNode: {
        const NodeId id = head.node_id();
        if (id == routes.self) {
          if (is_last) return Decision::deliver();
          // B-08
          list = list.subspan(kNodeEntryBytes);
          context.pop_bytes = static_cast<std::uint16_t>(context.pop_bytes + kNodeEntryBytes);
          continue;
        }
        if (id.is_wildcard()) {
          return is_last ? Decision::deliver() : Decision::drop(DropReason::kWildcardForward);
        }
        return to_node(id, routes);
      }
      case DestinationType::kResource:
        return to_resource(head.value, is_last, routes);
      case DestinationType::kOpaque:
        return to_opaque(head.value, head.entry.size(), links, context);
      case DestinationType::kInvalid:
        break;
    }
    return Decision::drop(DropReason::kUnknownDestination);
  }
}

/// Whether sending @p context's message back over the link it came on would bounce it: nobody asked
/// for it by naming us or one of our opaque IDs, and it is not an answer to the very node there.
bool would_bounce(const PacketContext& context, const Decision& decision) noexcept {
  if (decision.next_hop != context.link_in || context.injected) return false;
  if (context.pop_bytes != 0) return false;
  const bool is_response = context.message_code != 0 && !is_request(context.message_code);
  return decision.by_table || !is_response;
}

}  // namespace

void route(Burst& burst, const RouteTable& routes, const LinkTable& links) noexcept {
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    PacketContext& context = burst.context(i);
    context.pop_bytes = 0;
    context.push_node = 0;
    context.deliver = false;
    if (context.injected && context.inject_on_link) continue;
    if (routes.self.is_invalid()) {
      burst.drop(i, DropReason::kNoRoute);
      continue;
    }
    const std::span<const std::byte> list = bytes_of(burst.mbufs[i])
                                                .subspan(context.header.destination_list_offset(),
                                                         context.header.destination_list_length);
    const Decision decision = decide(list, routes, links, context);
    if (decision.kind == Decision::Kind::kDrop) {
      burst.drop(i, decision.reason);
      continue;
    }
    context.next_hop = decision.next_hop;
    if (decision.kind == Decision::Kind::kDeliver) {
      context.deliver = true;
      continue;
    }
    if (context.header.ttl == 0) {  // B-33
      burst.drop(i, DropReason::kTtlExceeded);
    } else if ((context.option_flags & kForwardCritical) != 0 && !context.injected) {  // B-38
      burst.drop(i, DropReason::kUnsupportedOption);
    } else if (would_bounce(context, decision)) {
      burst.drop(i, DropReason::kRouteLoop);
    }
  }
}

}  // namespace dataplane
