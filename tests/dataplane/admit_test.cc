// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/admit.h"

#include <gtest/gtest.h>

#include "dataplane/stages/parse.h"
#include "tests/support/stage_rig.h"
#include "wire/reload/forwarding_option.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using tests::burst_of;
using tests::fate;
using tests::node_at;
using wire::shm::LinkClass;
using wire::shm::VerifyPolicy;

class Admit : public ::testing::Test {
 protected:
  Admit() {
    rig_.add_link(0, node_at(100));
    rig_.add_link(1, node_at(101), LinkClass::kClient);
  }
  /// Parses and admits one message and says what became of it.
  std::string admit(const Bytes& message, std::uint16_t link = 0) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message, link)});
    run();
    return fate(burst_);
  }
  void run() {
    dataplane::parse(burst_, rig_.policy);
    ASSERT_EQ(burst_.dropped, 0U) << fate(burst_);
    dataplane::admit(burst_, rig_.policy, *rig_.links, *rig_.signers, rig_.tracer,
                     *rig_.admit_state, rig_.turn);
  }
  using StageRig = tests::StageRig;
  Bytes ping(std::uint64_t id = 1) { return rig_.ping(node_at(7), id).sign(forger_.identity); }
  void TearDown() override {
    StageRig::free(burst_);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  Burst burst_;
};

TEST_F(Admit, LetsAnOrdinaryMessagePass) { EXPECT_EQ(admit(ping()), "live"); }

TEST_F(Admit, RefusesMessagesOfAnotherOverlay) {  // B-01
  EXPECT_EQ(admit(rig_.ping(node_at(7)).overlay(OverlayHash{5}).sign(forger_.identity)),
            "wrong_overlay");
}

TEST_F(Admit, RefusesATtlAboveInitialTtlButNotOneOfZero) {  // B-33, B-35
  EXPECT_EQ(admit(rig_.ping(node_at(7), 1).ttl(101).sign(forger_.identity)), "ttl_too_large");
  EXPECT_EQ(admit(rig_.ping(node_at(7), 2).ttl(100).sign(forger_.identity)), "live");
  EXPECT_EQ(admit(rig_.ping(node_at(7), 3).ttl(0).sign(forger_.identity)), "live");
  rig_.policy.initial_ttl = 20;
  EXPECT_EQ(admit(rig_.ping(node_at(7), 4).ttl(21).sign(forger_.identity)), "ttl_too_large");
}

TEST_F(Admit, RefusesAResponseThatCarriesAnOptionFlag) {  // B-41
  std::uint64_t id = 1;
  for (const std::uint8_t flag : {kForwardCritical, kDestinationCritical, kResponseCopy}) {
    EXPECT_EQ(admit(rig_.ping(node_at(7), id++)
                        .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
                        .option(77, flag, {})
                        .sign(forger_.identity)),
              "flag_in_response");
    EXPECT_EQ(admit(rig_.ping(node_at(7), id++).option(77, flag, {}).sign(forger_.identity)),
              "live");
  }
  EXPECT_EQ(admit(rig_.ping(node_at(7), id++)
                      .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
                      .option(77, 0, {})
                      .sign(forger_.identity)),
            "live");
}

TEST_F(Admit, RefusesADestinationListThatNamesANodeTwice) {  // B-37
  EXPECT_EQ(admit(rig_.ping(node_at(7))
                      .destination(node_at(8))
                      .destination(node_at(7))
                      .sign(forger_.identity)),
            "duplicate_entry");
  const Bytes compact{std::byte{0x80}, std::byte{0x03}};
  EXPECT_EQ(admit(rig_.ping(node_at(7))
                      .destination_entry(compact)
                      .destination_entry(compact)
                      .sign(forger_.identity)),
            "live");
}

TEST_F(Admit, RefusesALinkThatIsBarredOrGone) {
  rig_.add_link(2, node_at(102), LinkClass::kBackbone, 1500, 1, true);
  EXPECT_EQ(admit(ping(), 2), "link_standing");
  EXPECT_EQ(admit(ping(), 9), "unknown_link");
  StageRig::free(burst_);
  burst_ = burst_of({rig_.packet(ping())});
  burst_.context(0).link_generation = 5;
  run();
  EXPECT_EQ(fate(burst_), "unknown_link");
}

TEST_F(Admit, LimitsEachClassOfEachLinkByItself) {
  auto& rates = rig_.policy.classes[static_cast<std::size_t>(LinkClass::kBackbone)].rate;
  rates[static_cast<std::size_t>(TrafficClass::kLiveness)] = {.per_second = 10, .burst = 2};
  std::uint64_t id = 1;
  EXPECT_EQ(admit(ping(id++)), "live");
  EXPECT_EQ(admit(ping(id++)), "live");
  EXPECT_EQ(admit(ping(id++)), "link_rate");
  // Another class of the link, and another class of link, have their own.
  EXPECT_EQ(admit(rig_.ping(node_at(7), id++)
                      .contents(MessageCode::kFindReq, Bytes(10))
                      .sign(forger_.identity)),
            "live");
  EXPECT_EQ(admit(ping(id++), 1), "live");
  rig_.advance_ms(100);
  EXPECT_EQ(admit(ping(id++)), "live");
  EXPECT_EQ(admit(ping(id++)), "link_rate");
}

