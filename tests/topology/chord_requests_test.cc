// SPDX-License-Identifier: Apache-2.0
// What one peer answers to Join, Leave, Update, RouteQuery and Probe, and what it wishes for then.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace {

using namespace controlplane::topology;
using controlplane::overlay::Answer;
using controlplane::overlay::Now;
using controlplane::overlay::Outcome;
using controlplane::topology::chord::ChordTopology;
using controlplane::topology::chord::kSecond;
using wire::reload::Bytes;
using wire::reload::ChordUpdate;
using wire::reload::ChordUpdateType;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;

NodeId at(std::uint64_t eighths) {
  return ring::node_id(static_cast<ring::Point>(eighths) << 125U | 1U);
}

Bytes update_body(ChordUpdateType type, std::vector<NodeId> predecessors = {},
                  std::vector<NodeId> successors = {}, std::vector<NodeId> fingers = {}) {
  return wire::reload::chord_update_body(
      {7, type, std::move(predecessors), std::move(successors), std::move(fingers)});
}

/// The peer at 0/8 of the ring, its founder, and what it wished for last.
class Peer {
 public:
  explicit Peer(const chord::Settings& settings = {})
      : topology(at(0), settings,
                 [generator = std::mt19937_64(1)]() mutable { return generator(); }) {
    topology.found(now, wishes);
  }
  void link(const NodeId& id) { topology.linked(now, id, next_slot_++, wishes); }
  /// Links @p id and lets it say that it is a peer.
  void link_peer(const NodeId& id) {
    link(id);
    (void)ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kPeerReady), id);
  }
  Answer ask(MessageCode code, const Bytes& body, const NodeId& signer,
             std::optional<NodeId> neighbour = std::nullopt) {
    wishes.clear();
    Incoming incoming;
    incoming.code = static_cast<std::uint16_t>(code);
    incoming.body = body;
    incoming.signer = signer;
    incoming.neighbour = neighbour.value_or(signer);
    return topology.serve(now, incoming, wishes).value();
  }
  void pass(std::uint64_t ns) {
    const std::uint64_t end_ns = now.ns + ns;
    wishes.clear();
    while (topology.next_deadline() <= end_ns) {
      now.ns = topology.next_deadline();
      topology.tick(now, wishes);
    }
    now.ns = end_ns;
  }
  void finish(std::uint64_t ticket, Outcome outcome, const NodeId& responder = {}) {
    topology.finished(now, {ticket, outcome, 0, responder, {}}, wishes);
  }
  /// The Updates wished for, to @p id or to all.
  [[nodiscard]] std::vector<ChordUpdate> updates(std::optional<NodeId> id = std::nullopt) const {
    std::vector<ChordUpdate> found;
    for (const Wishes::Request& request : wishes.requests) {
      if (request.code != MessageCode::kUpdateReq || (id && request.target.id != *id)) continue;
      ChordUpdate update;
      EXPECT_TRUE(wire::reload::parse_chord_update(request.body, update).ok());
      found.push_back(update);
    }
    return found;
  }

  Now now{1000 * kSecond, 0};
  Wishes wishes;
  ChordTopology topology;

 private:
  std::uint16_t next_slot_ = 0;
};

std::uint16_t error_of(const Answer& answer) {
  wire::reload::ErrorResponse error;
  EXPECT_TRUE(answer.is_error());
  EXPECT_TRUE(wire::reload::parse_error_response(answer.body, error).ok());
  return error.error_code;
}

constexpr auto code(ErrorCode error) { return static_cast<std::uint16_t>(error); }

Bytes join_body(const NodeId& id) { return wire::reload::join_request_body({id, {}}); }

TEST(ChordJoin, IsForTheJoiningNodeItselfOverItsOwnLink) {  // I-01, I-02
  Peer peer;
  peer.link(at(4));
  peer.link(at(5));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kJoinReq, join_body(at(4)), at(5))),
            code(ErrorCode::kForbidden));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kJoinReq, join_body(at(4)), at(4), at(5))),
            code(ErrorCode::kForbidden));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kJoinReq, Bytes(3), at(4))),
            code(ErrorCode::kInvalidMessage));
  EXPECT_TRUE(peer.topology.successors(peer.now).empty());
}

