// SPDX-License-Identifier: Apache-2.0
// Two control planes make DTLS links through stand-ins for their dataplanes: what they put into the
// rings and in which order, and what survives whose restart.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "controlplane/links/own_context.h"
#include "tests/controlplane/test_planes.h"

namespace tests {
namespace {

using controlplane::overlay::kMillisecond;
using wire::shm::AssociationRecord;
using wire::shm::Command;
using wire::shm::CommandKind;
using wire::shm::LinkRecord;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

/// A node whose dataplane installs keys and passes datagrams on.
class SecureNode {
 public:
  SecureNode(const TestOverlay& overlay, const std::string& directory, char letter)
      : test(overlay, directory, letter, "dtls") {}

  void turn(std::uint64_t ns) {
    test.plane().turn(at(ns));
    take_commands();
  }

  /// Carries datagrams to @p other; returns how many.
  std::size_t carry_to(SecureNode& other) {
    const LinkRecord& link = other.test.plane().links().front();
    return test.dataplane()->rings.lcores[0].injected.consume(64, [&](const PacketRecord& sent) {
      if (sent.kind != PacketKind::kDatagram) return;
      EXPECT_EQ(sent.link_slot, test.plane().links().front().slot);
      auto record = std::make_unique<PacketRecord>(sent);
      record->kind = PacketKind::kHandshake;
      record->local = link.local;
      record->remote = link.remote;
      EXPECT_TRUE(other.test.dataplane()->rings.lcores[0].handshake.push(*record));
    });
  }

  wire::shm::LinkStatus& status() {
    return test.dataplane()->dataplane.links[test.plane().links().front().slot];
  }
  /// Whether the published routes lead to the peer.
  bool has_route() {
    auto& routes = test.dataplane()->tables.routes;
    return routes.copy[routes.generation.load() & 1U].peer_count == 1;
  }

  TestPlane test;
  std::map<std::uint32_t, AssociationRecord> installed;

 private:
  void take_commands() {
    test.dataplane()->rings.commands.consume_wiping(1000, [&](const Command& command) {
      if (command.kind == CommandKind::kUpsertLink) {
        wire::shm::write_identity(status(), command.link);
        status().state.store(static_cast<std::uint8_t>(wire::shm::LinkState::kIdle));
      }
      if (command.kind != CommandKind::kInstallAssociation) return;
      const auto& record = command.association;
      EXPECT_TRUE(installed.emplace(record.association, record).second) << "installed twice";
      status().association.store(record.association);
    });
  }
};

class SecureLinksTest : public testing::Test {
 protected:
  void start() {
    for (SecureNode* node : {&a_, &b_}) {
      node->test.start_dataplane();
      node->test.start();
    }
  }
  /// Lets @p milliseconds pass.
  void run(unsigned milliseconds) {
    for (unsigned i = 0; i < milliseconds; ++i) {
      now_ns_ += kMillisecond;
      a_.turn(now_ns_);
      b_.turn(now_ns_);
      a_.carry_to(b_);
      b_.carry_to(a_);
    }
  }
  static void expect_same_keys(const SecureNode& a, const SecureNode& b) {
    ASSERT_FALSE(a.installed.empty());
    ASSERT_FALSE(b.installed.empty());
    const AssociationRecord& of_a = a.installed.rbegin()->second;
    const AssociationRecord& of_b = b.installed.rbegin()->second;
    EXPECT_EQ(of_a.write.key, of_b.read.key);
    EXPECT_EQ(of_a.read.key, of_b.write.key);
    EXPECT_EQ(of_a.write.iv, of_b.read.iv);
    EXPECT_NE(of_a.write.key, of_a.read.key);
  }
  std::uint32_t newest(const SecureNode& node) { return node.installed.rbegin()->first; }

  TestOverlay overlay_;
  TemporaryDirectory directory_;
  SecureNode a_{overlay_, directory_.path(), 'a'};
  SecureNode b_{overlay_, directory_.path(), 'b'};
  std::uint64_t now_ns_ = 0;
};

TEST_F(SecureLinksTest, InstallsTheSameKeysAtBothEnds) {
  start();
  run(200);
  expect_same_keys(a_, b_);
  EXPECT_EQ(a_.installed.size(), 1U);
  EXPECT_EQ(b_.installed.size(), 1U);
  EXPECT_EQ(a_.test.plane().secure_links().counters().completed, 1U);
}

TEST_F(SecureLinksTest, RoutesLeadOverALinkOnlyWhileItHasKeys) {
  start();
  a_.turn(1);
  EXPECT_FALSE(a_.has_route());
  run(200);
  EXPECT_TRUE(a_.has_route());
  a_.status().association.store(0);
  run(30);
  EXPECT_FALSE(a_.has_route());
  a_.status().association.store(newest(a_));
  run(30);
  EXPECT_TRUE(a_.has_route());
}

TEST_F(SecureLinksTest, ARestartedControlPlaneKeepsTheKeysOfItsDataplane) {
  start();
  run(200);
  const std::uint32_t before = newest(a_);
  a_.test.stop();
  a_.test.start();
  run(1500);
  EXPECT_EQ(newest(a_), before) << "no new handshake";
  EXPECT_TRUE(a_.has_route());
  const auto rows = a_.test.plane().secure_links().status();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].association, before);
  EXPECT_TRUE(rows[0].adopted);

