// SPDX-License-Identifier: Apache-2.0
// From a bootstrap node to membership (RFC 6940 sections 10.5 and 11.4; requirements I-24 to I-36).

#include <algorithm>
#include <string>

#include "config/node_config.h"
#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/join_leave.h"

namespace controlplane::topology::chord {

using overlay::Note;
using overlay::Now;
using overlay::Outcome;
using wire::reload::ChordUpdateType;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

/// The Admitting Peer's Update follows the link at once, so after this it is asked for, and after
/// as much again done without.
constexpr std::uint64_t kTableNs = 5 * kSecond;
/// Until a joining node that was sent on by the Admitting Peer looks again for its place: the one
/// that came between needs this to become a member.
constexpr std::uint64_t kLookAgainNs = kSecond / 2;
constexpr unsigned kMostDoublings = 16;

}  // namespace

void ChordTopology::found(const Now& now, Wishes& wishes) {
  if (membership_ == Membership::kMember || settings_.is_client) return;
  founder_ = true;
  started_ns_ = now.ns;
  become_member(now, wishes);
}

void ChordTopology::join(const Now& now, Wishes& wishes) {
  if (membership_ == Membership::kMember || membership_ == Membership::kClient ||
      membership_ == Membership::kJoining) {
    return;
  }
  founder_ = false;
  started_ns_ = now.ns;
  join_failures_ = 0;
  begin_join(now, wishes);
}

void ChordTopology::begin_join(const Now& now, Wishes& wishes) {
  // What was begun before is of no interest any more; answers to it find no Pending.
  pending_.clear();
  membership_ = Membership::kJoining;
  join_step_ = JoinStep::kBootstrap;
  join_due_ns_ = now.ns + settings_.join_step_ns;
  wishes.bootstrap = true;
}

void ChordTopology::pause_join(const Now& now, const char* why, Wishes& wishes) {
  pending_.clear();
  join_step_ = JoinStep::kPause;
  const std::uint64_t wait =
      std::min(settings_.join_backoff_ns, kSecond << std::min(join_failures_, kMostDoublings));
  ++join_failures_;
  join_due_ns_ = now.ns + jittered(wait);
  note(Note::Level::kWarning,
       std::string("joining: ") + why + "; trying again with another bootstrap node", wishes);
}

void ChordTopology::bootstrapped(const Now& now, const std::optional<NodeId>& node,
                                 Wishes& wishes) {
  Link* link = node && *node != self_ ? links_.find(*node) : nullptr;
  if (link != nullptr) {
    link->ours = true;
    link->wanted_ns = now.ns;
  }
  if (join_step_ == JoinStep::kBootstrap) {
    if (link == nullptr) {
      pause_join(now, "no bootstrap node can be reached", wishes);
    } else {
      locate(now, *node, wishes);
    }
  } else if (checking_partition_) {
    checking_partition_ = false;
    if (link == nullptr || membership_ != Membership::kMember) return;
    // To the point behind us rather than to our own: that one B would hand back over the link it
    // has to us, whatever ring it is in (I-20).
    ping(Purpose::kPartitionPing, Target::resource(ring::next(self_)).via(*node), wishes);
  }
}

/// Steps 1 and 2: the peer responsible for the point behind ours is to admit us (I-25, J-59).
void ChordTopology::locate(const Now& now, const NodeId& through, Wishes& wishes) {
  join_step_ = JoinStep::kAdmit;
  join_due_ns_ = now.ns + settings_.join_step_ns;
  admitting_ = through;
  attach(Purpose::kAdmit, Target::resource(ring::next(self_)).via(through), wishes);
}

void ChordTopology::admitting_found(const Now& now, const Finished& result, Wishes& wishes) {
  if (join_step_ != JoinStep::kAdmit) return;
  Link* link = result.outcome == Outcome::kAnswered ? links_.find(result.responder) : nullptr;
  if (link == nullptr) {
    pause_join(now, "no link to the peer that is to admit this node", wishes);
    return;
  }
  admitting_ = result.responder;  // J-60
  attached(now, *link, wishes);
  join_step_ = JoinStep::kTable;
  asked_again_ = false;
  join_due_ns_ = now.ns + kTableNs;
  // Its Update may have been faster than the news of the link. An older one would do no harm, but
  // says less.
  if (link->table_ns != 0 && link->table_ns + kTableNs >= now.ns) table_came(now, wishes);
}

/// Step 3. The neighbours are being attached to by learn() already, from whose Updates more follow.
void ChordTopology::table_came(const Now& now, Wishes& wishes) {
  if (settings_.is_client) {
    become_client(now, wishes);
    return;
  }
  join_step_ = JoinStep::kNeighbors;
  join_due_ns_ = now.ns + settings_.join_step_ns;
  unsettled_ = true;
  settle(now, wishes);
  attach_fingers(wishes);
  join_when_attached(now, wishes);
}

