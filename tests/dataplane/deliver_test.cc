// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/deliver.h"

#include <gtest/gtest.h>

#include <optional>

#include "dataplane/stages/parse.h"
#include "tests/support/stage_rig.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using tests::burst_of;
using tests::fate;
using tests::node_at;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

class Deliver : public ::testing::Test {
 protected:
  Deliver() { rig_.add_link(3, node_at(100), wire::shm::LinkClass::kBackbone, 1500, 6); }
  std::string deliver(const Bytes& message) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message, 3)});
    dataplane::parse(burst_, rig_.policy);
    burst_.context(0).deliver = true;
    burst_.context(0).verified = true;
    dataplane::deliver(burst_, *rig_.rings, *rig_.counters);
    return fate(burst_);
  }
  static std::optional<PacketRecord> next(wire::shm::PacketRing& ring) {
    std::optional<PacketRecord> out;
    ring.consume(1, [&out](const PacketRecord& record) { out = record; });
    return out;
  }
  using StageRig = tests::StageRig;
  Bytes of_code(MessageCode code) {
    return rig_.ping(node_at(7)).contents(code, Bytes(30)).sign(forger_.identity);
  }
  void TearDown() override {
    StageRig::free(burst_);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  Burst burst_;
};

TEST_F(Deliver, CopiesTheMessageAndWhatIsKnownOfIt) {
  const Bytes message = of_code(MessageCode::kPingReq);
  ASSERT_EQ(deliver(message), "delivered");
  const auto record = next(rig_.rings->urgent);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->kind, PacketKind::kDelivery);
  EXPECT_EQ(record->verified, 1);
  EXPECT_EQ(record->link_slot, 3);
  EXPECT_EQ(record->generation, 6);
  EXPECT_EQ(record->tsc, rig_.turn.tsc);
  EXPECT_EQ(Bytes(record->bytes.begin(), record->bytes.begin() + record->length), message);
  EXPECT_EQ(rig_.counters->delivered.get(), 1U);
}

TEST_F(Deliver, KeepsLivenessAndTopologyApartFromTheRest) {
  ASSERT_EQ(deliver(of_code(MessageCode::kUpdateReq)), "delivered");
  EXPECT_TRUE(next(rig_.rings->urgent).has_value());
  ASSERT_EQ(deliver(of_code(MessageCode::kStoreReq)), "delivered");
  EXPECT_TRUE(next(rig_.rings->bulk).has_value());
  EXPECT_FALSE(next(rig_.rings->urgent).has_value());
}

TEST_F(Deliver, LeavesMessagesForOthersAlone) {
  burst_ = burst_of({rig_.packet(of_code(MessageCode::kPingReq), 3)});
  dataplane::parse(burst_, rig_.policy);
  dataplane::deliver(burst_, *rig_.rings, *rig_.counters);
  EXPECT_EQ(fate(burst_), "live");
}

TEST_F(Deliver, DropsWhenTheRingIsFull) {
  std::size_t fitted = 0;
  while (fitted < 10'000 && deliver(of_code(MessageCode::kStoreReq)) == "delivered") ++fitted;
  EXPECT_EQ(fate(burst_), "deliver_ring_full");
  EXPECT_GE(fitted, wire::shm::kPacketRing - 1);
  // The urgent ring has room still.
  EXPECT_EQ(deliver(of_code(MessageCode::kPingReq)), "delivered");
  EXPECT_EQ(rig_.counters->delivered.get(), fitted + 1);
}

TEST_F(Deliver, DropsWhatDoesNotFitARecord) {
  const Bytes message = rig_.ping(node_at(7), 1, 1500).sign(forger_.identity);
  burst_ = burst_of({rig_.packet(message, 3)});
  dataplane::parse(burst_, rig_.policy);
  burst_.context(0).deliver = true;
  rte_mbuf* const mbuf = burst_.mbufs[0];
  ASSERT_NE(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(2048 - message.size())), nullptr);
  ASSERT_NE(rte_pktmbuf_prepend(mbuf, 1), nullptr);
  dataplane::deliver(burst_, *rig_.rings, *rig_.counters);
  EXPECT_EQ(fate(burst_), "deliver_too_large");
}

}  // namespace