TEST(ChordJoin, IsAnsweredAndToldToAllNeighbours) {  // I-28, I-30, I-31
  Peer peer;
  peer.link_peer(at(2));
  peer.link(at(6));
  const Answer answer = peer.ask(MessageCode::kJoinReq, join_body(at(6)), at(6));
  EXPECT_EQ(answer.code, MessageCode::kJoinAns);
  for (const NodeId& to : {at(6), at(2)}) {
    const auto updates = peer.updates(to);
    ASSERT_EQ(updates.size(), 1U);
    EXPECT_EQ(updates[0].type, ChordUpdateType::kNeighbors);
    EXPECT_EQ(updates[0].predecessors.front(), at(6));
  }
}

TEST(ChordJoin, GivesItsPartAwayWhenTheNewPeerSpeaks) {  // X-34, G-02
  Peer peer;
  peer.link_peer(at(2));
  peer.link(at(6));
  (void)peer.ask(MessageCode::kJoinReq, join_body(at(6)), at(6));
  const NodeId point = at(5);
  EXPECT_TRUE(peer.topology.is_responsible(point.bytes));
  EXPECT_EQ(peer.topology.next_hop(at(7)), at(0));
  auto table = std::make_unique<wire::shm::RouteTable>();
  peer.topology.fill_routes(*table);
  EXPECT_EQ(table->connected().size(), 2U);
  ASSERT_EQ(table->routing().size(), 1U);
  EXPECT_EQ(table->routing()[0].id, at(2));
  EXPECT_EQ(table->predecessor, at(2));

  (void)peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kNeighbors), at(6));
  EXPECT_TRUE(peer.wishes.routes_changed);
  EXPECT_FALSE(peer.topology.is_responsible(point.bytes));
  peer.topology.fill_routes(*table);
  EXPECT_EQ(table->routing().size(), 2U);
  EXPECT_EQ(table->predecessor, at(6));
  EXPECT_EQ(table->is_peer, 1U);
}

TEST(ChordJoin, ForgetsOneThatNeverSpeaks) {
  Peer peer;
  peer.link(at(6));
  (void)peer.ask(MessageCode::kJoinReq, join_body(at(6)), at(6));
  EXPECT_EQ(peer.topology.predecessors(peer.now).size(), 1U);
  peer.pass(20 * kSecond);
  EXPECT_TRUE(peer.topology.predecessors(peer.now).empty());
  EXPECT_EQ(peer.topology.predecessor(), at(0));
}

TEST(ChordJoin, SendsOnOneThatAnotherIsNowToAdmit) {
  Peer peer;
  peer.link(at(6));
  peer.link(at(4));
  (void)peer.ask(MessageCode::kJoinReq, join_body(at(6)), at(6));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kJoinReq, join_body(at(4)), at(4))),
            code(ErrorCode::kNotFound));
  const auto updates = peer.updates(at(4));
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].predecessors.front(), at(6));
  // One between us and the other is ours to admit.
  peer.link(at(7));
  EXPECT_EQ(peer.ask(MessageCode::kJoinReq, join_body(at(7)), at(7)).code, MessageCode::kJoinAns);
}

TEST(ChordUpdateRequest, IsHeardFromNodesWithALinkOnly) {
  Peer peer;
  peer.link(at(3));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kPeerReady),
                              at(4), at(3))),
            code(ErrorCode::kForbidden));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kUpdateReq, Bytes(2), at(3))),
            code(ErrorCode::kInvalidMessage));
  EXPECT_EQ(peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kPeerReady), at(3)).code,
            MessageCode::kUpdateAns);
  EXPECT_EQ(peer.topology.next_hop(at(2)), at(3));
}

TEST(ChordUpdateRequest, LeadsToAttachesThroughWhoNamedCloserPeers) {  // I-36, I-50
  Peer peer;
  peer.link(at(4));
  (void)peer.ask(MessageCode::kUpdateReq,
                 update_body(ChordUpdateType::kNeighbors, {at(3), at(2), at(0)}, {at(5)}), at(4));
  ASSERT_EQ(peer.wishes.attach.size(), 3U);
  for (const Wishes::Attach& attach : peer.wishes.attach) {
    EXPECT_EQ(attach.target.kind, Target::Kind::kNode);
    EXPECT_EQ(attach.target.through, at(4));
    EXPECT_TRUE(attach.send_update);
    EXPECT_NE(attach.target.id, at(0));
  }
  // Attached and not yet ready: in the table, not routed through.
  const auto attach = peer.wishes.attach[0];
  peer.link(attach.target.id);
  peer.finish(attach.ticket, Outcome::kAnswered, attach.target.id);
  EXPECT_EQ(peer.topology.predecessors(peer.now).size(), 2U);
  EXPECT_EQ(peer.topology.next_hop(at(1)), at(4));
}

