// SPDX-License-Identifier: Apache-2.0
// What the control plane writes into the region, seen from the dataplane's side.

#include <gtest/gtest.h>

#include <fstream>

#include "controlplane/publish/link_slots.h"
#include "tests/controlplane/test_planes.h"

namespace tests {
namespace {

using controlplane::events::Injector;
using controlplane::overlay::Outgoing;
using wire::shm::Command;
using wire::shm::CommandKind;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

class Publish : public testing::Test {
 protected:
  std::vector<Command> take_commands() {
    std::vector<Command> commands;
    a_.dataplane()->rings.commands.consume(
        10000, [&](const Command& command) { commands.push_back(command); });
    return commands;
  }
  static std::vector<CommandKind> kinds(const std::vector<Command>& commands) {
    std::vector<CommandKind> kinds;
    for (const auto& command : commands) kinds.push_back(command.kind);
    return kinds;
  }

  const std::vector<CommandKind> full_resync_{CommandKind::kResyncBegin, CommandKind::kUpsertLink,
                                              CommandKind::kUpsertSigner, CommandKind::kResyncEnd};
  TestOverlay overlay_;
  TemporaryDirectory directory_;
  TestPlane a_{overlay_, directory_.path(), 'a'};
};

TEST_F(Publish, RoutesAndPolicyReachTheLcores) {
  a_.start_dataplane();
  a_.start();
  a_.plane().turn(at(0));
  auto& region = a_.dataplane();
  wire::shm::TableReader routes(region->tables.routes, region->dataplane.routes_progress[0]);
  routes.online();
  const wire::shm::RouteTable& table = routes.pin();
  EXPECT_EQ(table.self, node_id(0x10));
  EXPECT_EQ(table.predecessor, node_id(0x80));
  ASSERT_EQ(table.connection_count, 1U);
  EXPECT_EQ(table.connections[0].id, node_id(0x80));
  wire::shm::TableReader policy(region->tables.policy, region->dataplane.policy_progress[0]);
  policy.online();
  EXPECT_EQ(policy.pin().configuration_sequence, 7);
  EXPECT_EQ(policy.pin().overlay, config::overlay_hash(TestOverlay::kName));
}

TEST_F(Publish, EveryDataplaneIncarnationGetsAFullResync) {
  a_.start();
  a_.plane().turn(at(0));
  EXPECT_FALSE(a_.plane().dataplane_alive());
  a_.start_dataplane();
  a_.plane().turn(at(1));
  const auto commands = take_commands();
  EXPECT_EQ(kinds(commands), full_resync_);
  EXPECT_EQ(commands[1].link.peer, node_id(0x80));
  EXPECT_EQ(config::to_string(commands[1].link.remote), "10.0.0.2:6084");
  EXPECT_EQ(config::to_string(commands[1].link.local), "10.0.0.1:6084");
  a_.plane().turn(at(2 * kSecond));
  EXPECT_TRUE(take_commands().empty()) << "nothing new";
  a_.stop_dataplane();
  a_.plane().turn(at(4 * kSecond));
  EXPECT_FALSE(a_.plane().dataplane_alive());
  a_.start_dataplane();
  a_.plane().turn(at(4 * kSecond + 1));
  EXPECT_EQ(kinds(take_commands()), full_resync_);
  EXPECT_EQ(a_.plane().resyncs(), 2U);
}

TEST_F(Publish, ARestartedControlPlaneKeepsSlotAndGeneration) {
  a_.start_dataplane();
  wire::shm::LinkRecord record;
  record.slot = 5;
  record.generation = 6;
  record.peer = node_id(0x80);
  auto& status = a_.dataplane()->dataplane.links[5];
  wire::shm::write_identity(status, record);
  status.state.store(static_cast<std::uint8_t>(wire::shm::LinkState::kUp));
  a_.start();
  ASSERT_EQ(a_.plane().links().size(), 1U);
  EXPECT_EQ(a_.plane().links()[0].slot, 5);
  EXPECT_EQ(a_.plane().links()[0].generation, 6);
  a_.plane().turn(at(0));
  EXPECT_EQ(kinds(take_commands()), full_resync_);
}

TEST_F(Publish, ASlotThatHadAnotherNodeGetsTheNextGeneration) {  // B-30
  a_.start_dataplane();
  wire::shm::LinkRecord record;
  record.slot = 0;
  record.generation = 7;
  record.peer = node_id(0x99);
  auto& status = a_.dataplane()->dataplane.links[0];
  wire::shm::write_identity(status, record);
  status.state.store(static_cast<std::uint8_t>(wire::shm::LinkState::kUp));
  a_.start();
  EXPECT_EQ(a_.plane().links()[0].slot, 0);
  EXPECT_EQ(a_.plane().links()[0].generation, 0) << "7 + 1, wrapped";
}

TEST_F(Publish, AFullCommandRingKeepsTheRestForLater) {
  a_.start_dataplane();
  a_.start();
  a_.plane().turn(at(0));
  take_commands();
  Command command;
  command.kind = CommandKind::kStopCapture;
  for (int i = 0; i < 6000; ++i) a_.plane().send(command);
  a_.plane().turn(at(1));
  std::size_t taken = take_commands().size();
  EXPECT_LT(taken, 6000U);
  a_.plane().turn(at(2));
  taken += take_commands().size();
  EXPECT_EQ(taken, 6000U);
}

TEST_F(Publish, LongMessagesAreCutAndWorkersShareTransactions) {
  a_.start_dataplane();
  a_.dataplane()->dataplane.status.worker_count.store(2);
  a_.start();
  wire::reload::ForwardingHeader header;
  header.destination_list_length = 18;
  header.length = 4000;
  wire::reload::Bytes message(4000);
  wire::reload::write_forwarding_header(header, message);
  Injector injector(*a_.dataplane(), 1500);
  injector.send({message, wire::shm::kNoLink, 0, 7});
  injector.send({wire::reload::Bytes(100), 5, 3, 8});
  std::vector<std::uint16_t> lengths;
  a_.dataplane()->rings.lcores[1].injected.consume(10, [&](const PacketRecord& record) {
    EXPECT_EQ(record.kind, PacketKind::kInject);
    lengths.push_back(record.length);
  });
  EXPECT_EQ(lengths.size(), 3U);
  for (const auto length : lengths) EXPECT_LE(length, 1500 - 88);
  std::size_t on_link = 0;
  a_.dataplane()->rings.lcores[0].injected.consume(10, [&](const PacketRecord& record) {
    EXPECT_EQ(record.kind, PacketKind::kInjectOnLink);
    EXPECT_EQ(record.link_slot, 5);
    EXPECT_EQ(record.generation, 3);
    EXPECT_EQ(record.length, 100);
    ++on_link;
  });
  EXPECT_EQ(on_link, 1U);
}

TEST_F(Publish, WhatFindsNoRingWaitsUpToALimit) {
  a_.start_dataplane();
  a_.dataplane()->dataplane.status.worker_count.store(0);
  Injector injector(*a_.dataplane(), 1500);
  for (std::size_t i = 0; i < Injector::kBacklog + 10; ++i) {
    injector.send({wire::reload::Bytes(50), wire::shm::kNoLink, 0, 0});
  }
  EXPECT_EQ(injector.backlog(), Injector::kBacklog);
  EXPECT_EQ(injector.dropped(), 10U);
  a_.dataplane()->dataplane.status.worker_count.store(1);
  EXPECT_GT(injector.turn(), 0U);
}

TEST_F(Publish, CredentialsThatDoNotFitNameTheFile) {
  const auto errors_of = [&](const config::NodeConfig& config, std::uint64_t unix_s) {
    std::string all;
    for (const auto& error : controlplane::trust::load_credentials(config, unix_s).errors) {
      all += error + "\n";
    }
    return all;
  };
  const std::uint64_t now = kUnixMs / 1000;
  EXPECT_EQ(errors_of(a_.config(), now), "");
  EXPECT_NE(errors_of(a_.config(), now + 365 * 86400ULL).find("a.pem: "), std::string::npos);
  EXPECT_NE(errors_of(a_.config(), now + 365 * 86400ULL).find("expired"), std::string::npos);

  overlay_.write_identity(node_id(0x10), a_.file("2.pem"), a_.file("2.key"));
  auto config = a_.config();
  config.identities[0].key = a_.file("2.key");
  EXPECT_NE(errors_of(config, now).find("a2.key: does not belong to the certificate"),
            std::string::npos);
  config.identities[0].key = a_.file(".nowhere");
  EXPECT_NE(errors_of(config, now).find("a.nowhere: No such file"), std::string::npos);
  config = a_.config();
  std::ofstream(a_.file(".bad")) << "rubbish";
  config.identities[0].certificate = a_.file(".bad");
  EXPECT_NE(errors_of(config, now).find("a.bad: is no certificate in PEM"), std::string::npos);
  config = a_.config();
  config.peers[0].certificate = a_.file("2.pem");  // 0x10's, and the peer is 0x80
  EXPECT_NE(errors_of(config, now).find("a2.pem: "), std::string::npos);
}

}  // namespace
}  // namespace tests
