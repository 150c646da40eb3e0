// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/route.h"

#include <span>

#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_option.h"
#include "wire/shm/next_hop.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using wire::shm::NextHop;
using wire::shm::RouteTable;

/// B-28 to B-31: a compact ID of ours names a slot, and the node in it must be the one it was made
/// for. The node is connected by definition, so the list need not be looked at again.
NextHop to_opaque(std::span<const std::byte> id, std::size_t entry_bytes, const LinkTable& links,
                  PacketContext& context) noexcept {
  if (id.size() != kCompactEntryBytes || (wire::load_u8(id.data()) & 0x80U) == 0) {
    return NextHop::drop(DropReason::kOpaqueUnknown);
  }
  const CompactId compact = CompactId::decode(wire::load_be16(id.data()));
  const LinkEntry* const link = links.by_slot(compact.slot);
  if (link == nullptr) return NextHop::drop(DropReason::kOpaqueUnknown);
  if (link->record.generation != compact.generation) {
    return NextHop::drop(DropReason::kOpaqueStale);
  }
  context.pop_bytes = static_cast<std::uint16_t>(context.pop_bytes + entry_bytes);
  context.push_node = 1;
  context.push_id = link->record.peer;
  return NextHop::forward(compact.slot, false);
}

/// RFC 6940 section 6.1: classifies the head of the list, after own entries in front are popped.
NextHop decide(std::span<const std::byte> list, const RouteTable& routes, const LinkTable& links,
               PacketContext& context) noexcept {
  if (NodeId only; read_only_node(list, only)) [[likely]] {
    if (only == routes.self || only.is_wildcard()) return NextHop::deliver();
    return wire::shm::next_hop_to_node(only, routes);
  }
  for (;;) {
    Destination head;
    if (!read_destination(list, head).ok()) return NextHop::drop(DropReason::kBadDestination);
    const bool is_last = head.entry.size() == list.size();
    switch (head.type) {
      case DestinationType::kNode: {
        const NodeId id = head.node_id();
        if (id == routes.self) {
          if (is_last) return NextHop::deliver();
          // B-08
          list = list.subspan(kNodeEntryBytes);
          context.pop_bytes = static_cast<std::uint16_t>(context.pop_bytes + kNodeEntryBytes);
          continue;
        }
        if (id.is_wildcard()) {
          return is_last ? NextHop::deliver() : NextHop::drop(DropReason::kWildcardForward);
        }
        return wire::shm::next_hop_to_node(id, routes);
      }
      case DestinationType::kResource:
        return wire::shm::next_hop_to_resource(head.value, is_last, routes);
      case DestinationType::kOpaque:
        return to_opaque(head.value, head.entry.size(), links, context);
      case DestinationType::kInvalid:
        break;
    }
    return NextHop::drop(DropReason::kUnknownDestination);
  }
}

/// Whether sending @p context's message back over the link it came on would bounce it: nobody asked
/// for it by naming us or one of our opaque IDs, and it is not an answer to the very node there.
bool would_bounce(const PacketContext& context, const NextHop& decision) noexcept {
  if (decision.link_slot != context.link_in || context.injected) return false;
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
    const NextHop decision = decide(list, routes, links, context);
    if (decision.kind == NextHop::Kind::kDrop) {
      burst.drop(i, decision.reason);
      continue;
    }
    context.next_hop = decision.link_slot;
    if (decision.kind == NextHop::Kind::kDeliver) {
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
