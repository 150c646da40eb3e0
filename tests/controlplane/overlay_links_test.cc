// SPDX-License-Identifier: Apache-2.0
// Links that come and go, between two control planes with stand-ins for their dataplanes: a node
// calls its bootstrap node, which has never heard of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "controlplane/publish/link_ends.h"
#include "tests/controlplane/test_planes.h"

namespace tests {
namespace {

using controlplane::overlay::kMillisecond;
using controlplane::overlay::MembershipWish;
using testing::Contains;
using testing::HasSubstr;
using wire::shm::Command;
using wire::shm::CommandKind;
using wire::shm::Endpoint;
using wire::shm::LinkRecord;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

Endpoint endpoint(const char* text) { return config::parse_endpoint(text).value(); }

/// A node of a ring, with a dataplane that does what commands say and passes datagrams on.
class RingNode {
 public:
  RingNode(const TestOverlay& overlay, const std::string& directory, char letter,
           std::vector<Endpoint> bootstrap)
      : test(overlay, directory, letter, "dtls") {
    test.config().peers.clear();
    test.config().overlay.topology = config::Topology::kChord;
    test.config().overlay.bootstrap_nodes = std::move(bootstrap);
    test.config().overlay.join = false;
  }
  void start() {
    test.start_dataplane();
    test.start();
    test.plane().on_note([this](const auto& note) { notes.push_back(note.text); });
  }
  void turn(std::uint64_t ns) {
    test.plane().turn(at(ns));
    test.dataplane()->rings.commands.consume_wiping(1000, [&](const Command& c) { obey(c); });
  }
  /// Every datagram this node sends, to whom it is meant for.
  void carry_to(std::vector<RingNode*> others) {
    test.dataplane()->rings.lcores[0].injected.consume(64, [&](const PacketRecord& sent) {
      Endpoint from = sent.local;
      Endpoint to = sent.remote;
      if (sent.kind == PacketKind::kDatagram || sent.kind == PacketKind::kRecord) {
        if (!links.contains(sent.link_slot)) return;
        from = links.at(sent.link_slot).local;
        to = links.at(sent.link_slot).remote;
      } else if (sent.kind != PacketKind::kReply) {
        return;
      }
      replies += sent.kind == PacketKind::kReply ? 1 : 0;
      if (sent.kind == PacketKind::kRecord) return;  // these dataplanes have no ciphers
      for (RingNode* const other : others) {
        if (!(other->address() == to)) continue;
        auto record = std::make_unique<PacketRecord>(sent);
        record->kind = PacketKind::kHandshake;
        record->port = 0;
        record->local = to;
        record->remote = from;
        (void)other->test.dataplane()->rings.lcores[0].handshake.push(*record);
      }
    });
  }
  [[nodiscard]] Endpoint address() const {
    return controlplane::publish::own_addresses(test.config().dataplane).front().endpoint;
  }
  [[nodiscard]] std::uint64_t opened() { return test.plane().node().counters().links_opened; }

  TestPlane test;
  std::map<std::uint16_t, LinkRecord> links;  ///< the dataplane's
  std::set<std::uint16_t> slots_ever;
  std::vector<std::string> notes;
  unsigned replies = 0;