TEST(ChordUpdateRequest, OfManyNamesOnlyTheNearestAreAttachedTo) {
  Peer peer;
  std::vector<NodeId> names;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    names.push_back(ring::node_id(static_cast<ring::Point>(i) << 100U));
  }
  peer.link(at(4));
  (void)peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kNeighbors, names), at(4));
  EXPECT_LE(peer.wishes.attach.size(), 6U);
  EXPECT_TRUE(std::any_of(peer.wishes.attach.begin(), peer.wishes.attach.end(),
                          [&](const auto& attach) { return attach.target.id == names[0]; }));
}

TEST(ChordUpdateRequest, AChangeIsToldToTheWholeConnectionTable) {  // I-42, I-51
  Peer peer;
  peer.link_peer(at(4));
  peer.link(at(1));  // a client
  peer.pass(kSecond);
  EXPECT_EQ(peer.updates(at(4)).size(), 1U);
  EXPECT_EQ(peer.updates(at(1)).size(), 1U);
  peer.pass(kSecond);
  EXPECT_TRUE(peer.updates().empty());  // once
}

TEST(ChordUpdateRequest, ThatLacksANearerPeerIsAnsweredWithOursAndThePeerIsChecked) {
  Peer peer;
  peer.link_peer(at(6));
  peer.link_peer(at(7));
  peer.pass(kSecond);
  // The peer at 6/8 takes us for its successor: it has not heard of 7/8, or found it dead.
  const Bytes body = update_body(ChordUpdateType::kNeighbors, {at(0)}, {at(0)});
  peer.pass(20 * kSecond);
  (void)peer.ask(MessageCode::kUpdateReq, body, at(6));
  EXPECT_EQ(peer.updates(at(6)).size(), 1U);
  EXPECT_EQ(peer.updates(at(7)).size(), 1U);
  // Not over and over.
  (void)peer.ask(MessageCode::kUpdateReq, body, at(6));
  EXPECT_TRUE(peer.updates().empty());
  // One that agrees costs nothing.
  peer.pass(20 * kSecond);
  (void)peer.ask(MessageCode::kUpdateReq,
                 update_body(ChordUpdateType::kNeighbors, {at(0)}, {at(7), at(0)}), at(6));
  EXPECT_TRUE(peer.updates().empty());
}

TEST(ChordUpdateRequest, IsSentWholeToWhoAsksInItsAttach) {  // G-04, I-48, I-49
  Peer peer;
  for (const std::uint64_t id : {5U, 2U, 7U}) peer.link_peer(at(id));
  peer.wishes.clear();
  peer.topology.update_wanted(peer.now, at(2), peer.wishes);
  const auto updates = peer.updates(at(2));
  ASSERT_EQ(updates.size(), 1U);
  EXPECT_EQ(updates[0].type, ChordUpdateType::kFull);
  EXPECT_EQ(updates[0].successors, (std::vector{at(2), at(5), at(7)}));
  EXPECT_EQ(updates[0].predecessors, (std::vector{at(7), at(5), at(2)}));
  EXPECT_TRUE(updates[0].fingers_ascend());
  EXPECT_FALSE(updates[0].fingers.empty());
}

TEST(ChordUpdateRequest, IsNotSentByANodeOutsideTheRing) {  // I-35
  Wishes wishes;
  const Now now{5 * kSecond, 0};
  ChordTopology topology(at(0), {}, [] { return std::uint64_t{4}; });
  topology.linked(now, at(2), 0, wishes);
  topology.update_wanted(now, at(2), wishes);
  EXPECT_TRUE(wishes.requests.empty());
  topology.found(now, wishes);
  EXPECT_FALSE(wishes.requests.empty());
}

Bytes leave_body(const NodeId& id, wire::reload::ChordLeaveType type, std::vector<NodeId> peers) {
  const Bytes data = wire::reload::chord_leave_data({type, std::move(peers)});
  return wire::reload::leave_request_body({id, data});
}

