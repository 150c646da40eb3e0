// SPDX-License-Identifier: Apache-2.0
// Joining step by step, and the search for other partitions, as one peer does them.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/chord_bodies.h"

namespace {

using namespace controlplane::topology;
using controlplane::overlay::Now;
using controlplane::overlay::Outcome;
using controlplane::topology::chord::ChordTopology;
using controlplane::topology::chord::kSecond;
using wire::reload::ChordUpdateType;
using wire::reload::ErrorCode;
using wire::reload::MessageCode;
using wire::reload::NodeId;

NodeId at(std::uint64_t sixteenths) {
  return ring::node_id(static_cast<ring::Point>(sixteenths) << 124U | 1U);
}

const NodeId kBootstrap = at(9);
const NodeId kAdmitting = at(2);

/// The node at 0/16 on its way into a ring.
class Joining {
 public:
  Joining()
      : topology(at(0), {}, [generator = std::mt19937_64(1)]() mutable { return generator(); }) {
    topology.join(now, wishes);
  }
  void reach_bootstrap_node() {
    wishes.clear();
    topology.linked(now, kBootstrap, 0, wishes);
    topology.bootstrapped(now, kBootstrap, wishes);
  }
  /// Up to the link to the Admitting Peer, without its Update.
  void reach_admitting_peer() {
    if (wishes.attach.empty()) reach_bootstrap_node();
    const auto attach = wishes.attach.at(0);
    wishes.clear();
    topology.linked(now, kAdmitting, 1, wishes);
    topology.finished(now, {attach.ticket, Outcome::kAnswered, 0, kAdmitting, {}}, wishes);
  }
  void update(const NodeId& from, std::vector<NodeId> predecessors,
              std::vector<NodeId> successors) {
    const auto body = wire::reload::chord_update_body(
        {1, ChordUpdateType::kFull, std::move(predecessors), std::move(successors), {}});
    Incoming incoming;
    incoming.code = static_cast<std::uint16_t>(MessageCode::kUpdateReq);
    incoming.body = body;
    incoming.signer = from;
    incoming.neighbour = from;
    ASSERT_FALSE(topology.serve(now, incoming, wishes).value().is_error());
  }
  void finish(const Wishes::Attach& attach, Outcome outcome, const NodeId& responder = {}) {
    wishes.clear();
    if (outcome == Outcome::kAnswered) topology.linked(now, responder, next_slot_++, wishes);
    topology.finished(now, {attach.ticket, outcome, 0, responder, {}}, wishes);
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
  [[nodiscard]] const Wishes::Request* request(MessageCode code) const {
    const auto found = std::find_if(wishes.requests.begin(), wishes.requests.end(),
                                    [code](const auto& one) { return one.code == code; });
    return found == wishes.requests.end() ? nullptr : &*found;
  }
  /// All the way into a ring of this node, the Admitting Peer and the bootstrap node.
  void become_member() {
    reach_admitting_peer();
    update(kAdmitting, {kBootstrap}, {kBootstrap});
    update(kBootstrap, {kAdmitting}, {kAdmitting});
    // What is open now are fingers.
    update(kAdmitting, {at(0), kBootstrap}, {kBootstrap, at(0)});
    ASSERT_EQ(topology.membership(), Membership::kMember);
  }

  Now now{1000 * kSecond, 0};
  Wishes wishes;
  ChordTopology topology;

 private:
  std::uint16_t next_slot_ = 2;
};

TEST(ChordJoining, GoesStepByStep) {  // I-24 to I-36
  Joining node;
  EXPECT_TRUE(node.wishes.bootstrap);
  EXPECT_EQ(node.topology.membership(), Membership::kJoining);

  node.reach_bootstrap_node();
  ASSERT_EQ(node.wishes.attach.size(), 1U);  // I-25, J-59
  EXPECT_EQ(node.wishes.attach[0].target.kind, Target::Kind::kResource);
  EXPECT_EQ(node.wishes.attach[0].target.id, ring::next(at(0)));
  EXPECT_EQ(node.wishes.attach[0].target.through, kBootstrap);
  EXPECT_TRUE(node.wishes.attach[0].send_update);

  node.reach_admitting_peer();
  EXPECT_EQ(node.request(MessageCode::kJoinReq), nullptr);
  node.wishes.clear();
  node.update(kAdmitting, {at(14), at(13)}, {at(3), at(4)});
  std::vector<Wishes::Attach> neighbours;
  std::vector<NodeId> fingers;
  for (const Wishes::Attach& attach : node.wishes.attach) {
    if (attach.target.kind == Target::Kind::kNode) {
      EXPECT_EQ(attach.target.through, kAdmitting);  // I-36
      neighbours.push_back(attach);
    } else {
      EXPECT_EQ(attach.target.through, std::nullopt);
      fingers.push_back(attach.target.id);
    }
  }
  ASSERT_EQ(neighbours.size(), 4U);
  // I-34: half and a quarter of the way; an eighth is up to the successor, which we have.
  EXPECT_EQ(fingers, (std::vector{ring::add(at(0), ring::finger_distance(1)),
                                  ring::add(at(0), ring::finger_distance(2))}));
  EXPECT_EQ(node.request(MessageCode::kJoinReq), nullptr);  // I-35

  for (std::size_t i = 0; i + 1 < neighbours.size(); ++i) {
    node.finish(neighbours[i], Outcome::kAnswered, neighbours[i].target.id);
    EXPECT_EQ(node.request(MessageCode::kJoinReq), nullptr);
    EXPECT_EQ(node.request(MessageCode::kUpdateReq), nullptr);
  }
  // One that cannot be reached is tried twice.
  node.finish(neighbours.back(), Outcome::kTimedOut);
  ASSERT_EQ(node.wishes.attach.size(), 1U);
  node.finish(node.wishes.attach[0], Outcome::kTimedOut);
  ASSERT_NE(node.request(MessageCode::kJoinReq), nullptr);  // I-28
  EXPECT_EQ(node.request(MessageCode::kJoinReq)->target.id, kAdmitting);

  node.wishes.clear();
  node.update(kAdmitting, {at(0), at(14)}, {at(3), at(4)});  // I-30
  EXPECT_EQ(node.topology.membership(), Membership::kMember);
  EXPECT_TRUE(node.wishes.routes_changed);
  EXPECT_TRUE(node.topology.is_responsible(at(0).bytes));
  for (const NodeId& peer : {kAdmitting, at(3)}) {  // I-32
    EXPECT_TRUE(std::any_of(node.wishes.requests.begin(), node.wishes.requests.end(),
                            [&peer](const auto& one) {
                              return one.code == MessageCode::kUpdateReq && one.target.id == peer;
                            }));
  }
}

TEST(ChordJoining, WithoutATableFindsSuccessorsOneBehindTheOther) {  // I-33
  Joining node;
  node.reach_admitting_peer();
  node.pass(5 * kSecond);
  // First it is asked for once more.
  ASSERT_NE(node.request(MessageCode::kRouteQueryReq), nullptr);
  EXPECT_EQ(node.request(MessageCode::kRouteQueryReq)->target.id, kAdmitting);
  node.pass(5 * kSecond);
  ASSERT_EQ(node.wishes.attach.size(), 1U);
  EXPECT_EQ(node.wishes.attach[0].target.id, ring::next(kAdmitting));
  node.finish(node.wishes.attach[0], Outcome::kAnswered, at(3));
  ASSERT_EQ(node.wishes.attach.size(), 1U);
  EXPECT_EQ(node.wishes.attach[0].target.id, ring::next(at(3)));
  // All the way round: that was the last.
  node.finish(node.wishes.attach[0], Outcome::kAnswered, kAdmitting);
  EXPECT_NE(node.request(MessageCode::kJoinReq), nullptr);
}

TEST(ChordJoining, BelievesAJoinAnsOfTheAdmittingPeerOnly) {  // I-04
  Joining node;
  node.reach_admitting_peer();
  node.update(kAdmitting, {}, {});
  const auto* join = node.request(MessageCode::kJoinReq);
  ASSERT_NE(join, nullptr);
  const std::uint64_t ticket = join->ticket;
  node.topology.finished(node.now, {ticket, Outcome::kAnswered, 0, kBootstrap, {}}, node.wishes);
  // An Update that names us proves nothing any more.
  node.update(kAdmitting, {at(0)}, {at(0)});
  EXPECT_EQ(node.topology.membership(), Membership::kJoining);
  node.pass(2 * kSecond);
  EXPECT_TRUE(node.wishes.bootstrap);
}

TEST(ChordJoining, LooksForItsPlaceAgainWhenAnotherCameBetween) {
  Joining node;
  node.reach_admitting_peer();
  node.update(kAdmitting, {}, {});
  const std::uint64_t ticket = node.request(MessageCode::kJoinReq)->ticket;
  node.topology.finished(
      node.now,
      {ticket, Outcome::kError, static_cast<std::uint16_t>(ErrorCode::kNotFound), kAdmitting, {}},
      node.wishes);
  node.pass(kSecond);
  ASSERT_FALSE(node.wishes.attach.empty());
  EXPECT_EQ(node.wishes.attach[0].target.id, ring::next(at(0)));
  EXPECT_EQ(node.wishes.attach[0].target.through, kAdmitting);
  EXPECT_FALSE(node.wishes.bootstrap);
}

TEST(ChordJoining, TriesAgainAndAgainMoreSlowly) {
  Joining node;
  std::vector<std::uint64_t> waits;
  for (int i = 0; i < 12; ++i) {
    node.wishes.clear();
    node.topology.bootstrapped(node.now, std::nullopt, node.wishes);
    EXPECT_EQ(node.wishes.notes.size(), 1U);
    const std::uint64_t since_ns = node.now.ns;
    while (!node.wishes.bootstrap) {
      node.now.ns = node.topology.next_deadline();
      node.topology.tick(node.now, node.wishes);
    }
    waits.push_back(node.now.ns - since_ns);
  }
  EXPECT_LE(waits.front(), 3 * kSecond / 2);
  EXPECT_GE(*std::max_element(waits.begin(), waits.end()), 30 * kSecond);
  EXPECT_LE(*std::max_element(waits.begin(), waits.end()), 90 * kSecond);
  node.topology.leave(node.now, node.wishes);
  EXPECT_EQ(node.topology.membership(), Membership::kLeft);
}

/// Runs until the node asks for a bootstrap node.
void wait_for_check(Joining& node) {
  node.wishes.clear();
  while (!node.wishes.bootstrap) {
    node.wishes.clear();
    node.now.ns = node.topology.next_deadline();
    node.topology.tick(node.now, node.wishes);
  }
}

TEST(ChordPartition, IsFoundByAskingABootstrapNodeForOurSuccessor) {  // I-61
  Joining node;
  node.become_member();
  wait_for_check(node);
  const NodeId other_bootstrap = at(11);
  node.wishes.clear();
  node.topology.linked(node.now, other_bootstrap, 40, node.wishes);
  node.topology.bootstrapped(node.now, other_bootstrap, node.wishes);
  const auto* ping = node.request(MessageCode::kPingReq);
  ASSERT_NE(ping, nullptr);
  EXPECT_EQ(ping->target.kind, Target::Kind::kResource);
  EXPECT_EQ(ping->target.id, ring::next(at(0)));
  EXPECT_EQ(ping->target.through, other_bootstrap);

  const NodeId stranger = at(1);
  const std::uint64_t ticket = ping->ticket;
  node.wishes.clear();
  node.topology.finished(node.now, {ticket, Outcome::kAnswered, 0, stranger, {}}, node.wishes);
  ASSERT_EQ(node.wishes.attach.size(), 1U);
  EXPECT_EQ(node.wishes.attach[0].target.id, stranger);
  EXPECT_EQ(node.wishes.attach[0].target.through, other_bootstrap);
  node.finish(node.wishes.attach[0], Outcome::kAnswered, stranger);
  const auto* update = node.request(MessageCode::kUpdateReq);
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(update->target.id, stranger);
}

TEST(ChordPartition, IsNotThereWhenOurSuccessorAnswers) {
  Joining node;
  node.become_member();
  wait_for_check(node);
  node.wishes.clear();
  node.topology.bootstrapped(node.now, kBootstrap, node.wishes);
  const std::uint64_t ticket = node.request(MessageCode::kPingReq)->ticket;
  node.wishes.clear();
  node.topology.finished(node.now, {ticket, Outcome::kAnswered, 0, kAdmitting, {}}, node.wishes);
  EXPECT_TRUE(node.wishes.empty());
}

}  // namespace
