// SPDX-License-Identifier: Apache-2.0
// Links, timers and questions.

#include "controlplane/topology/chord/chord_topology.h"

#include <algorithm>
#include <utility>

#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using overlay::Now;
using wire::reload::kNodeIdBytes;
using wire::reload::NodeId;

namespace {

constexpr unsigned kPurposeShift = 56;
constexpr std::uint64_t kNumberMask = (std::uint64_t{1} << kPurposeShift) - 1;
/// Most wishes with a Pending at a time: a full set of neighbours and fingers and as many again. An
/// Update that names more gets the rest attached to after the next one.
constexpr std::size_t kMostPending = 128;
/// A table that came within this time is as good as a new one.
constexpr std::uint64_t kFreshTableNs = 10 * kSecond;

}  // namespace

ChordTopology::ChordTopology(const NodeId& self, const Settings& settings,
                             overlay::RandomSource random)
    : self_(self),
      settings_(settings),
      random_(std::move(random)),
      neighbors_(self, settings.neighbors_per_side),
      fingers_(self),
      predecessor_(self),
      update_cursor_(self),
      partition_wait_ns_(settings.partition_check_ns) {
  if (settings_.self_tuning) settings_.reactive = false;  // N1-02
}

// --- what happens to the Connection Table --------------------------------------------------------

void ChordTopology::linked(const Now& now, const NodeId& peer, std::uint16_t slot, Wishes& wishes) {
  if (peer == self_) return;
  const bool known = links_.find(peer) != nullptr;
  Link& link = links_.make(peer);
  unsettled_ |= known && !link.usable;
  link.slot = slot;
  link.usable = true;
  link.since_ns = now.ns;
  link.wanted_ns = now.ns;
  link.heard_ns = now.ns;
  wishes.routes_changed = true;
  sweep_due_ns_ = std::min(sweep_due_ns_, now.ns + settings_.failed_link_ns);
  if (known && link.ready) {
    // Whose link is made anew may have started anew, and then is no peer until it has joined. One
    // that still is has an Update for who asks.
    link.doubted_ns = now.ns;
    link.asked_ns = 0;
    ask_table(now, link, wishes);
  }
  settle(now, wishes);
}

/// @p link has answered a question for its Update, without one if it is no member.
void ChordTopology::resolve_doubt(const Now& now, Link& link, Wishes& wishes) {
  const bool has_none = link.doubted_ns != 0 && link.table_ns < link.doubted_ns;
  link.doubted_ns = 0;
  if (!has_none || !link.ready) return;
  link.ready = false;
  unsettled_ = true;
  wishes.routes_changed = true;
  drop_finger(link.id, wishes);
  settle(now, wishes);
}

void ChordTopology::unlinked(const Now& now, const NodeId& peer, Wishes& wishes) {
  Link* link = links_.find(peer);
  if (link == nullptr) return;
  if (link->usable) lose(now, *link, Loss::kFailed, wishes);
  links_.erase(peer);
  wishes.routes_changed = true;
  settle(now, wishes);
}

void ChordTopology::link_changed(const Now& now, std::uint16_t slot, bool usable, Wishes& wishes) {
  Link* link = links_.by_slot(slot);
  if (link == nullptr || link->usable == usable) return;
  if (usable) {
    // I-44: back in the tables only now that it can be reached.
    link->usable = true;
    link->since_ns = now.ns;
    forgive(link->id);
    unsettled_ = true;
    wishes.routes_changed = true;
  } else {
    avoid(now, link->id);
    lose(now, *link, Loss::kFailed, wishes);
  }
  settle(now, wishes);
}

// --- conclusions ---------------------------------------------------------------------------------

