// SPDX-License-Identifier: Apache-2.0
// Lost neighbours and fingers, and leaving (RFC 6940 sections 10.7.1, 10.7.2 and 10.9; requirements
// I-06, I-40 to I-47, I-64 to I-66).

#include <algorithm>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/join_leave.h"

namespace controlplane::topology::chord {

using overlay::Note;
using overlay::Now;
using wire::reload::ChordLeaveData;
using wire::reload::ChordLeaveType;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

/// Most nodes that are avoided at a time; the oldest is forgotten first.
constexpr std::size_t kMostAvoided = 32;
/// An alarm takes this share of the links: one in four, and more than a pair.
constexpr std::size_t kAlarmShare = 4;
constexpr std::size_t kAlarmLeast = 3;

}  // namespace

/// Takes @p link out of use. The tables are filled up by settle().
void ChordTopology::lose(const Now& now, Link& link, Loss loss, Wishes& wishes) {
  const bool was_peer = link.ready;
  // A link that we did not need may just have been closed by the other end.
  const bool was_needed = needs(link) && membership_ == Membership::kMember;
  const bool counts = loss == Loss::kFailed && was_needed;
  if (loss == Loss::kFailed) {
    link.usable = false;
    link.since_ns = now.ns;
    sweep_due_ns_ = std::min(sweep_due_ns_, now.ns + settings_.failed_link_ns);
  } else {
    link.ready = false;
    link.ours = true;  // to be closed when it is idle
  }
  link.contacted_until_ns = 0;
  last_loss_was_leave_ = loss == Loss::kLeft;
  unsettled_ = true;
  wishes.routes_changed = true;
  if (!was_peer) return;
  drop_finger(link.id, wishes);
  if (settings_.self_tuning && was_needed) failures_.add(now.ns);
  if (!counts) return;
  if (now.ns >= losses_since_ns_ + settings_.update_interval_ns) {
    losses_since_ns_ = now.ns;
    losses_ = 0;
  }
  ++losses_;
  if ((losses_ >= kAlarmLeast && losses_ * kAlarmShare >= links_.all().size()) ||
      fingers_.valid_count() == 0) {  // I-46
    alarm(now);
  }
}

void ChordTopology::drop_finger(const NodeId& id, Wishes& wishes) {
  if (!fingers_.contains(id)) return;
  std::vector<NodeId> others;
  for (const Link& link : links_.all()) {
    if (link.routable() && link.id != id) others.push_back(link.id);
  }
  const auto lost = fingers_.remove(id, others);
  if (lost && settings_.reactive && membership_ == Membership::kMember) {
    search_finger(*lost, wishes);  // I-47
  }
}

/// So many losses at once may be a partition: look for the others sooner.
void ChordTopology::alarm(const Now& now) {
  if (partition_wait_ns_ <= settings_.partition_alarm_ns) return;
  partition_wait_ns_ = settings_.partition_alarm_ns;
  partition_due_ns_ = std::min(partition_due_ns_, now.ns + jittered(partition_wait_ns_));
}

void ChordTopology::avoid(const Now& now, const NodeId& id) {
  forgive(id);
  if (avoided_.size() >= kMostAvoided) avoided_.erase(avoided_.begin());
  avoided_.push_back({id, now.ns + settings_.avoid_ns});
}

void ChordTopology::forgive(const NodeId& id) {
  std::erase_if(avoided_, [&id](const Avoided& one) { return one.id == id; });
}

bool ChordTopology::avoided(const Now& now, const NodeId& id) const noexcept {
  return std::any_of(avoided_.begin(), avoided_.end(),
                     [&](const Avoided& one) { return one.id == id && one.until_ns > now.ns; });
}

/// I-45. The last one to leave us behind properly left us the whole ring.
void ChordTopology::alone(const Now& now, Wishes& wishes) {
  if (last_loss_was_leave_) return;
  if (founder_) {
    note(Note::Level::kWarning, "all peers are lost; this node founded the ring and holds it",
         wishes);
    alarm(now);
    return;
  }
  note(Note::Level::kWarning, "all peers are lost; joining again", wishes);
  update_due_ns_ = overlay::kNever;
  liveness_due_ns_ = overlay::kNever;
  finger_due_ns_ = overlay::kNever;
  partition_due_ns_ = overlay::kNever;
  keep_alive_due_ns_ = overlay::kNever;
  checking_partition_ = false;
  wishes.routes_changed = true;
  begin_join(now, wishes);
}

// --- leaving -------------------------------------------------------------------------------------

void ChordTopology::leave(const Now& now, Wishes& wishes) {
  const bool was_member = membership_ == Membership::kMember;
  if (!was_member && membership_ != Membership::kJoining && membership_ != Membership::kClient) {
    return;
  }
  for (std::uint64_t* deadline :
       {&join_due_ns_, &tell_due_ns_, &update_due_ns_, &liveness_due_ns_, &finger_due_ns_,
        &partition_due_ns_, &replicas_due_ns_, &home_due_ns_, &keep_alive_due_ns_}) {
    *deadline = overlay::kNever;
  }
  pending_.clear();
  join_step_ = JoinStep::kNone;
  checking_partition_ = false;
  membership_ = Membership::kLeaving;
  wishes.routes_changed = true;
  leaves_open_ = 1;  // this call's own
  if (was_member) {
    for (Link& link : links_.all()) {
      if (link.is_peer(now.ns)) say_leave(link, wishes);
    }
  }
  if (leaves_open_ == 1) {  // nobody to tell
    end_leave(wishes);
    return;
  }
  leave_due_ns_ = now.ns + settings_.leave_ns;
  leave_answered(now);
}

void ChordTopology::say_leave(Link& link, Wishes& wishes) {
  // I-65: to those above us we are a predecessor and hand on ours, to those below a successor. In
  // a small ring one is both; what it loses then is its predecessor's part.
  const auto successors = neighbors_.successors();
  const bool above = std::find(successors.begin(), successors.end(), link.id) != successors.end() ||
                     (!neighbors_.contains(link.id) &&
                      ring::distance(self_, link.id) < ring::distance(link.id, self_));
  ChordLeaveData data;
  data.type = above ? ChordLeaveType::kFromPred : ChordLeaveType::kFromSucc;
  const auto peers = above ? neighbors_.predecessors() : successors;
  data.peers.assign(peers.begin(), peers.end());
  const wire::reload::Bytes encoded = wire::reload::chord_leave_data(data);
  ++leaves_open_;
  wishes.requests.push_back({ticket(Purpose::kLeave, link.serial), Target::node(link.id),
                             MessageCode::kLeaveReq,
                             wire::reload::leave_request_body({self_, encoded})});
}

/// All know now. What they had sent before still comes through here.
void ChordTopology::leave_answered(const Now& now) {
  if (membership_ != Membership::kLeaving || --leaves_open_ != 0) return;
  leave_due_ns_ = now.ns + settings_.leave_linger_ns;
}

void ChordTopology::end_leave(Wishes& wishes) {
  membership_ = Membership::kLeft;
  leave_due_ns_ = overlay::kNever;
  wishes.routes_changed = true;
  // Else the others would take the next Attach of this node for one of a node they are linked to.
  for (const Link& link : links_.all()) wishes.close.push_back(link.id);
}

}  // namespace controlplane::topology::chord
