// SPDX-License-Identifier: Apache-2.0
// A client of the ring (RFC 6940 sections 3.2.1 and 4.2.1, routing by its own Node-ID): it attaches
// to the peer that is responsible for its Node-ID, as a joining node does to the one that is to
// admit it, and goes no further. Whatever is sent to it comes there and finds the link; what it
// sends goes through it. It moves when a peer joins in between and when its peer is lost.

#include <algorithm>

#include "config/node_config.h"
#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using overlay::Note;
using overlay::Now;
using overlay::Outcome;
using wire::reload::NodeId;

/// The Update of the peer has come, so that messages are routed through it.
void ChordTopology::become_client(const Now& now, Wishes& wishes) {
  membership_ = Membership::kClient;
  join_step_ = JoinStep::kNone;
  join_due_ns_ = overlay::kNever;
  join_failures_ = 0;
  wishes.routes_changed = true;
  note(Note::Level::kNormal, "client of " + config::to_string(admitting_), wishes);
  liveness_due_ns_ =
      settings_.liveness_ns == 0 ? overlay::kNever : now.ns + jittered(settings_.liveness_ns);
  home_due_ns_ = now.ns + jittered(settings_.update_interval_ns);
}

/// @p names are of peers that one of ours knows. The nearest behind us is the one that is
/// responsible for our Node-ID.
void ChordTopology::move_closer(const Now& now, std::span<const NodeId> names, const NodeId& from,
                                Wishes& wishes) {
  if (membership_ != Membership::kClient || is_open(Purpose::kHome)) return;
  const NodeId* nearest = &admitting_;
  for (const NodeId& id : names) {
    if (id != self_ && !avoided(now, id) &&
        ring::distance(self_, id) < ring::distance(self_, *nearest)) {
      nearest = &id;
    }
  }
  if (*nearest == admitting_) return;
  if (Link* link = links_.find(*nearest); link != nullptr && link->usable) {
    move_to(now, *link, wishes);
  } else {
    attach(Purpose::kHome, Target::node(*nearest).via(from), wishes);
  }
}

/// The old peer's link is closed when it has been idle, like any that is not needed.
void ChordTopology::move_to(const Now& now, Link& home, Wishes& wishes) {
  if (admitting_ == home.id) return;
  admitting_ = home.id;
  home.ours = true;
  home.wanted_ns = now.ns;
  if (!home.ready) ask_table(now, home, wishes);
  note(Note::Level::kNormal, "client of " + config::to_string(admitting_) + " from now on", wishes);
}

void ChordTopology::home_attached(const Now& now, const Pending& open, const Finished& result,
                                  Wishes& wishes) {
  Link* link = result.outcome == Outcome::kAnswered ? links_.find(result.responder) : nullptr;
  if (link == nullptr) {
    avoid(now, open.target.id);
    return;
  }
  attached(now, *link, wishes);
  if (membership_ == Membership::kClient) move_to(now, *link, wishes);
}

/// Updates tell of changes; this finds what they did not tell.
void ChordTopology::ask_for_home(const Now& now, Wishes& wishes) {
  home_due_ns_ = now.ns + jittered(settings_.update_interval_ns);
  ping(Purpose::kHomePing, Target::resource(self_), wishes);
}

void ChordTopology::home_answered(const Now& now, const Finished& result, Wishes& wishes) {
  if (result.outcome != Outcome::kAnswered || result.responder == admitting_) return;
  // Only who is nearer: an answer from anybody else is no reason to leave a peer that is there.
  move_closer(now, std::span(&result.responder, 1), admitting_, wishes);
}

/// Without its peer a client is nowhere.
void ChordTopology::keep_home(const Now& now, Wishes& wishes) {
  const Link* const home = links_.find(admitting_);
  if (home != nullptr && home->is_peer(now.ns)) return;
  note(Note::Level::kWarning,
       config::to_string(admitting_) +
           ", which this client is reached through, is lost; joining again",
       wishes);
  liveness_due_ns_ = overlay::kNever;
  home_due_ns_ = overlay::kNever;
  wishes.routes_changed = true;
  begin_join(now, wishes);
}

}  // namespace controlplane::topology::chord