void ChordTopology::settle(const Now& now, Wishes& wishes) {
  if (!unsettled_) return;
  unsettled_ = false;
  std::vector<NodeId> peers;
  peers.reserve(links_.all().size());
  for (const Link& link : links_.all()) {
    if (link.is_peer(now.ns)) peers.push_back(link.id);
    if (link.routable()) fingers_.offer(link.id);
  }
  const NeighborTable before = neighbors_;
  const bool changed = neighbors_.assign(peers);
  if (!neighbors_.empty() && !settings_.self_tuning) {
    fingers_.cover(neighbors_.successors().back());
  }

  // The nearest below us that has spoken: one that is only being admitted is not yet responsible
  // for its part, so we still are.
  const Link* below = links_.last_in(self_, ring::add(self_, ~ring::Point{0}));
  const NodeId predecessor = below != nullptr ? below->id : self_;
  const bool range_changed = predecessor != predecessor_;
  predecessor_ = predecessor;
  wishes.routes_changed |= range_changed;

  if (changed) {
    ++version_;
    follow_replicas(now);
    ask_new_neighbors(now, before, wishes);
  }
  if (membership_ == Membership::kClient) keep_home(now, wishes);
  if (membership_ != Membership::kMember) return;
  if (settings_.self_tuning) greet(now, before, wishes);
  // I-41, I-51 with reactive recovery; I-42 also without.
  if ((changed && settings_.reactive) || range_changed) {
    tell_due_ns_ = std::min(tell_due_ns_, now.ns + settings_.gather_ns);
  }
  if (changed && neighbors_.empty()) alone(now, wishes);
}

/// Who takes a lost one's place may know somebody nearer, and has no reason to tell us by itself.
/// One that is not ready was asked in the Attach, or is being admitted and has nothing to tell.
void ChordTopology::ask_new_neighbors(const Now& now, const NeighborTable& before, Wishes& wishes) {
  for (const auto side : {neighbors_.predecessors(), neighbors_.successors()}) {
    for (const NodeId& id : side) {
      Link* link = links_.find(id);
      if (before.contains(id) || link == nullptr || !link->ready) continue;
      if (link->table_ns == 0 || link->table_ns + kFreshTableNs < now.ns) {
        ask_table(now, *link, wishes);
      }
    }
  }
}

void ChordTopology::follow_replicas(const Now& now) {
  constexpr std::size_t kReplicas = 2;
  const std::span<const NodeId> successors = neighbors_.successors();
  const auto wanted = successors.first(std::min(successors.size(), kReplicas));
  if (std::equal(wanted.begin(), wanted.end(), replicas_.begin(), replicas_.end())) return;
  const bool lost_one = std::any_of(replicas_.begin(), replicas_.end(), [&](const NodeId& id) {
    const Link* link = links_.find(id);
    return link == nullptr || !link->is_peer(now.ns);
  });
  replicas_.assign(wanted.begin(), wanted.end());
  if (lost_one) {
    replicas_due_ns_ = now.ns + settings_.hold_down_ns;
  } else if (replicas_due_ns_ == overlay::kNever) {
    ++replica_change_;
  }
}

// --- wishes --------------------------------------------------------------------------------------

std::uint64_t ChordTopology::ticket(Purpose purpose, std::uint64_t number) const noexcept {
  return static_cast<std::uint64_t>(purpose) << kPurposeShift | number;
}

std::uint64_t ChordTopology::open(Purpose purpose, const Target& target, std::uint8_t attempt) {
  const std::uint64_t number = ++last_number_ & kNumberMask;
  pending_.push_back({number, purpose, attempt, target});
  return ticket(purpose, number);
}

bool ChordTopology::is_open(Purpose purpose) const noexcept {
  return std::any_of(pending_.begin(), pending_.end(),
                     [purpose](const Pending& open) { return open.purpose == purpose; });
}

bool ChordTopology::is_attaching_to(const NodeId& id) const noexcept {
  return std::any_of(pending_.begin(), pending_.end(), [&id](const Pending& open) {
    return open.purpose <= Purpose::kOtherRing && open.target.kind == Target::Kind::kNode &&
           open.target.id == id;
  });
}

void ChordTopology::attach(Purpose purpose, const Target& target, Wishes& wishes,
                           std::uint8_t attempt) {
  if (pending_.size() >= kMostPending) return;
  wishes.attach.push_back({open(purpose, target, attempt), target, true});
}

void ChordTopology::ping(Purpose purpose, const Target& target, Wishes& wishes) {
  if (pending_.size() >= kMostPending) return;
  wishes.requests.push_back({open(purpose, target, 0), target, wire::reload::MessageCode::kPingReq,
                             wire::reload::ping_request_body(0)});
}

void ChordTopology::note(overlay::Note::Level level, std::string text, Wishes& wishes) const {
  wishes.notes.push_back({level, std::move(text)});
}

