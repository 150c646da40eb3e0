// SPDX-License-Identifier: Apache-2.0
// A message's way through one node, as the dataplane's stages route and rewrite do it (RFC 6940
// sections 6.1 and 6.2), without their haste.

#include <utility>

#include "tests/simulation/sim_node.h"
#include "tests/simulation/world.h"
#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"

namespace tests::simulation {

using controlplane::overlay::Delivery;
using controlplane::overlay::Ingress;
using controlplane::overlay::Outgoing;
using controlplane::overlay::Refusal;
using wire::reload::Bytes;
using wire::reload::Destination;
using wire::reload::DestinationType;
using wire::reload::ForwardingHeader;
using wire::shm::DropReason;
using wire::shm::NextHop;

namespace {

/// Reads the head of @p list and steps over own entries in front of others (B-08).
NextHop decide(std::span<const std::byte>& list, const SimRoutes& routes) {
  for (;;) {
    Destination head;
    if (!wire::reload::read_destination(list, head).ok()) {
      return NextHop::drop(DropReason::kBadDestination);
    }
    const bool is_last = head.entry.size() == list.size();
    switch (head.type) {
      case DestinationType::kNode: {
        const wire::reload::NodeId id = head.node_id();
        if (id == routes.self || id.is_wildcard()) {
          if (is_last) return NextHop::deliver();
          if (id.is_wildcard()) return NextHop::drop(DropReason::kWildcardForward);
          list = list.subspan(head.entry.size());
          continue;
        }
        return wire::shm::next_hop_to_node(id, routes);
      }
      case DestinationType::kResource:
        return wire::shm::next_hop_to_resource(head.value, is_last, routes);
      default:
        return NextHop::drop(DropReason::kOpaqueUnknown);  // nobody here makes opaque IDs
    }
  }
}

std::uint16_t code_of(std::span<const std::byte> message, const ForwardingHeader& header) {
  const bool has_code = header.fragment.is_whole() && message.size() >= header.size() + 2;
  return has_code ? wire::load_be16(message.data() + header.size()) : std::uint16_t{0};
}

/// The message as it leaves: the previous hop on the Via List, popped entries gone, one TTL less.
Bytes rewritten(std::span<const std::byte> message, const ForwardingHeader& before,
                const wire::reload::NodeId* previous, std::span<const std::byte> list) {
  const auto via = message.subspan(wire::reload::kFixedHeaderBytes, before.via_list_length);
  Bytes entry;
  if (previous != nullptr) {
    entry.resize(wire::reload::kNodeEntryBytes);
    entry.resize(wire::reload::write_node_entry(*previous, entry));
  }
  ForwardingHeader header = before;
  header.ttl = static_cast<std::uint8_t>(before.ttl - 1);
  header.via_list_length = static_cast<std::uint16_t>(via.size() + entry.size());
  header.destination_list_length = static_cast<std::uint16_t>(list.size());
  const std::size_t rest = before.destination_list_offset() + before.destination_list_length;
  header.length = static_cast<std::uint32_t>(wire::reload::kFixedHeaderBytes + via.size() +
                                             entry.size() + list.size() + message.size() - rest);
  Bytes bytes(wire::reload::kFixedHeaderBytes);
  bytes.reserve(header.length);
  wire::reload::write_forwarding_header(header, bytes);
  for (const std::span<const std::byte> part :
       {via, std::span<const std::byte>(entry), list, message.subspan(rest)}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

}  // namespace

void World::inject(std::uint32_t index, Outgoing message) {
  if (untracked_ticket_ != 0) tracked_.emplace(message.transaction, untracked_ticket_);
  if (message.on_link != wire::shm::kNoLink) {
    ForwardingHeader header;
    const bool parsed = wire::reload::parse_forwarding_header(message.bytes, header).ok();
    const std::uint16_t code = parsed ? code_of(message.bytes, header) : std::uint16_t{0};
    send(index, message.on_link, code, std::move(message.bytes));
    return;
  }
  forward(index, {}, std::move(message.bytes), true);
}

void World::forward(std::uint32_t index, const Ingress& from, Bytes bytes, bool injected) {
  SimNode& node = *nodes_[index];
  const std::span<const std::byte> message(bytes);
  ForwardingHeader header;
  if (!wire::reload::parse_forwarding_header(message, header).ok()) {
    ++counters_.dropped;
    return;
  }
  const auto whole_list =
      message.subspan(header.destination_list_offset(), header.destination_list_length);
  std::span<const std::byte> list = whole_list;
  NextHop next = decide(list, node.routes);
  const bool popped = list.size() != whole_list.size();
  const std::uint16_t code = code_of(message, header);
  if (next.kind == NextHop::Kind::kForward) {
    const bool is_response = code != 0 && !wire::reload::is_request(code);
    if (header.ttl == 0) {
      next = NextHop::drop(DropReason::kTtlExceeded);
    } else if (!injected && next.link_slot == from.slot && !popped &&
               (next.by_table || !is_response)) {
      next = NextHop::drop(DropReason::kRouteLoop);
    }
  }
  switch (next.kind) {
    case NextHop::Kind::kDrop:
      ++counters_.dropped;
      if (!injected) step(index, Refusal{message, from, true, next.reason});
      return;
    case NextHop::Kind::kForward: {
      const SimLink* link = node.link(from);
      const wire::reload::NodeId* previous = link != nullptr ? &nodes_[link->peer]->id : nullptr;
      // the originator's own sending takes nothing from the TTL.
      if (injected && !popped) {
        send(index, next.link_slot, code, std::move(bytes));
      } else {
        send(index, next.link_slot, code, rewritten(message, header, previous, list));
      }
      return;
    }
    case NextHop::Kind::kDeliver:
      break;
  }
  if (injected) {  // to itself, as the next thing that happens to it
    SimEvent event;
    event.kind = SimEvent::Kind::kArrive;
    event.at_ns = now_ns_;
    event.node = index;
    event.incarnation = node.incarnation;
    event.slot = wire::shm::kNoLink;
    event.bytes = std::move(bytes);
    queue_.push(std::move(event));
    return;
  }
  ++counters_.delivered;
  const auto tracked = tracked_.find(static_cast<std::uint64_t>(header.transaction_id));
  if (tracked != tracked_.end() && wire::reload::is_request(code)) {
    Lookup& lookup = *lookups_.at(tracked->second);
    const std::size_t passed = header.via_list_length / wire::reload::kNodeEntryBytes;
    if (lookup.hops == 0 && from.slot != wire::shm::kNoLink) {
      lookup.hops = static_cast<std::uint32_t>(passed + 1);
    }
  }
  step(index, Delivery{message, from, true});
}

}  // namespace tests::simulation