  // New keys have numbers the dataplane has not seen.
  wire::shm::Event wish;
  wish.kind = wire::shm::EventKind::kAssociationWanted;
  wish.link_slot = a_.test.plane().links().front().slot;
  wish.generation = a_.test.plane().links().front().generation;
  wish.count = before;
  a_.test.plane().submit(wish);
  run(1500);
  EXPECT_GT(newest(a_), before);
  expect_same_keys(a_, b_);
}

TEST_F(SecureLinksTest, ANewDataplaneGetsNewKeys) {
  start();
  run(200);
  const std::uint32_t before = newest(b_);
  b_.test.stop_dataplane();
  b_.test.start_dataplane();
  EXPECT_EQ(b_.status().association.load(), 0U);
  run(3000);
  EXPECT_GT(newest(b_), before);
  expect_same_keys(a_, b_);
}

TEST_F(SecureLinksTest, WithoutADataplaneNothingIsBegun) {
  a_.test.start_dataplane();
  a_.test.start();
  a_.test.stop_dataplane();
  for (std::uint64_t ns = 0; ns < 5 * kSecond; ns += 100 * kMillisecond) {
    a_.test.plane().turn(at(ns));
  }
  EXPECT_EQ(a_.test.plane().secure_links().counters().started, 0U);
}

TEST_F(SecureLinksTest, AFloodOfStrangersKeepsNothingWaiting) {
  start();
  auto record = std::make_unique<PacketRecord>();
  record->kind = PacketKind::kHandshake;
  record->length = 100;
  record->local = a_.test.plane().links().front().local;
  record->remote = record->local;
  auto& ring = a_.test.dataplane()->rings.lcores[0].handshake;
  std::size_t pushed = 0;
  while (ring.push(*record)) ++pushed;
  const std::size_t worked = a_.test.plane().turn(at(1));
  EXPECT_LT(worked, pushed) << "a turn takes a few and looks at the rest of the world again";
  for (unsigned i = 0; i < 100; ++i) a_.test.plane().turn(at(2 + i));
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(a_.test.plane().secure_links().counters().unknown_source, pushed);
}

TEST_F(SecureLinksTest, GivesKeyLogLinesOnlyWhileSomebodyTakesThem) {
  start();
  std::vector<std::string> lines;
  run(200);
  a_.test.plane().secure_links().log_keys([&](std::string_view line) { lines.emplace_back(line); });
  wire::shm::Event wish;
  wish.kind = wire::shm::EventKind::kAssociationWanted;
  wish.link_slot = a_.test.plane().links().front().slot;
  wish.generation = a_.test.plane().links().front().generation;
  wish.count = newest(a_);
  a_.test.plane().submit(wish);
  run(1000);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], testing::StartsWith("CLIENT_RANDOM "));
  a_.test.plane().secure_links().log_keys({});
  wish.count = newest(a_);
  a_.test.plane().submit(wish);
  run(1000);
  EXPECT_EQ(a_.installed.size(), 3U);
  EXPECT_EQ(lines.size(), 1U);
}

TEST(SharedSecretFile, IsOneLineOfIdentityAndKey) {
  std::string why;
  const auto secret =
      controlplane::links::parse_shared_secret("overlay:000102030405060708090A0b0c0d0e0f\n", why);
  ASSERT_TRUE(secret) << why;
  EXPECT_EQ(secret->identity, "overlay");
  ASSERT_EQ(secret->key.size(), 16U);
  EXPECT_EQ(secret->key[10], std::byte{10});
  for (const char* bad :
       {"", "overlay", "overlay:00", ":000102030405060708090a0b0c0d0e0f",
        "overlay:000102030405060708090a0b0c0d0e0g", "a:000102030405060708090a0b0c0d0e0f\nb:00"}) {
    why.clear();
    EXPECT_FALSE(controlplane::links::parse_shared_secret(bad, why)) << bad;
    EXPECT_FALSE(why.empty()) << bad;
  }
}

}  // namespace
}  // namespace tests