std::uint64_t ChordTopology::jittered(std::uint64_t mean_ns) {
  return mean_ns / 2 + (mean_ns == 0 ? 0 : random_() % mean_ns);
}

void ChordTopology::finished(const Now& now, const Finished& result, Wishes& wishes) {
  const auto purpose = static_cast<Purpose>(result.ticket >> kPurposeShift);
  const std::uint64_t number = result.ticket & kNumberMask;
  if (purpose >= Purpose::kFirstOnLink) {
    if (purpose == Purpose::kLeave) {
      leave_answered(now);
      return;
    }
    Link* link = links_.by_serial(static_cast<std::uint32_t>(number));
    if (link != nullptr && result.outcome == overlay::Outcome::kAnswered) {
      link->heard_ns = now.ns;
      if (purpose == Purpose::kProbe) probe_answered(now, *link, result);
    }
    // I-40, I-47: failed requests are how the loss of a quiet link is found.
    if (link != nullptr && link->usable && link->ready &&
        result.outcome == overlay::Outcome::kTimedOut) {
      avoid(now, link->id);
      lose(now, *link, Loss::kFailed, wishes);
      settle(now, wishes);
    } else if (link != nullptr && purpose == Purpose::kTable &&
               (result.outcome == overlay::Outcome::kAnswered ||
                result.outcome == overlay::Outcome::kError)) {
      resolve_doubt(now, *link, wishes);
    }
    return;
  }
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& open) {
    return open.number == number && open.purpose == purpose;
  });
  if (found == pending_.end()) return;  // of a join that began again meanwhile
  const Pending done = *found;
  pending_.erase(found);
  if (pending_.empty()) pending_.shrink_to_fit();
  switch (purpose) {
    case Purpose::kAdmit:
      admitting_found(now, result, wishes);
      break;
    case Purpose::kWalk:
      walk_on(now, &result, wishes);
      break;
    case Purpose::kJoin:
      join_answered(now, result, wishes);
      break;
    case Purpose::kHome:
      home_attached(now, done, result, wishes);
      break;
    case Purpose::kHomePing:
      home_answered(now, result, wishes);
      break;
    case Purpose::kFingerSearch:
      finger_answered(now, result, wishes);
      break;
    case Purpose::kPartitionPing:
      partition_answered(now, done, result, wishes);
      break;
    default: {
      Link* link =
          result.outcome == overlay::Outcome::kAnswered ? links_.find(result.responder) : nullptr;
      if (link != nullptr) {
        attached(now, *link, wishes);
      } else if (purpose == Purpose::kNeighbor && done.attempt == 0) {
        // Once more; not through the one that told us if that is gone.
        Target again = done.target;
        if (again.through && links_.find(*again.through) == nullptr) again.through.reset();
        attach(purpose, again, wishes, 1);
      } else if (done.target.kind == Target::Kind::kNode) {
        avoid(now, done.target.id);
      }
      if (purpose == Purpose::kOtherRing && link != nullptr) {
        settle(now, wishes);
        link = links_.find(result.responder);
        if (link != nullptr) {
          send_update(now, *link, wire::reload::ChordUpdateType::kNeighbors, wishes);
        }
      }
    }
  }
  settle(now, wishes);
  if (join_step_ == JoinStep::kNeighbors) join_when_attached(now, wishes);
}

// --- time ----------------------------------------------------------------------------------------

void ChordTopology::tick(const Now& now, Wishes& wishes) {
  const auto due = [&now](std::uint64_t& deadline_ns) {
    if (now.ns < deadline_ns) return false;
    deadline_ns = overlay::kNever;
    return true;
  };
  if (due(join_due_ns_)) join_deadline(now, wishes);
  if (due(leave_due_ns_)) end_leave(wishes);
  if (due(replicas_due_ns_)) ++replica_change_;
  if (due(sweep_due_ns_)) sweep(now, wishes);
  settle(now, wishes);
  if (due(tell_due_ns_)) tell_all(now, wishes);
  if (due(update_due_ns_)) {
    if (settings_.self_tuning) {
      stabilize(now, wishes);
    } else {
      update_next(now, wishes);
    }
  }
  if (due(keep_alive_due_ns_)) keep_alive(now, wishes);
  if (due(liveness_due_ns_)) probe_nearest(now, wishes);
  if (due(finger_due_ns_)) {
    finger_due_ns_ = now.ns + jittered(settings_.ping_interval_ns);
    if (!neighbors_.empty()) {
      const auto entry = fingers_.pick(neighbors_.successors().front(), random_);
      if (entry) search_finger(*entry, wishes);
    }
  }
  if (due(partition_due_ns_)) check_partition(now, wishes);
  if (due(home_due_ns_)) ask_for_home(now, wishes);
}

