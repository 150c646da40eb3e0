// SPDX-License-Identifier: Apache-2.0
// The node and its overlay algorithm: what the algorithm wishes is carried out, what came of it is
// handed back.

#include <string>
#include <utility>

#include "config/node_config.h"
#include "controlplane/overlay/node.h"

namespace controlplane::overlay {

using topology::Target;
using topology::Wishes;
using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

/// The Destination List that leads to @p target.
Bytes destination_list_of(const Target& target) {
  Bytes list;
  const auto append = [&list](const NodeId& id, bool as_resource) {
    const std::size_t end = list.size();
    list.resize(end + wire::reload::kNodeEntryBytes + 1);  // a Resource-ID has a length byte more
    const std::span<std::byte> entry = std::span(list).subspan(end);
    list.resize(end + (as_resource ? wire::reload::write_resource_entry(id.bytes, entry)
                                   : wire::reload::write_node_entry(id, entry)));
  };
  if (target.through && *target.through != target.id) append(*target.through, false);
  append(target.id, target.kind == Target::Kind::kResource);
  return list;
}

/// A step ends even if the algorithm never runs out of wishes.
constexpr int kMaxRounds = 64;

}  // namespace

bool Node::is_linked(const NodeId& peer) const noexcept {
  const Connection* connection = connections_.to(peer);
  return connection != nullptr && is_usable(connection->slot);
}

void Node::settle(const Now& now, std::size_t first_result, Outputs& out) {
  // A wish that is refused at once may be wished again at once; then the rest waits for a Tick.
  for (int round = 0; round < kMaxRounds; ++round) {
    bool idle = true;
    for (std::size_t i = first_result; i < out.results.size();) {
      if (out.results[i].ticket < kOwnTickets) {
        ++i;
        continue;
      }
      const RequestResult result = std::move(out.results[i]);
      out.results.erase(out.results.begin() + static_cast<std::ptrdiff_t>(i));
      hand_back(now, result, out);
      idle = false;
    }
    for (const Attaches::Ended& end : std::exchange(ended_, {})) {
      topology_.finished(now, {end.ticket, end.outcome, end.error_code, end.peer, {}}, wishes_);
      idle = false;
    }
    if (!wishes_.empty()) {
      carry_out(now, std::exchange(wishes_, {}), out);
      idle = false;
    }
    if (idle) return;
  }
}

void Node::carry_out(const Now& now, Wishes wishes, Outputs& out) {
  out.routes_changed |= wishes.routes_changed;
  out.bootstrap |= wishes.bootstrap;
  for (Note& note : wishes.notes) out.notes.push_back(std::move(note));
  for (const Wishes::Attach& wish : wishes.attach) attach(now, wish, out);
  for (Wishes::Request& wish : wishes.requests) {
    const std::uint64_t own = next_own_ticket_++;
    asked_.emplace(own, wish.ticket);
    Request request;
    request.ticket = own;
    request.destination_list = destination_list_of(wish.target);
    request.code = wish.code;
    request.body = std::move(wish.body);
    request.extension = std::move(wish.extension);
    take(now, request, out);
  }
  for (const NodeId& peer : wishes.close) {
    const Connection* connection = connections_.to(peer);
    if (connection == nullptr) continue;
    out.close_links.push_back({connection->slot, connection->generation});
  }
}

void Node::attach(const Now& now, const Wishes::Attach& wish, Outputs& out) {
  const bool to_node = wish.target.kind == Target::Kind::kNode;
  // With a link there is nothing to ask for but the Update.
  if (to_node && !wish.send_update && is_linked(wish.target.id)) {
    ended_.push_back({wish.ticket, Outcome::kAnswered, 0, wish.target.id});
    return;
  }
  if (settings_.addresses.empty() || (to_node && wish.target.id == settings_.self) ||
      attaches_.forming() >= settings_.max_forming_links) {
    ended_.push_back({wish.ticket, Outcome::kRefused, 0, wish.target.id});
    return;
  }
  const std::uint64_t own = next_own_ticket_++;
  attaches_.requested(own, wish.ticket,
                      to_node ? std::optional<NodeId>(wish.target.id) : std::nullopt);
  Request request;
  request.ticket = own;
  request.destination_list = destination_list_of(wish.target);
  request.code = MessageCode::kAttachReq;
  request.body = attaches_.request_body(wish.send_update);
  take(now, request, out);
}