TEST(ChordLeave, IsForTheLeavingNodeItselfOverItsOwnLink) {  // I-07
  Peer peer;
  peer.link_peer(at(4));
  peer.link_peer(at(5));
  const Bytes body = leave_body(at(4), wire::reload::ChordLeaveType::kFromPred, {at(3)});
  EXPECT_EQ(error_of(peer.ask(MessageCode::kLeaveReq, body, at(5))), code(ErrorCode::kForbidden));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kLeaveReq, body, at(4), at(5))),
            code(ErrorCode::kForbidden));
  EXPECT_EQ(error_of(peer.ask(MessageCode::kLeaveReq, Bytes(20), at(4))),
            code(ErrorCode::kInvalidMessage));
  EXPECT_EQ(peer.topology.successors(peer.now).size(), 2U);
}

TEST(ChordLeave, IsTakenLikeAFailureAndItsPeersAreAttachedTo) {  // I-08, I-66
  Peer peer;
  peer.link_peer(at(4));
  peer.link_peer(at(7));
  const Bytes body = leave_body(at(7), wire::reload::ChordLeaveType::kFromPred, {at(6), at(5)});
  EXPECT_EQ(peer.ask(MessageCode::kLeaveReq, body, at(7)).code, MessageCode::kLeaveAns);
  EXPECT_EQ(peer.topology.predecessor(), at(4));
  ASSERT_EQ(peer.wishes.attach.size(), 2U);
  EXPECT_EQ(peer.wishes.attach[0].target.through, at(7));
  peer.pass(kSecond);
  EXPECT_EQ(peer.updates(at(4)).size(), 1U);
}

TEST(ChordLeave, IsSentToAllPeersAndSaysWhatWeAreToThem) {  // I-06, I-64, I-65
  Peer peer;
  for (std::uint64_t id = 1; id < 8; ++id) peer.link_peer(at(id));
  peer.wishes.clear();
  peer.topology.leave(peer.now, peer.wishes);
  EXPECT_EQ(peer.topology.membership(), Membership::kLeaving);
  EXPECT_FALSE(peer.topology.is_responsible(at(0).bytes));
  ASSERT_EQ(peer.wishes.requests.size(), 7U);
  for (const Wishes::Request& request : peer.wishes.requests) {
    ASSERT_EQ(request.code, MessageCode::kLeaveReq);
    wire::reload::LeaveReq leave;
    wire::reload::ChordLeaveData data;
    ASSERT_TRUE(wire::reload::parse_leave_request(request.body, leave).ok());
    ASSERT_TRUE(wire::reload::parse_chord_leave_data(leave.overlay_specific_data, data).ok());
    EXPECT_EQ(leave.leaving_peer_id, at(0));
    const bool above =
        request.target.id == at(1) || request.target.id == at(2) || request.target.id == at(3);
    if (above) {
      EXPECT_EQ(data.type, wire::reload::ChordLeaveType::kFromPred);
      EXPECT_EQ(data.peers, (std::vector{at(7), at(6), at(5)}));
    } else if (request.target.id != at(4)) {
      EXPECT_EQ(data.type, wire::reload::ChordLeaveType::kFromSucc);
      EXPECT_EQ(data.peers, (std::vector{at(1), at(2), at(3)}));
    }
  }
  const auto requests = peer.wishes.requests;
  for (const Wishes::Request& request : requests) {
    EXPECT_EQ(peer.topology.membership(), Membership::kLeaving);
    EXPECT_THAT(peer.wishes.close, testing::IsEmpty()) << "it still forwards";
    peer.finish(request.ticket, Outcome::kAnswered, request.target.id);
  }
  EXPECT_THAT(peer.wishes.close, testing::IsEmpty()) << "what was sent before is still to come";
  peer.pass(kSecond);
  EXPECT_EQ(peer.topology.membership(), Membership::kLeft);
  EXPECT_EQ(peer.wishes.close.size(), 7U);
}

TEST(ChordLeave, DoesNotWaitForThoseThatDoNotAnswer) {
  Peer peer;
  peer.link_peer(at(1));
  peer.topology.leave(peer.now, peer.wishes);
  peer.pass(15 * kSecond);
  EXPECT_EQ(peer.topology.membership(), Membership::kLeft);
}

Bytes query(const wire::reload::Destination& destination, bool send_update) {
  return wire::reload::route_query_request_body({send_update, destination, {}});
}

