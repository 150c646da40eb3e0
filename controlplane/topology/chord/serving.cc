// SPDX-License-Identifier: Apache-2.0
// Join, Leave, Update, RouteQuery and Probe, answering side (RFC 6940 sections 6.4.2, 10.7 to 10.9;
// requirements I-01 to I-13, I-30, I-31, I-50, I-62, I-66).

#include <algorithm>
#include <string>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace controlplane::topology::chord {

using overlay::Answer;
using overlay::Now;
using wire::reload::ChordUpdateType;
using wire::reload::DestinationType;
using wire::reload::ErrorCode;
using wire::reload::kNodeIdBytes;
using wire::reload::MessageCode;
using wire::reload::NodeId;

namespace {

Answer malformed(const char* what) {
  return Answer::error(ErrorCode::kInvalidMessage, std::string(what) + ": the body is malformed");
}

/// I-01, I-02, I-07: only a node itself says that it comes or goes, and only over its own link.
bool speaks_for(const NodeId& who, const Incoming& request) {
  return request.signer == who && request.neighbour == who;
}

}  // namespace

std::optional<Answer> ChordTopology::serve(const Now& now, const Incoming& request,
                                           Wishes& wishes) {
  // Whoever sends something over its link can be reached again.
  if (Link* link = request.neighbour ? links_.find(*request.neighbour) : nullptr;
      link != nullptr && !link->usable && request.signer == link->id) {
    link->usable = true;
    link->since_ns = now.ns;
    forgive(link->id);
    unsettled_ = true;
    wishes.routes_changed = true;
  }
  if (Link* link = request.neighbour ? links_.find(*request.neighbour) : nullptr;
      link != nullptr && request.signer == link->id) {
    link->heard_ns = now.ns;
  }
  std::optional<Answer> answer;
  switch (static_cast<MessageCode>(request.code)) {
    case MessageCode::kJoinReq:
      answer = serve_join(now, request, wishes);
      break;
    case MessageCode::kLeaveReq:
      answer = serve_leave(now, request, wishes);
      break;
    case MessageCode::kUpdateReq:
      answer = serve_update(now, request, wishes);
      break;
    case MessageCode::kRouteQueryReq:
      answer = serve_route_query(now, request, wishes);
      break;
    case MessageCode::kProbeReq:
      answer = serve_probe(now, request);
      break;
    default:
      break;
  }
  settle(now, wishes);
  return answer;
}

Answer ChordTopology::serve_join(const Now& now, const Incoming& request, Wishes& wishes) {
  wire::reload::JoinReq join;
  if (!wire::reload::parse_join_request(request.body, join).ok()) return malformed("join_req");
  Link* link = links_.find(join.joining_peer_id);
  if (!speaks_for(join.joining_peer_id, request) || link == nullptr) {
    return Answer::error(ErrorCode::kForbidden,
                         "join_req: only the joining node itself joins, over its own link");
  }
  if (membership_ != Membership::kMember) {
    return Answer::error(ErrorCode::kNotFound, "join_req: this node is not in the ring itself");
  }
  const auto predecessors = neighbors_.predecessors();
  // One that is being admitted counts as being there: two that join at once in one gap must not
  // both get it.
  if (!predecessors.empty() && predecessors.front() != link->id &&
      !wire::reload::in_interval(link->id, predecessors.front(), self_)) {
    send_update(now, *link, ChordUpdateType::kFull, wishes);
    return Answer::error(ErrorCode::kNotFound,
                         "join_req: another peer is between; it is in the Update that follows");
  }
  // Not routed through, and its part not given up, before its first Update says that it is there.
  if (link->ready) {
    link->ready = false;
    drop_finger(link->id, wishes);
    wishes.routes_changed = true;
  }
  link->contacted_until_ns = now.ns + settings_.contact_ns;
  link->wanted_ns = now.ns;
  sweep_due_ns_ = std::min(sweep_due_ns_, link->contacted_until_ns);
  forgive(link->id);
  unsettled_ = true;
  settle(now, wishes);
  // I-30, I-31
  send_update(now, *link, ChordUpdateType::kNeighbors, wishes);
  tell_all(now, wishes);
  return {MessageCode::kJoinAns, wire::reload::join_answer_body({})};
}

Answer ChordTopology::serve_leave(const Now& now, const Incoming& request, Wishes& wishes) {
  wire::reload::LeaveReq leave;
  wire::reload::ChordLeaveData peers;
  if (!wire::reload::parse_leave_request(request.body, leave).ok() ||
      !wire::reload::parse_chord_leave_data(leave.overlay_specific_data, peers).ok()) {
    return malformed("leave_req");
  }
  Link* link = links_.find(leave.leaving_peer_id);
  if (!speaks_for(leave.leaving_peer_id, request) || link == nullptr) {
    return Answer::error(ErrorCode::kForbidden,
                         "leave_req: only the leaving node itself leaves, over its own link");
  }
  // I-66: as a failure, except that it still carries what is sent through it to who comes next.
  const NodeId leaver = link->id;
  avoid(now, leaver);
  lose(now, *link, Loss::kLeft, wishes);
  settle(now, wishes);
  learn(now, peers.peers, leaver, wishes);
  return {MessageCode::kLeaveAns, {}};
}

