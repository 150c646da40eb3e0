// SPDX-License-Identifier: Apache-2.0
// What Updates teach, and when they are sent (RFC 6940 sections 10.6 and 10.7; requirements G-04,
// I-36, I-42, I-48 to I-51).

#include <algorithm>

#include "controlplane/topology/chord/chord_topology.h"
#include "wire/reload/route_query.h"

namespace controlplane::topology::chord {

using overlay::Now;
using wire::reload::ChordUpdate;
using wire::reload::ChordUpdateType;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

/// Between two questions to one peer for its table: the lifetime of a request, nearly.
constexpr std::uint64_t kAskAgainNs = 10 * kSecond;

/// Strictly between the two, going up; between a point and itself lies everything else.
bool is_between(const NodeId& id, const NodeId& after, const NodeId& before) noexcept {
  return id != before && id != after && wire::reload::in_interval(id, after, before);
}

}  // namespace

/// I-50: attaches to those of @p names that belong into the Neighbor Table, through the peer that
/// named them (I-36). finished() makes neighbours of those that are reached.
void ChordTopology::learn(const Now& now, std::span<const NodeId> names, const NodeId& from,
                          Wishes& wishes) {
  if (settings_.is_client) {
    move_closer(now, names, from, wishes);
    return;
  }
  if (membership_ != Membership::kMember && membership_ != Membership::kJoining) return;
  const auto new_to_us = [&](const NodeId& id) {
    if (!neighbors_.would_take(id) || avoided(now, id) || is_attaching_to(id)) return false;
    const Link* link = links_.find(id);
    return link == nullptr || !link->is_peer(now.ns);
  };
  if (std::none_of(names.begin(), names.end(), new_to_us)) return;
  // The table as it would be with all of them: of many names only the nearest are worth a link.
  NeighborTable wanted = neighbors_;
  for (const Pending& open : pending_) {
    if (open.purpose == Purpose::kNeighbor) wanted.offer(open.target.id);
  }
  for (const NodeId& id : names) {
    if (new_to_us(id)) wanted.offer(id);
  }
  for (const NodeId& id : names) {
    if (!new_to_us(id) || !wanted.contains(id)) continue;
    if (Link* link = links_.find(id); link == nullptr) {
      attach(Purpose::kNeighbor, Target::node(id).via(from), wishes);
    } else if (link->usable) {
      // Linked already, and nothing was heard of it as a peer.
      ask_table(now, *link, wishes);
    }
  }
}

/// Our own Attach has led to @p link.
void ChordTopology::attached(const Now& now, Link& link, Wishes& wishes) {
  link.ours = true;
  link.wanted_ns = now.ns;
  forgive(link.id);
  if (!link.ready) {
    // I-27: into the tables at once; messages are routed through it after its Update.
    link.contacted_until_ns = now.ns + settings_.contact_ns;
    sweep_due_ns_ = std::min(sweep_due_ns_, link.contacted_until_ns);
    unsettled_ = true;
  }
  // Where that makes it a neighbour all are told soon, the others learn now that we are a peer.
  if (membership_ == Membership::kMember && !neighbors_.would_take(link.id)) {
    send_update(now, link, ChordUpdateType::kPeerReady, wishes);
  }
}

/// When @p sender takes somebody for its nearest while we know one that is nearer, one of us is
/// wrong. Either it has not heard of that peer, so it is told our table even when it is not in it:
/// else rings that are half merged would stay so. Or it has found that peer dead before us, so we
/// look whether it still is there: until then nobody would answer for its part.
void ChordTopology::compare(const Now& now, Link& sender, const ChordUpdate& update,
                            Wishes& wishes) {
  if (membership_ != Membership::kMember) return;
  const NodeId above = update.successors.empty() ? sender.id : update.successors.front();
  const NodeId below = update.predecessors.empty() ? sender.id : update.predecessors.front();
  const auto nearer = [&](const NodeId& id) {
    return is_between(id, sender.id, above) || is_between(id, below, sender.id);
  };
  bool tell = nearer(self_);
  for (const auto side : {neighbors_.predecessors(), neighbors_.successors()}) {
    for (const NodeId& id : side) {
      Link* link = id != sender.id && nearer(id) ? links_.find(id) : nullptr;
      if (link == nullptr || !link->routable()) continue;
      tell = true;
      if (now.ns < link->checked_ns + kAskAgainNs) continue;
      link->checked_ns = now.ns;
      send_update(now, *link, ChordUpdateType::kNeighbors, wishes);
    }
  }
  if (!tell || (sender.sent_version == version_ && now.ns < sender.checked_ns + kAskAgainNs)) {
    return;
  }
  sender.checked_ns = now.ns;
  send_update(now, sender, ChordUpdateType::kNeighbors, wishes);
}

void ChordTopology::send_update(const Now& now, Link& link, ChordUpdateType type, Wishes& wishes) {
  ChordUpdate update;
  update.uptime_s = uptime_s(now);
  update.type = type;
  if (type != ChordUpdateType::kPeerReady) {
    update.predecessors.assign(neighbors_.predecessors().begin(), neighbors_.predecessors().end());
    update.successors.assign(neighbors_.successors().begin(), neighbors_.successors().end());
    link.sent_version = version_;
  }
  if (type == ChordUpdateType::kFull) update.fingers = fingers_.ascending();
  wishes.requests.push_back({ticket(Purpose::kUpdate, link.serial), Target::node(link.id),
                             MessageCode::kUpdateReq, wire::reload::chord_update_body(update)});
}

void ChordTopology::update_wanted(const Now& now, const NodeId& peer, Wishes& wishes) {
  Link* link = links_.find(peer);
  if (link == nullptr) return;
  link->wanted_ns = now.ns;
  give_update(now, *link, wishes);
}

/// G-04. A node that is not a member has no place to announce (I-35), and owes it until it is.
void ChordTopology::give_update(const Now& now, Link& link, Wishes& wishes) {
  link.owed_update = membership_ != Membership::kMember;
  if (!link.owed_update) send_update(now, link, ChordUpdateType::kFull, wishes);
}

/// I-42, I-51: the whole Connection Table, except who knows it already.
void ChordTopology::tell_all(const Now& now, Wishes& wishes) {
  tell_due_ns_ = overlay::kNever;
  if (membership_ != Membership::kMember) return;
  for (Link& link : links_.all()) {
    if (link.usable && link.sent_version != version_) {
      send_update(now, link, ChordUpdateType::kNeighbors, wishes);
    }
  }
}

void ChordTopology::ask_table(const Now& now, Link& link, Wishes& wishes) {
  if (link.asked_ns != 0 && now.ns < link.asked_ns + kAskAgainNs) return;
  link.asked_ns = now.ns;
  wishes.requests.push_back(
      {ticket(Purpose::kTable, link.serial), Target::node(link.id), MessageCode::kRouteQueryReq,
       wire::reload::route_query_request_body({true, wire::reload::node_destination(self_), {}})});
}

}  // namespace controlplane::topology::chord