NodeId next_of(const Answer& answer) {
  wire::reload::ChordRouteQueryAns next;
  EXPECT_EQ(answer.code, MessageCode::kRouteQueryAns);
  EXPECT_TRUE(wire::reload::parse_chord_route_query_answer(answer.body, next).ok());
  return next.next_peer;
}

TEST(ChordRouteQuery, NamesTheNextHop) {  // I-10, I-20, I-62
  Peer peer;
  for (const std::uint64_t id : {2U, 4U, 6U}) peer.link_peer(at(id));
  peer.link(at(7));  // a client, in our part
  const auto resource = [&](const NodeId& id) {
    return next_of(peer.ask(MessageCode::kRouteQueryReq,
                            query(wire::reload::resource_destination(id.bytes), false), at(2)));
  };
  const NodeId five = at(5);
  const NodeId one = at(1);
  EXPECT_EQ(resource(five), at(4));
  EXPECT_EQ(resource(one), at(2));  // nobody before it: the smallest above
  const NodeId seven = at(7);
  EXPECT_EQ(resource(seven), at(0));
  const auto node = [&](const NodeId& id) {
    return peer.ask(MessageCode::kRouteQueryReq, query(wire::reload::node_destination(id), false),
                    at(2));
  };
  EXPECT_EQ(next_of(node(seven)), at(7));
  const NodeId stranger = ring::next(seven);
  EXPECT_EQ(error_of(node(stranger)), code(ErrorCode::kNotFound));  // B-11
  EXPECT_TRUE(peer.updates().empty());
}

TEST(ChordRouteQuery, BringsAnUpdateWhenItAsksForOne) {  // I-62
  Peer peer;
  peer.link_peer(at(4));
  const NodeId five = at(5);
  (void)peer.ask(MessageCode::kRouteQueryReq, query(wire::reload::node_destination(five), true),
                 at(4));
  ASSERT_EQ(peer.updates(at(4)).size(), 1U);
  EXPECT_EQ(peer.updates(at(4))[0].type, ChordUpdateType::kFull);
}

TEST(ChordRouteQuery, DoesNotTellWhatOpaqueIdsMean) {  // I-11
  Peer peer;
  peer.link_peer(at(4));
  const Bytes body{std::byte{0}, std::byte{0x80}, std::byte{1}, std::byte{0}, std::byte{0}};
  EXPECT_EQ(error_of(peer.ask(MessageCode::kRouteQueryReq, body, at(4))),
            code(ErrorCode::kForbidden));
}