std::uint64_t ChordTopology::next_deadline() const noexcept {
  return std::min({join_due_ns_, tell_due_ns_, update_due_ns_, liveness_due_ns_, finger_due_ns_,
                   partition_due_ns_, replicas_due_ns_, sweep_due_ns_, leave_due_ns_, home_due_ns_,
                   keep_alive_due_ns_});
}

// --- questions -----------------------------------------------------------------------------------

void ChordTopology::fill_routes(wire::shm::RouteTable& table) const {
  // Rows behind the counts are nobody's, so the large arrays are not cleared.
  table.self = self_;
  table.predecessor = predecessor_;
  table.is_peer = membership_ == Membership::kMember ? 1 : 0;
  table.connection_count = 0;
  table.peer_count = 0;
  table.zero = 0;
  for (const Link& link : links_.all()) {
    if (table.connection_count == wire::shm::kMaxLinks) break;
    const wire::shm::RouteEntry entry{link.id, link.slot, {}};
    table.connections[table.connection_count++] = entry;
    if (link.routable()) table.peers[table.peer_count++] = entry;
  }
}

bool ChordTopology::is_responsible(std::span<const std::byte> resource_id) const {
  if (membership_ != Membership::kMember || resource_id.size() != kNodeIdBytes) return false;
  return wire::reload::in_interval(NodeId::from(resource_id.first<kNodeIdBytes>()), predecessor_,
                                   self_);
}

bool ChordTopology::accepts_responder(std::span<const std::byte> resource_id,
                                      const NodeId& responder) const {
  if (resource_id.size() != kNodeIdBytes) return false;
  const NodeId point = NodeId::from(resource_id.first<kNodeIdBytes>());
  const ring::Point theirs = ring::distance(point, responder);
  if (membership_ == Membership::kMember && ring::distance(point, self_) < theirs) return false;
  const auto nearer = [&](const NodeId& id) {
    const Link* link = links_.find(id);
    return link != nullptr && link->routable() && ring::distance(point, id) < theirs;
  };
  return std::none_of(neighbors_.predecessors().begin(), neighbors_.predecessors().end(), nearer) &&
         std::none_of(neighbors_.successors().begin(), neighbors_.successors().end(), nearer);
}

std::optional<NodeId> ChordTopology::next_hop(const NodeId& point) const {
  if (membership_ == Membership::kMember && wire::reload::in_interval(point, predecessor_, self_)) {
    return self_;
  }
  if (links_.find(point) != nullptr) return point;
  const Link* next = point == self_ ? nullptr : links_.last_in(self_, point);
  if (next == nullptr) next = links_.first_behind(point);
  if (next == nullptr) return std::nullopt;
  return next->id;
}

std::vector<NeighborView> ChordTopology::views(const Now& now, std::span<const NodeId> ids) const {
  std::vector<NeighborView> rows;
  for (const NodeId& id : ids) {
    const Link* link = links_.find(id);
    if (link == nullptr) continue;
    rows.push_back({id, link->slot, link->ready,
                    link->table_ns == 0 ? overlay::kNever : now.ns - link->table_ns});
  }
  return rows;
}

std::vector<NeighborView> ChordTopology::predecessors(const Now& now) const {
  return views(now, neighbors_.predecessors());
}

std::vector<NeighborView> ChordTopology::successors(const Now& now) const {
  return views(now, neighbors_.successors());
}

std::vector<FingerView> ChordTopology::fingers() const {
  std::vector<FingerView> rows;
  for (unsigned i = 1; i <= fingers_.size(); ++i) {
    rows.push_back({i, fingers_.start(i), fingers_.at(i), fingers_.valid(i)});
  }
  return rows;
}

}  // namespace controlplane::topology::chord