Answer ChordTopology::serve_update(const Now& now, const Incoming& request, Wishes& wishes) {
  wire::reload::ChordUpdate update;
  if (!wire::reload::parse_chord_update(request.body, update).ok()) return malformed("update_req");
  Link* link = links_.find(request.signer);
  if (!speaks_for(request.signer, request) || link == nullptr) {
    return Answer::error(ErrorCode::kForbidden, "update_req: only nodes with a link are heard");
  }
  if (!link->ready) {
    link->ready = true;
    link->contacted_until_ns = 0;
    forgive(link->id);
    unsettled_ = true;
    wishes.routes_changed = true;
  }
  link->uptime_s = update.uptime_s;
  link->uptime_ns = now.ns;
  const Answer accepted{MessageCode::kUpdateAns, {}};
  if (update.type == ChordUpdateType::kPeerReady) {
    link->wanted_ns = now.ns;  // it is sent to check a finger
    return accepted;
  }
  link->table_ns = now.ns;
  const NodeId sender = link->id;
  const bool names_us = std::find(update.predecessors.begin(), update.predecessors.end(), self_) !=
                        update.predecessors.end();
  std::vector<NodeId> names = update.predecessors;
  names.insert(names.end(), update.successors.begin(), update.successors.end());
  names.insert(names.end(), update.fingers.begin(), update.fingers.end());
  // I-30
  if (join_step_ == JoinStep::kJoin && sender == admitting_ && names_us) {
    become_member(now, wishes);
  }
  settle(now, wishes);
  learn(now, names, sender, wishes);
  compare(now, *link, update, wishes);
  if (join_step_ == JoinStep::kTable && sender == admitting_) table_came(now, wishes);
  return accepted;
}

Answer ChordTopology::serve_route_query(const Now& now, const Incoming& request, Wishes& wishes) {
  wire::reload::RouteQueryReq query;
  if (!wire::reload::parse_route_query_request(request.body, query).ok()) {
    return malformed("route_query_req");
  }
  if (query.destination.type == DestinationType::kOpaque) {  // I-11
    return Answer::error(ErrorCode::kForbidden,
                         "route_query_req: opaque IDs are for the node that made them");
  }
  if (query.destination.value.size() != kNodeIdBytes) {
    return Answer::error(ErrorCode::kNotFound, "route_query_req: not a point of this ring");
  }
  Link* link = links_.find(request.signer);
  if (query.send_update && link != nullptr) {
    link->wanted_ns = now.ns;
    give_update(now, *link, wishes);
  }
  const NodeId point = NodeId::from(query.destination.value.first<kNodeIdBytes>());
  // A Node-ID leads to nobody else: over its link, or not at all once it falls into our part
  // (B-11).
  const bool is_node = query.destination.type == DestinationType::kNode;
  const bool direct = is_node && (point == self_ || links_.find(point) != nullptr);
  const auto next = direct ? std::optional(point) : next_hop(point);
  if (!next || (is_node && !direct && *next == self_)) {
    return Answer::error(ErrorCode::kNotFound, "route_query_req: no route from here");
  }
  return {MessageCode::kRouteQueryAns, wire::reload::chord_route_query_answer_body({*next})};
}

Answer ChordTopology::serve_probe(const Now& now, const Incoming& request) {
  wire::reload::ProbeReq probe;
  if (!wire::reload::parse_probe_request(request.body, probe).ok()) return malformed("probe_req");
  constexpr std::uint64_t kBillion = 1'000'000'000;
  wire::reload::ProbeStatus status;
  if (membership_ == Membership::kMember) {
    // The upper half of a share tells parts per billion well enough; the whole ring overflows.
    const auto share = static_cast<std::uint64_t>(ring::distance(predecessor_, self_) >> 96U);
    status.responsible_ppb =
        static_cast<std::uint32_t>(predecessor_ == self_ ? kBillion : share * kBillion >> 32U);
  }
  status.num_resources = num_resources_;
  status.uptime_s = uptime_s(now);
  Answer answer{MessageCode::kProbeAns,
                wire::reload::probe_answer_body(wire::reload::probe_answer(probe, status))};
  if (settings_.self_tuning) {
    if (Link* link = links_.find(request.signer); link != nullptr) link->wanted_ns = now.ns;
    take_estimates(request.extensions);
    answer.extension = shared_estimates();
  }
  return answer;
}

std::uint32_t ChordTopology::uptime_s(const Now& now) const noexcept {
  return static_cast<std::uint32_t>((now.ns - started_ns_) / kSecond);
}

}  // namespace controlplane::topology::chord
