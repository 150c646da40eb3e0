// SPDX-License-Identifier: Apache-2.0
// What is done from time to time (RFC 6940 section 10.7.4; requirements I-54 to I-61), and which
// links are kept.

#include <algorithm>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using overlay::Now;
using overlay::Outcome;
using wire::reload::ChordUpdateType;
using wire::reload::NodeId;

void ChordTopology::start_timers(const Now& now) {
  // The first of each anywhere within its interval, as if it had been running before.
  const auto within = [&](std::uint64_t interval_ns) {
    return now.ns + (interval_ns == 0 ? 0 : random_() % interval_ns);
  };
  // Updates go to one peer after the other, so the next is due sooner.
  if (settings_.self_tuning) {
    failures_.begin(now.ns);
    tune(now);
    update_due_ns_ = within(interval_ns_);
    keep_alive_due_ns_ = within(settings_.silence_ns);
  } else {
    update_due_ns_ =
        within(settings_.update_interval_ns / std::max<std::size_t>(links_.all().size(), 1));
  }
  liveness_due_ns_ = settings_.liveness_ns == 0 ? overlay::kNever : within(settings_.liveness_ns);
  finger_due_ns_ = within(settings_.ping_interval_ns);
  partition_wait_ns_ = settings_.partition_check_ns;
  partition_due_ns_ = within(settings_.partition_check_ns);
  sweep_due_ns_ = std::min(sweep_due_ns_, now.ns + settings_.failed_link_ns);
}

bool ChordTopology::needs(const Link& link) const noexcept {
  if (settings_.is_client) return link.id == admitting_;
  return neighbors_.contains(link.id) || fingers_.contains(link.id);
}

/// I-54: one at a time, so that all have had one after the interval and none come together. Not
/// only neighbours: whoever is routed through is asked whether it is still there. peer_ready also
/// tells a finger that the link is needed; to those that are neither it must not say so, or neither
/// end would ever close it.
void ChordTopology::update_next(const Now& now, Wishes& wishes) {
  std::size_t peers = 0;
  Link* next = nullptr;
  for (Link& link : links_.all()) {
    if (!link.is_peer(now.ns)) continue;
    ++peers;
    if (next == nullptr || ring::distance(update_cursor_, link.id) - 1 <
                               ring::distance(update_cursor_, next->id) - 1) {
      next = &link;
    }
  }
  const std::uint64_t share = settings_.update_interval_ns / std::max<std::size_t>(peers, 1);
  update_due_ns_ = now.ns + jittered(share);
  if (next == nullptr) return;
  update_cursor_ = next->id;
  const bool only_finger = !neighbors_.contains(next->id) && fingers_.contains(next->id);
  send_update(now, *next, only_finger ? ChordUpdateType::kPeerReady : ChordUpdateType::kNeighbors,
              wishes);
}

/// A link that carries the Ping nowhere fails by itself; one whose peer is there but does not
/// answer fails when the request does.
void ChordTopology::probe_nearest(const Now& now, Wishes& wishes) {
  liveness_due_ns_ = now.ns + jittered(settings_.liveness_ns);
  const auto probe = [&](const NodeId& peer) {
    const Link* link = links_.find(peer);
    if (link == nullptr) return;
    wishes.requests.push_back({ticket(Purpose::kLiveness, link->serial), Target::node(peer),
                               wire::reload::MessageCode::kPingReq,
                               wire::reload::ping_request_body(0)});
  };
  if (settings_.is_client) {
    probe(admitting_);
    return;
  }
  if (neighbors_.empty()) return;
  const NodeId& before = neighbors_.predecessors().front();
  const NodeId& behind = neighbors_.successors().front();
  probe(behind);
  if (before != behind) probe(before);
}

// --- fingers -------------------------------------------------------------------------------------

void ChordTopology::search_finger(unsigned i, Wishes& wishes) {
  ping(Purpose::kFingerSearch, Target::resource(fingers_.random_in(i, random_)), wishes);
}