TEST_F(Admit, LimitsKnownSignersWhateverLinkTheyComeOver) {
  const tests::TestSigner signer = tests::make_signer(crypto::Algorithm::kEd25519, 5);
  rig_.know(signer.record);
  rig_.policy.signer_rate = {.per_second = 10, .burst = 2};
  EXPECT_EQ(admit(rig_.ping(node_at(7), 1).sign(signer.identity), 0), "live");
  EXPECT_EQ(admit(rig_.ping(node_at(7), 2).sign(signer.identity), 1), "live");
  EXPECT_EQ(admit(rig_.ping(node_at(7), 3).sign(signer.identity), 0), "signer_rate");
  EXPECT_EQ(admit(ping(4)), "live");  // an unknown signer is metered as a certificate, by verify
  rig_.advance_ms(100);
  EXPECT_EQ(admit(rig_.ping(node_at(7), 5).sign(signer.identity), 0), "live");
}

TEST_F(Admit, LooksSignersUpOnlyWhenSomebodyAsks) {
  const tests::TestSigner signer = tests::make_signer(crypto::Algorithm::kEd25519, 5);
  rig_.know(signer.record);
  EXPECT_EQ(admit(rig_.ping(node_at(7), 1).sign(signer.identity)), "live");
  ASSERT_NE(burst_.context(0).signer, nullptr);
  EXPECT_EQ(burst_.context(0).signer->record.key, signer.record.key);
  rig_.policy.classes[0].verify = VerifyPolicy::kOff;
  EXPECT_EQ(admit(rig_.ping(node_at(7), 2).sign(signer.identity)), "live");
  EXPECT_EQ(burst_.context(0).signer, nullptr);
}

TEST_F(Admit, RefusesTheSameMessageOnTheSameLinkWithinTheWindow) {
  EXPECT_EQ(admit(ping()), "live");
  EXPECT_EQ(admit(ping()), "duplicate");
  EXPECT_EQ(admit(ping(), 1), "live");  // another link
  EXPECT_EQ(admit(ping(2)), "live");    // another transaction
  rig_.advance_ms(rig_.policy.replay_window_ms);
  EXPECT_EQ(admit(ping()), "live");
}

TEST_F(Admit, TheReplayFilterLooksThroughTtlAndLists) {
  EXPECT_EQ(admit(ping()), "live");
  EXPECT_EQ(admit(rig_.ping(node_at(8)).ttl(9).via(node_at(3)).sign(forger_.identity)),
            "duplicate");
}

TEST_F(Admit, ATamperedCopyIsNoDuplicateOfTheGoodOne) {
  Bytes tampered = ping();
  tampered[kFixedHeaderBytes + kNodeEntryBytes + 30] ^= std::byte{1};  // in the padding
  EXPECT_EQ(admit(tampered), "live");
  EXPECT_EQ(admit(ping()), "live");
}

TEST_F(Admit, AWindowOfZeroTurnsTheReplayFilterOff) {
  rig_.policy.replay_window_ms = 0;
  EXPECT_EQ(admit(ping()), "live");
  EXPECT_EQ(admit(ping()), "live");
}

TEST_F(Admit, FragmentsOfOneMessageAreNoDuplicatesOfEachOther) {
  const Bytes message = rig_.ping(node_at(7), 1, 1500).sign(forger_.identity);
  for (const Bytes& piece : fragment_message(message, 700)) EXPECT_EQ(admit(piece), "live");
  for (const Bytes& piece : fragment_message(message, 700)) EXPECT_EQ(admit(piece), "duplicate");
}

TEST_F(Admit, WhatWasRefusedForItsRateMayComeAgain) {
  auto& rates = rig_.policy.classes[0].rate;
  rates[static_cast<std::size_t>(TrafficClass::kLiveness)] = {.per_second = 10, .burst = 1};
  EXPECT_EQ(admit(ping(1)), "live");
  EXPECT_EQ(admit(ping(2)), "link_rate");
  rig_.advance_ms(100);
  EXPECT_EQ(admit(ping(2)), "live");
}

TEST_F(Admit, MarksMessagesForTheTrace) {
  rig_.trace_switch.set({.sample_one_in = 1, .zero = 0, .destination = node_at(7)});
  rig_.tracer.refresh();
  EXPECT_EQ(admit(ping(1)), "live");
  EXPECT_TRUE(burst_.context(0).traced);
  EXPECT_EQ(admit(rig_.ping(node_at(8), 2).sign(forger_.identity)), "live");
  EXPECT_FALSE(burst_.context(0).traced);
}

}  // namespace