void Node::hand_back(const Now& now, const RequestResult& result, Outputs& out) {
  const auto found = asked_.find(result.ticket);
  if (found == asked_.end()) {
    attaches_.answered(now, result, is_linked(result.responder), out, ended_);
    return;
  }
  const std::uint64_t ticket = found->second;
  asked_.erase(found);
  topology_.finished(
      now,
      {ticket, result.outcome, result.error_code, result.responder, result.body, result.extensions},
      wishes_);
}

Answer Node::serve_attach(const Now& now, const ParsedMessage& request, const NodeId& signer,
                          Outputs& out) {
  Attaches::Served served =
      attaches_.serve(now, signer, request.contents.body, is_linked(signer), out);
  if (served.cancel_request) {
    transactions_.cancel({*served.cancel_request, *served.cancel_request + 1});
  }
  if (served.send_update) topology_.update_wanted(now, signer, wishes_);
  return std::move(served.answer);
}

Answer Node::serve_topology(const Now& now, const ParsedMessage& request, const NodeId& signer,
                            const Ingress& from) {
  const std::uint16_t code = request.contents.message_code;
  topology::Incoming incoming{code, request.contents.body, signer, std::nullopt,
                              request.contents.extensions};
  if (const Connection* connection = connections_.behind(from)) {
    incoming.neighbour = connection->peer;
  }
  if (auto answer = topology_.serve(now, incoming, wishes_)) return std::move(*answer);
  const char* name = wire::reload::message_code_name(code);
  const std::string method = name != nullptr ? name : "code " + std::to_string(code);
  return Answer::error(ErrorCode::kInvalidMessage, "this node does not serve " + method);
}

void Node::forget_state(std::uint16_t slot) {
  next_probe_ns_.erase(slot);
  keyless_.erase(slot);
}

void Node::take(const Now& now, const LinkOpened& link, Outputs& out) {
  if (is_banned(link.peer)) {
    out.close_links.push_back(link.link);
    return;
  }
  // A slot that had another node has lost its old link; so has a node that had another slot.
  const Connection* before = connections_.by_slot(link.link.slot);
  if (before != nullptr && before->peer != link.peer) {
    take(now, LinkClosed{{before->slot, before->generation}}, out);
  }
  if (const Connection* old = connections_.to(link.peer)) forget_state(old->slot);
  connections_.add({link.link.slot, link.link.generation, link.peer});
  forget_state(link.link.slot);
  ++counters_.links_opened;
  topology_.linked(now, link.peer, link.link.slot, wishes_);
  if (attaches_.linked(link.peer, ended_)) topology_.update_wanted(now, link.peer, wishes_);
}

void Node::take(const Now& now, const LinkClosed& link, Outputs& /*out*/) {
  const Connection* connection = connections_.behind(link.link);
  if (connection == nullptr) return;
  const NodeId peer = connection->peer;
  connections_.remove(link.link.slot);
  forget_state(link.link.slot);
  ++counters_.links_closed;
  topology_.unlinked(now, peer, wishes_);
}

void Node::take(const Now& /*now*/, const LinkNotOpened& link, Outputs& /*out*/) {
  attaches_.not_opened(link.peer, ended_);
}

void Node::take(const Now& now, const Bootstrapped& bootstrapped, Outputs& /*out*/) {
  topology_.bootstrapped(now, bootstrapped.node, wishes_);
}

void Node::take(const Now& now, const MembershipWish& wish, Outputs& /*out*/) {
  switch (wish) {
    case MembershipWish::kFound:
      topology_.found(now, wishes_);
      return;
    case MembershipWish::kJoin:
      topology_.join(now, wishes_);
      return;
    case MembershipWish::kLeave:
      topology_.leave(now, wishes_);
      return;
  }
}

}  // namespace controlplane::overlay
