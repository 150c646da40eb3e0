// SPDX-License-Identifier: Apache-2.0
// A whole node with secure links, on one worker and on two.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/dataplane/secure_node.h"

namespace {

using namespace tests::dataplane;
using tests::dataplane::Bytes;
using wire::shm::DropReason;
using wire::shm::LcoreCounters;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

class NodeSecure : public ::testing::TestWithParam<std::tuple<std::uint32_t, unsigned>> {
 protected:
  NodeSecure() { node_.rig.add_signer(signer_); }
  Bytes transit(std::uint64_t id, unsigned to = 1) {
    return node_.rig.ping(id, NodeRig::neighbor(to)).sign(signer_.identity());
  }
  void handshake_on(unsigned port) {
    node_.send_payload(port, bytes({22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 14}));
  }
  SecureNode node_{std::get<0>(GetParam()), std::get<1>(GetParam())};
  NodeRig& rig_ = node_.rig;
  TestSigner signer_{7};
};

TEST_P(NodeSecure, ForwardsFromRecordToRecordAndAcknowledgesInOne) {
  node_.install(0, Aead::kAes128Gcm);
  node_.install(1, Aead::kChaCha20Poly1305);
  const Bytes message = transit(1);
  node_.send(0, message);
  rig_.turn(4);
  EXPECT_TRUE(node_.collect(0).empty());
  EXPECT_EQ(node_.acks[0], 1U);
  const std::vector<Bytes> out = node_.collect(1);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].size(), message.size() + 2) << "a Via entry";
  rig_.turn(4);
  EXPECT_EQ(rig_.count(&LcoreCounters::acks_received), 1U);
  EXPECT_EQ(rig_.count(&LcoreCounters::verified), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(NodeSecure, LosesNothingWhileBothLinksGetNewKeysUnderTraffic) {
  node_.install(0, Aead::kAes128Gcm);
  node_.install(1, Aead::kAes128Gcm);
  constexpr std::uint64_t kMessages = 300;
  std::set<std::uint64_t> out;  // a machine that is slow sees acks late, and sends again
  const auto collect = [&] {
    for (unsigned port = 0; port < NodeRig::kPorts; ++port) {
      for (const Bytes& message : node_.collect(port)) {
        out.insert(wire::load_be64(&message[wire::reload::header_offset::kTransactionId]));
      }
    }
  };
  unsigned rekeys = 0;
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    node_.send(id % 2, transit(id, 1 - id % 2));
    if (id % 20 == 5) {  // the node is done first, the neighbour some messages later
      handshake_on(id % 40 == 5 ? 0 : 1);
      node_.install(id % 40 == 5 ? 0 : 1, static_cast<Aead>(rekeys++ % 3), true, false);
    }
    if (id % 20 == 8) node_.neighbour_switches(id % 40 == 8 ? 0 : 1);
    if (id % 40 == 25) {  // and the other way round: what comes early is held
      handshake_on(0);
      rig_.turn(2);
      node_.install(0, static_cast<Aead>(rekeys++ % 3), false, true);
    }
    if (id % 40 == 28) node_.install_at_node(0);
    rig_.turn();
    collect();
  }
  for (int i = 0; i < 8; ++i) {
    rig_.turn(2);
    collect();
  }
  EXPECT_EQ(out.size(), kMessages);
  EXPECT_GT(rekeys, 15U);
  EXPECT_EQ(node_.acks[0] + node_.acks[1], kMessages);
  EXPECT_EQ(rig_.drops(DropReason::kRecordForged) + rig_.drops(DropReason::kRecordEarly), 0U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(NodeSecure, GivesHandshakesUpOnTheLcoreThatOwnsTheLink) {
  handshake_on(0);
  handshake_on(1);
  rig_.turn(4);
  for (std::uint16_t slot = 0; slot < 2; ++slot) {
    const std::uint32_t owner = slot % std::get<0>(GetParam());
    unsigned records = 0;
    rig_.region().rings.lcores[owner].handshake.consume(1, [&](const PacketRecord& record) {
      ++records;
      EXPECT_EQ(record.kind, PacketKind::kHandshake);
      EXPECT_EQ(record.link_slot, slot);
      EXPECT_EQ(record.generation, 1);
      EXPECT_EQ(record.port, slot);
    });
    EXPECT_EQ(records, 1U);
  }
  EXPECT_EQ(rig_.count(&LcoreCounters::punted), 2U);
}

TEST_P(NodeSecure, SendsDatagramsAndRecordsOfTheControlPlane) {
  node_.install(1, Aead::kAes256Gcm);
  PacketRecord record;
  record.kind = PacketKind::kDatagram;
  record.link_slot = 1;
  record.generation = 1;
  record.length = 20;
  record.bytes.fill(std::byte{0x16});
  const std::uint32_t owner = 1 % std::get<0>(GetParam());
  ASSERT_TRUE(rig_.region().rings.lcores[owner].injected.push(record));
  record.kind = PacketKind::kRecord;
  record.content_type = 21;
  record.association = 1;
  record.length = 2;
  ASSERT_TRUE(rig_.region().rings.lcores[owner].injected.push(record));
  rig_.turn(4);
  const auto frames = rig_.frames(1);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(rig_.udp_payload(frames[0]), Bytes(20, std::byte{0x16}));
  const Bytes sealed = rig_.udp_payload(frames[1]);
  EXPECT_EQ(sealed[0], std::byte{21});
  EXPECT_EQ(node_.open(1, sealed), Bytes(2, std::byte{0x16}));
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(NodeSecure, AnswersAStrangerThroughTheStationItsFrameCameFrom) {
  const Bytes hello = bytes({22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1}) + Bytes(11);
  wire::shm::Endpoint stranger = rig_.them(1);
  stranger.port = 40'000;
  rig_.send_frame(1, udp_frame(stranger, rig_.us(1), hello));
  rig_.turn(4);
  PacketRecord record;
  unsigned records = 0;
  for (auto& lcore : rig_.region().rings.lcores) {
    records += static_cast<unsigned>(
        lcore.handshake.consume(8, [&](const PacketRecord& given) { record = given; }));
  }
  ASSERT_EQ(records, 1U);
  EXPECT_EQ(record.remote, stranger);
  (void)rig_.frames(1);

  record.kind = PacketKind::kReply;
  record.mac = {2, 4, 6, 8, 10, 12};
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(record));
  rig_.turn(4);
  const auto frames = rig_.frames(1);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(Bytes(frames[0].begin(), frames[0].begin() + 6), bytes({2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(rig_.udp_payload(frames[0]), hello);

  PacketRecord wrong = record;
  wrong.local = stranger;  // not ours to speak for
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(wrong));
  wrong = record;
  wrong.port = NodeRig::kPorts;  // nor is there such a port
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(wrong));
  wrong = record;
  wrong.length = 5;  // no record of DTLS
  ASSERT_TRUE(rig_.region().rings.lcores[0].injected.push(wrong));
  rig_.turn(4);
  EXPECT_EQ(rig_.drops(DropReason::kLinkDown), 2U);
  EXPECT_EQ(rig_.drops(DropReason::kBadLength), 1U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

TEST_P(NodeSecure, KeepsItsLedgerThroughAttacks) {
  node_.install(0, Aead::kAes128Gcm);
  node_.install(1, Aead::kAes128Gcm);
  std::size_t out = 0;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    const Bytes good = node_.seal(0, node_.data_frame(0, transit(id)));
    Bytes forged = good, cut = good, epoch = good;
    forged.back() ^= std::byte{1};
    cut.resize(id % good.size());
    epoch[4] = std::byte{3};
    node_.send_payload(0, forged);
    node_.send_payload(0, cut);
    node_.send_payload(0, epoch);
    node_.send_payload(0, good + node_.seal(0, node_.data_frame(0, transit(1000 + id))));
    node_.send_payload(0, good);
    node_.send_payload(0, bytes({128, 0, 0, 0, 1, 0, 0, 0}));
    handshake_on(0);
    rig_.turn();
    ASSERT_EQ(rig_.count(&LcoreCounters::unaccounted), 0U);
    (void)node_.collect(0);
    out += node_.collect(1).size();
  }
  rig_.turn(4);
  out += node_.collect(1).size();
  EXPECT_EQ(out, 120U);
  EXPECT_EQ(rig_.drops(DropReason::kRecordEpoch), 60U);
  EXPECT_EQ(rig_.drops(DropReason::kLinkProtocol), 60U);
  // Handshakes are under way all the time, so forgeries and replays are held while there is room.
  rig_.plane().empty();
  EXPECT_EQ(rig_.drops(DropReason::kRecordReplayed) + rig_.drops(DropReason::kRecordForged) +
                rig_.drops(DropReason::kRecordEarly) + rig_.drops(DropReason::kShutdown),
            120U);
  EXPECT_GT(rig_.drops(DropReason::kRecordForged), 0U);
  rig_.settle();
  EXPECT_EQ(rig_.unaccounted(), 0);
}

INSTANTIATE_TEST_SUITE_P(EveryFamilyAndWorkerCount, NodeSecure,
                         ::testing::Combine(::testing::Values(1U, 2U), ::testing::Values(4U, 6U)),
                         [](const auto& each) {
                           return "workers" + std::to_string(std::get<0>(each.param)) + "_ipv" +
                                  std::to_string(std::get<1>(each.param));
                         });

}  // namespace
