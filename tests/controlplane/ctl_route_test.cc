// SPDX-License-Identifier: Apache-2.0
// hopsealctl route: that the first hop is explained as it is decided.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "config/node_config.h"
#include "controlplane/ctl/route_reason.h"

namespace controlplane::ctl {
namespace {

using ::testing::HasSubstr;
using wire::reload::Destination;
using wire::reload::DestinationType;
using wire::reload::NodeId;
using wire::shm::NextHop;
using wire::shm::RouteTable;

NodeId at(unsigned sixteenth) {
  NodeId id;
  id.bytes[0] = static_cast<std::byte>(sixteenth << 4U);
  return id;
}

Destination node(const NodeId& id) { return {DestinationType::kNode, 1, false, id.bytes, {}}; }
Destination resource(const NodeId& point) {
  return {DestinationType::kResource, 2, false, point.bytes, {}};
}

/// Node 8 of a ring of 2, 4, 6, 8 and 12; 7 is a client of it.
class Route : public ::testing::Test {
 protected:
  Route() {
    table_->self = at(8);
    table_->predecessor = at(6);
    table_->is_peer = 1;
    for (const unsigned id : {2U, 4U, 6U, 7U, 12U}) {
      const wire::shm::RouteEntry entry{at(id), static_cast<std::uint16_t>(id + 100), {}};
      table_->connections[table_->connection_count++] = entry;
      if (id != 7) table_->peers[table_->peer_count++] = entry;
    }
  }
  RouteReason to(const Destination& destination) { return explain_route(*table_, destination); }

  std::unique_ptr<RouteTable> table_ = std::make_unique<RouteTable>();
};

TEST_F(Route, ItselfAndWhatItIsResponsibleForEndHere) {
  const NodeId self = at(8);
  EXPECT_EQ(to(node(self)).hop.kind, NextHop::Kind::kDeliver);
  EXPECT_THAT(to(node(self)).why, HasSubstr("it is this node"));
  const NodeId point = at(7);
  EXPECT_EQ(to(resource(point)).hop.kind, NextHop::Kind::kDeliver);
  EXPECT_THAT(to(resource(point)).why, HasSubstr(config::to_string(at(6))));
}

TEST_F(Route, AConnectedNodeIsSentToDirectly) {
  const NodeId client = at(7);
  const RouteReason reason = to(node(client));
  EXPECT_EQ(reason.next, client);
  EXPECT_EQ(reason.hop.link_slot, 107);
  EXPECT_THAT(reason.why, HasSubstr("has a link"));
}

TEST_F(Route, OthersGoToTheLastPeerBeforeThemOrTheFirstBehind) {
  const NodeId fourteen = at(14);
  EXPECT_EQ(to(resource(fourteen)).next, at(12));
  EXPECT_THAT(to(resource(fourteen)).why, HasSubstr("the last peer before it of the 4"));
  const NodeId ten = at(10);
  EXPECT_EQ(to(node(ten)).next, at(12));
  EXPECT_THAT(to(node(ten)).why, HasSubstr("the first behind it of the 4"));
}

TEST_F(Route, WhatIsNotRoutedHasAReason) {
  NodeId stranger = at(7);
  stranger.bytes[15] = std::byte{1};
  const RouteReason unconnected = to(node(stranger));
  EXPECT_EQ(unconnected.hop.kind, NextHop::Kind::kDrop);
  EXPECT_FALSE(unconnected.next);
  EXPECT_THAT(unconnected.why, HasSubstr("no such node is connected"));

  table_->peer_count = 0;
  const NodeId ten = at(10);
  EXPECT_THAT(to(node(ten)).why, HasSubstr("no peer to route through"));
  const std::array<std::byte, 3> few{};
  EXPECT_THAT(to({DestinationType::kResource, 2, false, few, {}}).why, HasSubstr("16 bytes"));
  *table_ = RouteTable{};
  EXPECT_THAT(to(node(ten)).why, HasSubstr("published nothing"));
}

TEST_F(Route, APeerAloneHasTheWholeRing) {
  *table_ = RouteTable{};
  table_->self = table_->predecessor = at(8);
  table_->is_peer = 1;
  const NodeId point = at(3);
  EXPECT_EQ(to(resource(point)).hop.kind, NextHop::Kind::kDeliver);
  EXPECT_THAT(to(resource(point)).why, HasSubstr("the whole ring"));
}

}  // namespace
}  // namespace controlplane::ctl