TEST(ChordProbe, TellsItsShareOfTheRing) {  // I-12, I-13
  using Type = wire::reload::ProbeInformationType;
  Peer peer;
  peer.topology.set_num_resources(5);
  const Bytes body = wire::reload::probe_request_body(
      {{Type::kUptime, Type::kResponsibleSet, Type::kNumResources}});
  const auto probe = [&] {
    const Answer answer = peer.ask(MessageCode::kProbeReq, body, at(4));
    wire::reload::ProbeAns values;
    EXPECT_EQ(answer.code, MessageCode::kProbeAns);
    EXPECT_TRUE(wire::reload::parse_probe_answer(answer.body, values).ok());
    return std::vector{values.probe_info.at(0).value, values.probe_info.at(1).value,
                       values.probe_info.at(2).value};
  };
  EXPECT_EQ(probe(), (std::vector<std::uint32_t>{0, 1'000'000'000, 5}));
  peer.link_peer(at(6));
  peer.now.ns += 9 * kSecond;
  EXPECT_EQ(probe(), (std::vector<std::uint32_t>{9, 250'000'000, 5}));
}

TEST(ChordReplicas, AreTheNextTwoAndALossIsWaitedOut) {  // I-21, I-43, I-52
  Peer peer;
  for (std::uint64_t id = 1; id < 4; ++id) peer.link_peer(at(id));
  EXPECT_EQ(peer.topology.replica_set()[0], at(1));
  EXPECT_EQ(peer.topology.replica_set()[1], at(2));
  const std::uint64_t before = peer.topology.replica_change();
  peer.topology.unlinked(peer.now, at(1), peer.wishes);
  EXPECT_EQ(peer.topology.replica_set()[0], at(2));
  EXPECT_EQ(peer.topology.replica_set()[1], at(3));
  peer.pass(29 * kSecond);
  EXPECT_EQ(peer.topology.replica_change(), before);
  peer.pass(kSecond);
  EXPECT_EQ(peer.topology.replica_change(), before + 1);
}

TEST(ChordFailure, ALostNeighbourIsReplacedAndToldToAll) {  // I-40, I-41
  Peer peer;
  for (std::uint64_t id = 1; id < 6; ++id) peer.link_peer(at(id));
  peer.pass(kSecond);
  peer.wishes.clear();
  peer.topology.link_changed(peer.now, 0, false, peer.wishes);  // the first slot: 1/8
  EXPECT_TRUE(peer.wishes.routes_changed);
  const auto successors = peer.topology.successors(peer.now);
  ASSERT_EQ(successors.size(), 3U);
  EXPECT_EQ(successors[0].id, at(2));
  EXPECT_EQ(successors[2].id, at(4));
  peer.pass(kSecond);
  ASSERT_EQ(peer.updates(at(3)).size(), 1U);
  EXPECT_EQ(peer.updates(at(3))[0].successors, (std::vector{at(2), at(3), at(4)}));
  EXPECT_TRUE(peer.updates(at(1)).empty());
  // I-44: back when it is reachable again.
  peer.topology.link_changed(peer.now, 0, true, peer.wishes);
  EXPECT_EQ(peer.topology.successors(peer.now)[0].id, at(1));
}

TEST(ChordFailure, AnUnansweredUpdateIsALostNeighbour) {  // I-40
  Peer peer;
  peer.link_peer(at(1));
  peer.link_peer(at(2));
  peer.pass(kSecond);
  const auto request = std::find_if(peer.wishes.requests.begin(), peer.wishes.requests.end(),
                                    [](const auto& one) { return one.target.id == at(1); });
  ASSERT_NE(request, peer.wishes.requests.end());
  peer.finish(request->ticket, Outcome::kTimedOut);
  EXPECT_EQ(peer.topology.successors(peer.now)[0].id, at(2));
  // It is not attached to because others still name it.
  (void)peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kNeighbors, {at(1)}), at(2));
  EXPECT_TRUE(peer.wishes.attach.empty());
  // It is back when it speaks.
  (void)peer.ask(MessageCode::kUpdateReq, update_body(ChordUpdateType::kPeerReady), at(1));
  EXPECT_EQ(peer.topology.successors(peer.now)[0].id, at(1));
}

TEST(ChordFailure, ALostFingerIsSearchedForAtOnce) {  // I-47
  Peer peer;
  for (const std::uint64_t id : {1U, 2U, 3U, 5U}) peer.link_peer(at(id));
  peer.wishes.clear();
  peer.topology.unlinked(peer.now, at(5), peer.wishes);
  const auto ping = std::find_if(peer.wishes.requests.begin(), peer.wishes.requests.end(),
                                 [](const auto& one) { return one.code == MessageCode::kPingReq; });
  ASSERT_NE(ping, peer.wishes.requests.end());
  EXPECT_EQ(ring::finger_of(ring::distance(at(0), ping->target.id)), 1U);
  EXPECT_EQ(peer.topology.fingers()[0].peer, at(3));
  EXPECT_FALSE(peer.topology.fingers()[0].valid);
  // An answer from the range leads to an Attach, routed like any message (I-36).
  peer.wishes.clear();
  peer.finish(ping->ticket, Outcome::kAnswered, at(6));
  ASSERT_EQ(peer.wishes.attach.size(), 1U);
  EXPECT_EQ(peer.wishes.attach[0].target.id, at(6));
  EXPECT_EQ(peer.wishes.attach[0].target.through, std::nullopt);
}

TEST(ChordResponder, MustBeAtLeastAsCloseAsOurNeighbours) {  // E-12
  Peer peer;
  peer.link_peer(at(2));
  peer.link_peer(at(4));
  EXPECT_TRUE(peer.topology.accepts_responder(at(1).bytes, at(2)));
  EXPECT_FALSE(peer.topology.accepts_responder(at(1).bytes, at(4)));
  EXPECT_TRUE(peer.topology.accepts_responder(at(1).bytes, ring::next(at(1))));
  EXPECT_FALSE(peer.topology.accepts_responder(at(5).bytes, at(2)));  // it is ours
  EXPECT_FALSE(peer.topology.accepts_responder(std::vector<std::byte>(20), at(2)));
}

}  // namespace