 private:
  void obey(const Command& command) {
    auto& status = test.dataplane()->dataplane.links;
    switch (command.kind) {
      case CommandKind::kUpsertLink:
        slots_ever.insert(command.link.slot);
        links[command.link.slot] = command.link;
        wire::shm::write_identity(status[command.link.slot], command.link);
        status[command.link.slot].state.store(
            static_cast<std::uint8_t>(wire::shm::LinkState::kIdle));
        break;
      case CommandKind::kRemoveLink:
        links.erase(command.link.slot);
        status[command.link.slot].association.store(0);
        status[command.link.slot].state.store(
            static_cast<std::uint8_t>(wire::shm::LinkState::kAbsent));
        break;
      case CommandKind::kInstallAssociation:
        ASSERT_TRUE(links.contains(command.association.slot));
        EXPECT_FALSE(links.at(command.association.slot).peer.is_invalid())
            << "keys came down before the dataplane knew whose they are";
        status[command.association.slot].association.store(command.association.association);
        break;
      default:
        break;
    }
  }
};

class OverlayLinksTest : public testing::Test {
 protected:
  OverlayLinksTest() {
    for (RingNode* const node : {&a_, &b_}) node->start();
  }
  /// Lets @p milliseconds pass.
  void run(unsigned milliseconds) {
    for (unsigned i = 0; i < milliseconds; ++i) {
      now_ns_ += kMillisecond;
      for (RingNode* const node : {&a_, &b_}) node->turn(now_ns_);
      for (RingNode* const node : {&a_, &b_}) node->carry_to({&a_, &b_});
    }
  }
  TestOverlay overlay_;
  TemporaryDirectory directory_;
  RingNode a_{overlay_, directory_.path(), 'a', {}};
  RingNode b_{overlay_, directory_.path(), 'b', {endpoint("10.0.0.1:6084")}};
  std::uint64_t now_ns_ = 0;
};

TEST_F(OverlayLinksTest, ABootstrapNodeAdmitsWhoCallsItAndBothLearnWhoTheOtherIs) {
  a_.test.plane().submit(MembershipWish::kFound);
  b_.test.plane().submit(MembershipWish::kJoin);
  run(300);
  ASSERT_EQ(a_.test.plane().links().size(), 1U);
  ASSERT_EQ(b_.test.plane().links().size(), 1U);
  EXPECT_EQ(a_.test.plane().links()[0].peer, b_.test.plane().node().settings().self);
  EXPECT_EQ(b_.test.plane().links()[0].peer, a_.test.plane().node().settings().self);
  EXPECT_EQ(a_.opened(), 1U);
  EXPECT_EQ(b_.opened(), 1U);
  EXPECT_EQ(a_.replies, 1U) << "the cookie";
  EXPECT_EQ(a_.test.plane().link_name(0), config::to_string(a_.test.plane().links()[0].peer));
}

TEST_F(OverlayLinksTest, WhereNobodyAnswersTheSlotIsFreedAndTheNextAttemptHasAnother) {
  b_.test.config().overlay.bootstrap_nodes = {endpoint("10.0.0.9:6084"),
                                              endpoint("10.0.0.2:6084")};  // its own, left out
  b_.start();
  b_.test.plane().submit(MembershipWish::kJoin);
  run(6000);
  EXPECT_THAT(b_.notes, Contains(HasSubstr("no bootstrap node can be reached")));
  run(7000);
  EXPECT_LE(b_.links.size(), 1U);
  EXPECT_GE(b_.slots_ever.size(), 2U);
  EXPECT_EQ(b_.opened(), 0U);
}

TEST_F(OverlayLinksTest, ABootstrapNodeThatNoPortLeadsToIsNamed) {
  b_.test.config().overlay.bootstrap_nodes = {endpoint("192.0.2.7:6084")};
  b_.start();
  b_.test.plane().submit(MembershipWish::kJoin);
  run(5);
  EXPECT_THAT(b_.notes, Contains(HasSubstr("no port leads to bootstrap node 192.0.2.7:6084")));
}

TEST_F(OverlayLinksTest, StrangersThatNeverShowWhereTheyAreTakeNoSlot) {
  std::vector<Endpoint> callers;
  for (unsigned port = 20'000; port < 20'100; ++port) {
    Endpoint caller = endpoint("10.0.0.2:6084");
    caller.port = static_cast<std::uint16_t>(port);
    callers.push_back(caller);
  }
  b_.test.plane().submit(MembershipWish::kJoin);
  // The first flights of b, as if from all of them.
  std::map<std::uint16_t, unsigned> heard;
  for (unsigned ms = 0; ms < 50; ++ms) {
    now_ns_ += kMillisecond;
    b_.turn(now_ns_);
    a_.turn(now_ns_);
    b_.test.dataplane()->rings.lcores[0].injected.consume(64, [&](const PacketRecord& sent) {
      if (sent.kind != PacketKind::kDatagram) return;
      for (const Endpoint& caller : callers) {
        auto record = std::make_unique<PacketRecord>(sent);
        record->kind = PacketKind::kHandshake;
        record->local = a_.address();
        record->remote = caller;
        (void)a_.test.dataplane()->rings.lcores[0].handshake.push(*record);
      }
    });
    a_.test.dataplane()->rings.lcores[0].injected.consume(256, [&](const PacketRecord& reply) {
      if (reply.kind == PacketKind::kReply) ++heard[reply.remote.port];
    });
  }
  EXPECT_EQ(heard.size(), callers.size()) << "all are asked whether they are where they say";
  EXPECT_TRUE(a_.links.empty()) << "and have left no trace";
}

TEST_F(OverlayLinksTest, ALinkThatFailedGivesWayToANewOneBetweenTheSameEnds) {
  a_.test.plane().submit(MembershipWish::kFound);
  b_.test.plane().submit(MembershipWish::kJoin);
  run(300);
  ASSERT_EQ(b_.links.size(), 1U);
  const LinkRecord before = b_.links.begin()->second;
  // Nobody carries messages here, so b does not become a member and asks for its bootstrap node
  // again and again; this link is as good as any until it fails.
  run(20'000);
  EXPECT_TRUE(b_.links.contains(before.slot));
  wire::shm::Event failed;
  failed.kind = wire::shm::EventKind::kLinkFailed;
  failed.link_slot = before.slot;
  failed.generation = before.generation;
  b_.test.plane().submit(failed);
  run(60'000);
  ASSERT_EQ(b_.links.size(), 1U);
  const LinkRecord after = b_.links.begin()->second;
  EXPECT_NE(after.slot, before.slot);
  EXPECT_EQ(after.remote, before.remote);
  EXPECT_EQ(b_.opened(), 2U);
  EXPECT_EQ(a_.links.size(), 1U) << "of the same peer there are new keys for the old link";
}

TEST(LinkEnds, APortIsChosenByItsNetworkAndElseByItsGateway) {
  config::Dataplane dataplane;
  dataplane.ports.resize(2);
  dataplane.ports[0].addresses = {{endpoint("10.1.0.1"), 16}, {endpoint("fd00:1::1"), 64}};
  dataplane.ports[0].gateways = {endpoint("10.1.0.254")};
  dataplane.ports[1].addresses = {{endpoint("10.2.0.1"), 24}};
  dataplane.ports[1].mtu = 1400;
  const auto direct = controlplane::publish::link_to(dataplane, endpoint("10.2.0.9:7000"));
  ASSERT_TRUE(direct.has_value());
  EXPECT_EQ(direct->port, 1);
  EXPECT_EQ(direct->mtu, 1400);
  EXPECT_EQ(direct->local, endpoint("10.2.0.1:6084"));
  const auto routed = controlplane::publish::link_to(dataplane, endpoint("192.0.2.1:6084"));
  ASSERT_TRUE(routed.has_value());
  EXPECT_EQ(routed->port, 0);
  EXPECT_FALSE(controlplane::publish::link_to(dataplane, endpoint("[2001:db8::1]:6084")));
  EXPECT_EQ(controlplane::publish::own_addresses(dataplane).size(), 3U);
  EXPECT_TRUE(controlplane::publish::link_between(dataplane, endpoint("10.1.0.1:6084"),
                                                  endpoint("10.9.9.9:1")));
  EXPECT_FALSE(controlplane::publish::link_between(dataplane, endpoint("10.1.0.2:6084"),
                                                   endpoint("10.9.9.9:1")));
}

}  // namespace
}  // namespace tests