/// I-34. Points up to our successor are skipped: it is responsible for them, and we have it.
void ChordTopology::attach_fingers(Wishes& wishes) {
  if (neighbors_.empty()) return;
  const ring::Point nearest = ring::distance(self_, neighbors_.successors().front());
  for (unsigned i = 1; i <= fingers_.size(); ++i) {
    if (ring::finger_distance(i) <= nearest) break;
    if (!fingers_.valid(i)) {
      attach(Purpose::kFinger, Target::resource(fingers_.start(i)), wishes);
    }
  }
}

/// I-33: without its table, successors are found one behind the other.
void ChordTopology::walk_on(const Now& now, const Finished* result, Wishes& wishes) {
  if (join_step_ != JoinStep::kWalk) return;
  NodeId last = admitting_;
  bool more = true;
  if (result != nullptr) {
    Link* link = result->outcome == Outcome::kAnswered ? links_.find(result->responder) : nullptr;
    // Round the ring, or no further.
    more = link != nullptr && result->responder != admitting_ && ++walked_ < neighbors_.per_side();
    if (link != nullptr) {
      last = result->responder;
      attached(now, *link, wishes);
    }
  }
  if (more) {
    attach(Purpose::kWalk, Target::resource(ring::next(last)).via(admitting_), wishes);
  } else {
    table_came(now, wishes);
  }
}

/// Steps 4 and 5: not before every peer that is to be a neighbour is attached to (I-35). Fingers
/// are not waited for.
void ChordTopology::join_when_attached(const Now& now, Wishes& wishes) {
  if (is_open(Purpose::kNeighbor)) return;
  // Somebody may have come between since; then it is the one to admit us.
  const auto admits = [&](const NodeId& id) {
    const Link* link = links_.find(id);
    return link != nullptr && (link->ready || id == admitting_);
  };
  const auto successors = neighbors_.successors();
  const auto first = std::find_if(successors.begin(), successors.end(), admits);
  if (first == successors.end()) {
    pause_join(now, "the peer that is to admit this node is gone", wishes);
    return;
  }
  admitting_ = *first;
  join_step_ = JoinStep::kJoin;
  join_due_ns_ = now.ns + 2 * settings_.contact_ns;
  const Target target = Target::node(admitting_);
  wishes.requests.push_back({open(Purpose::kJoin, target, 0), target, MessageCode::kJoinReq,
                             wire::reload::join_request_body({self_, {}})});
}

void ChordTopology::join_answered(const Now& now, const Finished& result, Wishes& wishes) {
  if (join_step_ != JoinStep::kJoin) return;
  if (result.outcome == Outcome::kError && result.responder == admitting_ &&
      result.error_code == static_cast<std::uint16_t>(ErrorCode::kNotFound)) {
    // Somebody is between it and us now.
    join_step_ = JoinStep::kAdmit;
    join_due_ns_ = now.ns + jittered(kLookAgainNs);
    return;
  }
  // I-04. After a good answer the Update that makes us a member is waited for.
  if (result.outcome != Outcome::kAnswered || result.responder != admitting_) {
    pause_join(now, "the Join was not answered with success", wishes);
  }
}

void ChordTopology::join_deadline(const Now& now, Wishes& wishes) {
  Link* admitting = links_.find(admitting_);
  switch (join_step_) {
    case JoinStep::kNone:
      return;
    case JoinStep::kPause:
      begin_join(now, wishes);
      return;
    case JoinStep::kAdmit:
      // Sent on by the Admitting Peer, unless it is the Attach that takes too long.
      if (admitting != nullptr && !is_open(Purpose::kAdmit)) {
        locate(now, admitting_, wishes);
        return;
      }
      break;
    case JoinStep::kTable:
      if (admitting == nullptr || (settings_.is_client && asked_again_)) break;
      join_due_ns_ = now.ns + kTableNs;
      if (asked_again_) {
        join_step_ = JoinStep::kWalk;
        join_due_ns_ = now.ns + settings_.join_step_ns;
        walked_ = 0;
        walk_on(now, nullptr, wishes);
      } else {
        asked_again_ = true;
        ask_table(now, *admitting, wishes);
      }
      return;
    case JoinStep::kBootstrap:
    case JoinStep::kWalk:
    case JoinStep::kNeighbors:
    case JoinStep::kJoin:
      break;
  }
  pause_join(now, "it took too long", wishes);
}

/// Steps 7 to 9. From here on we are responsible for our part.
void ChordTopology::become_member(const Now& now, Wishes& wishes) {
  membership_ = Membership::kMember;
  join_step_ = JoinStep::kNone;
  join_due_ns_ = overlay::kNever;
  join_failures_ = 0;
  std::erase_if(pending_, [](const Pending& open) {
    return open.purpose == Purpose::kAdmit || open.purpose == Purpose::kWalk ||
           open.purpose == Purpose::kJoin;
  });
  unsettled_ = true;
  settle(now, wishes);
  wishes.routes_changed = true;
  note(Note::Level::kNormal,
       "member of the ring, responsible for what is above " + config::to_string(predecessor_),
       wishes);
  ++version_;
  for (Link& link : links_.all()) {
    if (link.owed_update) give_update(now, link, wishes);
  }
  tell_all(now, wishes);
  start_timers(now);
}

}  // namespace controlplane::topology::chord
