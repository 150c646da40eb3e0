// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hold_table.h"

#include <gtest/gtest.h>

#include "dataplane/stages/parse.h"
#include "tests/support/stage_rig.h"

namespace {

using namespace wire::reload;
using dataplane::context_of;
using dataplane::MbufQueue;
using Table = dataplane::HoldTable;
using Outcome = Table::Outcome;
using tests::node_at;

class HoldTable : public ::testing::Test {
 protected:
  using StageRig = tests::StageRig;

  static SignerKey key(std::uint16_t tag) {
    SignerKey key;
    key.type = SignerIdentityType::kCertHash;
    key.hash[0] = static_cast<std::byte>(tag >> 8U);
    key.hash[1] = static_cast<std::byte>(tag & 0xffU);
    return key;
  }
  /// Holds one message; one that is refused is freed. Messages carry a number as their TSC.
  Outcome hold(std::uint16_t tag, std::uint16_t link = 0, std::uint64_t number = 0,
               std::uint32_t certificates = 1000) {
    rte_mbuf* const mbuf = rig_.packet(Bytes(100), link);
    context_of(mbuf).piece_count = 0;
    context_of(mbuf).piece_next = nullptr;
    context_of(mbuf).rx_tsc = number;
    const Outcome outcome = table_->hold(key(tag), mbuf, certificates, rig_.turn.tsc);
    if (outcome != Outcome::kHeld) rte_pktmbuf_free(mbuf);
    return outcome;
  }
  std::vector<std::uint64_t> numbers(MbufQueue& queue) {
    std::vector<std::uint64_t> all;
    while (rte_mbuf* const mbuf = queue.pop()) {
      all.push_back(context_of(mbuf).rx_tsc);
      rte_pktmbuf_free(mbuf);
    }
    return all;
  }
  std::vector<SignerKey> punts(bool accept = true) {
    std::vector<SignerKey> all;
    table_->punt_new([&](const SignerKey& signer, rte_mbuf*) {
      all.push_back(signer);
      return accept;
    });
    return all;
  }
  void TearDown() override {
    MbufQueue rest;
    table_->release_all(rest);
    numbers(rest);
    EXPECT_EQ(table_->packets(), 0U);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  std::unique_ptr<Table> table_ = Table::create(StageRig::kTscHz);
  MbufQueue out_;
};

TEST_F(HoldTable, TellsOfEachSignerOnceUntilItIsHeard) {
  EXPECT_EQ(hold(1), Outcome::kHeld);
  EXPECT_EQ(hold(1), Outcome::kHeld);
  EXPECT_EQ(hold(2), Outcome::kHeld);
  EXPECT_EQ(punts(false).size(), 2U);  // the ring was full: told again
  EXPECT_EQ(punts().size(), 2U);
  EXPECT_TRUE(punts().empty());
  EXPECT_EQ(hold(1), Outcome::kHeld);
  EXPECT_TRUE(punts().empty());
}

TEST_F(HoldTable, ReleasesTheMessagesOfAKnownSignerInOrder) {
  tests::TestSigner signer = tests::make_signer(crypto::Algorithm::kEd25519, 1);
  signer.record.key = key(1);
  for (const std::uint64_t number : {11U, 12U, 13U}) hold(1, 0, number);
  hold(2, 0, 21);
  table_->release_known(*rig_.signers, out_);
  EXPECT_TRUE(out_.empty());
  rig_.know(signer.record);
  table_->release_known(*rig_.signers, out_);
  EXPECT_EQ(numbers(out_), (std::vector<std::uint64_t>{11, 12, 13}));
  EXPECT_EQ(table_->packets(), 1U);
  table_->release_known(*rig_.signers, out_);
  EXPECT_TRUE(out_.empty());
}

TEST_F(HoldTable, ReleasesTheMessagesOfARefusedSignerToo) {
  hold(1, 0, 11);
  wire::shm::SignerRecord refused;
  refused.key = key(1);
  refused.refused = 1;
  rig_.know(refused);
  table_->release_known(*rig_.signers, out_);
  EXPECT_EQ(numbers(out_), (std::vector<std::uint64_t>{11}));
}

TEST_F(HoldTable, TimesOutEachMessageByItself) {
  hold(1, 0, 11);
  rig_.advance_ms(30);
  hold(1, 0, 12);
  rig_.advance_ms(19);
  table_->expire(rig_.turn.tsc, 50 * StageRig::kMs, out_);
  EXPECT_TRUE(out_.empty());
  rig_.advance_ms(1);
  table_->expire(rig_.turn.tsc, 50 * StageRig::kMs, out_);
  EXPECT_EQ(numbers(out_), (std::vector<std::uint64_t>{11}));
  rig_.advance_ms(30);
  table_->expire(rig_.turn.tsc, 50 * StageRig::kMs, out_);
  EXPECT_EQ(numbers(out_), (std::vector<std::uint64_t>{12}));
}

TEST_F(HoldTable, ASignerThatTimedOutIsTold) {
  hold(1);
  EXPECT_EQ(punts().size(), 1U);
  rig_.advance_ms(50);
  table_->expire(rig_.turn.tsc, 50 * StageRig::kMs, out_);
  numbers(out_);
  hold(1);
  EXPECT_EQ(punts().size(), 1U);
}

TEST_F(HoldTable, AnUntoldSignerThatTimedOutIsForgotten) {
  hold(1);
  table_->expire(rig_.turn.tsc, 0, out_);
  EXPECT_EQ(numbers(out_).size(), 1U);
  EXPECT_TRUE(punts().empty());
}

TEST_F(HoldTable, MetersNewSignersPerLink) {
  unsigned held = 0;
  for (std::uint16_t tag = 1; tag <= 40; ++tag) held += hold(tag, 0, 0, 20) == Outcome::kHeld;
  EXPECT_EQ(held, 20U);
  EXPECT_EQ(hold(99, 0, 0, 20), Outcome::kCertificateRate);
  EXPECT_EQ(hold(99, 1, 0, 20), Outcome::kHeld);  // another link
  EXPECT_EQ(hold(5, 0, 0, 20), Outcome::kHeld);   // a signer that is here already
  rig_.advance_ms(50);
  EXPECT_EQ(hold(98, 0, 0, 20), Outcome::kHeld);
  EXPECT_EQ(hold(97, 0, 0, 20), Outcome::kCertificateRate);
}

TEST_F(HoldTable, ALinkWithoutCertificatesBringsNoNewSigner) {
  EXPECT_EQ(hold(1, 0, 0, 0), Outcome::kCertificateRate);
}

TEST_F(HoldTable, IsBoundedPerSignerPerLinkAndInAll) {
  for (std::size_t n = 0; n < Table::kMaxMessagesPerSigner; ++n) {
    EXPECT_EQ(hold(1), Outcome::kHeld);
  }
  EXPECT_EQ(hold(1), Outcome::kFull);
  for (std::size_t n = table_->packets(); n < Table::kMaxPacketsPerLink; ++n) {
    EXPECT_EQ(hold(2), Outcome::kHeld);
  }
  EXPECT_EQ(hold(3), Outcome::kFull);
  for (std::uint16_t link = 1; link < 4; ++link) {
    for (std::size_t n = 0; n < Table::kMaxPacketsPerLink; ++n) {
      EXPECT_EQ(hold(static_cast<std::uint16_t>(link * 10 + n / 64), link), Outcome::kHeld);
    }
  }
  EXPECT_EQ(table_->packets(), Table::kMaxPackets);
  EXPECT_EQ(hold(999, 5), Outcome::kFull);
}

TEST_F(HoldTable, KeepsNoMoreSignersThanItHasGroups) {
  for (std::uint16_t tag = 1; tag <= Table::kMaxSigners; ++tag) {
    EXPECT_EQ(hold(tag, tag % 4), Outcome::kHeld);
  }
  EXPECT_EQ(hold(999), Outcome::kFull);
  EXPECT_EQ(hold(7), Outcome::kHeld);
}

TEST_F(HoldTable, KeepsNoPointerIntoTheSignerTable) {
  const dataplane::SignerEntry entry;
  rte_mbuf* const mbuf = rig_.packet(Bytes(100));
  context_of(mbuf).piece_count = 0;
  context_of(mbuf).signer = &entry;
  ASSERT_EQ(table_->hold(key(1), mbuf, 5, rig_.turn.tsc), Outcome::kHeld);
  EXPECT_EQ(context_of(mbuf).signer, nullptr);
}

}  // namespace