void ChordTopology::finger_answered(const Now& now, const Finished& result, Wishes& wishes) {
  if (result.outcome != Outcome::kAnswered || result.responder == self_) return;
  const NodeId& peer = result.responder;
  const unsigned i = ring::finger_of(ring::distance(self_, peer));
  if (i > fingers_.size() || fingers_.valid(i) || avoided(now, peer) || is_attaching_to(peer)) {
    return;
  }
  if (Link* link = links_.find(peer); link == nullptr) {
    attach(Purpose::kFinger, Target::node(peer), wishes);
  } else if (link->usable && !link->ready) {
    ask_table(now, *link, wishes);
  }
}

// --- partitions ----------------------------------------------------------------------------------

void ChordTopology::check_partition(const Now& now, Wishes& wishes) {
  partition_due_ns_ = now.ns + jittered(partition_wait_ns_);
  partition_wait_ns_ = std::min(partition_wait_ns_ * 2, settings_.partition_check_ns);
  checking_partition_ = true;
  wishes.bootstrap = true;
}

/// I-61: who answers for the point behind us is our successor, unless there is another ring.
void ChordTopology::partition_answered(const Now& now, const Pending& ping, const Finished& result,
                                       Wishes& wishes) {
  const NodeId& other = result.responder;
  if (membership_ != Membership::kMember || result.outcome != Outcome::kAnswered ||
      other == self_ || (!neighbors_.empty() && other == neighbors_.successors().front())) {
    return;
  }
  if (Link* link = links_.find(other); link != nullptr) {
    ask_table(now, *link, wishes);
    send_update(now, *link, ChordUpdateType::kNeighbors, wishes);
    return;
  }
  Target target = Target::node(other);
  target.through = ping.target.through;
  attach(Purpose::kOtherRing, target, wishes);
}

// --- links ---------------------------------------------------------------------------------------

void ChordTopology::sweep(const Now& now, Wishes& wishes) {
  std::uint64_t next_ns = now.ns + settings_.failed_link_ns;
  for (Link& link : links_.all()) {
    if (link.contacted_until_ns == 0) continue;
    if (link.contacted_until_ns <= now.ns) {
      link.contacted_until_ns = 0;
      unsettled_ = true;
    } else {
      next_ns = std::min(next_ns, link.contacted_until_ns);
    }
  }
  std::erase_if(avoided_, [&now](const Avoided& one) { return one.until_ns <= now.ns; });
  settle(now, wishes);
  close_idle(now, wishes);
  sweep_due_ns_ = next_ns;
}

/// The other end may need a link that we do not. It says so by its Updates, which come once in its
/// interval. Links of clients are not ours to close.
void ChordTopology::close_idle(const Now& now, Wishes& wishes) {
  constexpr std::uint64_t kSilences = 10;  // the other end pings what it needs
  const std::uint64_t idle_ns = settings_.self_tuning
                                    ? kSilences * settings_.silence_ns
                                    : settings_.idle_intervals * settings_.update_interval_ns;
  std::vector<Link*> spare;
  for (Link& link : links_.all()) {
    if (!link.usable) {
      if (now.ns >= link.since_ns + settings_.failed_link_ns) wishes.close.push_back(link.id);
      continue;
    }
    if (needs(link) || link.contacted_until_ns != 0 || (!link.ready && !link.ours) ||
        is_attaching_to(link.id) || join_step_ != JoinStep::kNone) {
      continue;
    }
    if (now.ns >= link.wanted_ns + idle_ns) {
      wishes.close.push_back(link.id);
    } else if (now.ns >= link.wanted_ns + settings_.failed_link_ns) {
      spare.push_back(&link);
    }
  }
  const std::size_t left = links_.all().size() - wishes.close.size();
  if (left <= settings_.comfortable_links) return;
  std::sort(spare.begin(), spare.end(),
            [](const Link* a, const Link* b) { return a->wanted_ns < b->wanted_ns; });
  spare.resize(std::min(spare.size(), left - settings_.comfortable_links));
  for (const Link* link : spare) wishes.close.push_back(link->id);
}

}  // namespace controlplane::topology::chord
