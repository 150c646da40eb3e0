// SPDX-License-Identifier: Apache-2.0
// A sender that hears nothing: repeated transmissions, failure, death, and the way back.

#include "tests/dataplane/sr_sender_steps.h"

namespace dataplane {
namespace {

TEST(SrSender, ALonelyMessageGoesOutFiveTimesAtDoubledDistances) {  // C-16, C-17
  SrSender sender;
  (void)sender.send(kStart, true);
  const auto resent = run_timers(sender, kStart, kStart + 7'600'000);
  ASSERT_EQ(resent.size(), 4U);
  const std::uint64_t expected[] = {500'000, 1'500'000, 3'500'000, 7'500'000};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(static_cast<double>(resent[i].at - kStart), static_cast<double>(expected[i]),
                5000.0);
  }
}

TEST(SrSender, TheThirdRetransmissionIntoSilenceDeclaresTheLinkFailed) {  // C-19
  SrSender sender;
  send_many(sender, 5, kStart);
  unsigned given_up = 0;
  (void)run_timers(sender, kStart, kStart + 1'600'000, &given_up);
  EXPECT_FALSE(sender.failed());
  EXPECT_FALSE(sender.take_failure());
  (void)run_timers(sender, kStart + 1'601'000, kStart + 3'600'000, &given_up);
  EXPECT_TRUE(sender.failed());
  EXPECT_TRUE(sender.take_failure());
  EXPECT_FALSE(sender.take_failure()) << "told once";
  EXPECT_FALSE(sender.has_room());
  EXPECT_EQ(given_up, 0U) << "each message has five transmissions (C-17)";
  EXPECT_EQ(sender.in_flight(), 5U);
  EXPECT_FALSE(sender.dead());
}

TEST(SrSender, AFailedLinkThatHearsAnAckHasLostNoMessage) {
  SrSender sender;
  send_many(sender, 5, kStart);
  unsigned given_up = 0;
  std::uint64_t now = kStart + 3'600'000;
  const auto silent = run_timers(sender, kStart, now, &given_up);
  ASSERT_TRUE(sender.failed());
  EXPECT_EQ(ack(sender, silent.back().sequence, now), AckKind::kRecovered);
  for (const std::uint64_t end = now + 5'000'000; sender.in_flight() != 0 && now < end;) {
    now += 1000;
    for (const Resent& resent : run_timers(sender, now, now, &given_up)) {
      (void)ack(sender, resent.sequence, now);
    }
  }
  EXPECT_EQ(sender.in_flight(), 0U);
  EXPECT_EQ(given_up, 0U);
  EXPECT_FALSE(sender.take_death());
}

TEST(SrSender, AFailedLinkIsDeadAfterTheTimeOfAllTransmissionsOfAMessage) {  // C-18
  SrSender sender;
  send_many(sender, 5, kStart);
  unsigned given_up = 0;
  (void)run_timers(sender, kStart, kStart + 15'400'000, &given_up);
  EXPECT_FALSE(sender.dead());
  EXPECT_EQ(given_up, 0U);
  (void)run_timers(sender, kStart + 15'401'000, kStart + 15'600'000, &given_up);
  EXPECT_TRUE(sender.dead());
  EXPECT_TRUE(sender.take_death());
  EXPECT_FALSE(sender.take_death()) << "told once";
  EXPECT_EQ(given_up, 4U) << "a dead link lets go of all but its probe";
  EXPECT_EQ(sender.in_flight(), 1U);
}

TEST(SrSender, ADeadLinkKeepsProbingAndReturnsWithTheFirstAck) {
  SrSender sender;
  send_many(sender, 3, kStart);
  (void)run_timers(sender, kStart, kStart + 16'000'000);
  ASSERT_TRUE(sender.dead());
  const auto probes = run_timers(sender, kStart + 16'001'000, kStart + 26'000'000);
  EXPECT_GE(probes.size(), 9U);
  EXPECT_LE(probes.size(), 11U);
  EXPECT_EQ(ack(sender, probes.back().sequence, kStart + 26'000'000), AckKind::kRecovered);
  EXPECT_FALSE(sender.failed());
  EXPECT_FALSE(sender.dead());
  EXPECT_TRUE(sender.has_room());
  EXPECT_EQ(sender.in_flight(), 0U);
  EXPECT_LE(sender.cwnd(), SrSender::kMinCwnd + 1) << "the window starts over";
}

TEST(SrSender, ALinkThatRetransmitsNothingFailsAllTheSameAndMayProbeWithNewMessages) {
  SrSender sender;
  unsigned given_up = 0;
  std::uint64_t now = kStart;
  for (; now < kStart + 20'000'000 && !sender.dead(); now += 100'000) {
    if (sender.can_send(now)) (void)sender.send(now, false);
    EXPECT_TRUE(run_timers(sender, now, now + 99'000, &given_up).empty());
  }
  EXPECT_TRUE(sender.take_failure());
  EXPECT_TRUE(sender.dead());
  EXPECT_GT(given_up, 0U);
  EXPECT_FALSE(sender.has_room());
  EXPECT_TRUE(sender.can_probe(now + SrSender::kProbeIntervalUs));
  const std::uint32_t probe = sender.send(now + SrSender::kProbeIntervalUs, false);
  EXPECT_FALSE(sender.can_probe(now + 3 * SrSender::kProbeIntervalUs)) << "one at a time";
  EXPECT_EQ(ack(sender, probe, now + SrSender::kProbeIntervalUs + 50), AckKind::kRecovered);
}

TEST(SrSender, LossesThatLaterAcksShowNeverMakeALinkFail) {
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (unsigned round = 0; round < 200; ++round) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    now += 2000;
    // Every third frame is lost, retransmissions too.
    for (const std::uint32_t end = sender.next(); acked != end; ++acked) {
      if (acked % 3 != 0) (void)ack(sender, acked, now);
    }
    (void)run_timers(sender, now, now);
    ASSERT_FALSE(sender.failed()) << round;
  }
}

TEST(SrSender, AWorkerThatWasStoppedReadsItsAcksBeforeItCallsAnythingLost) {
  SrSender sender;
  sender.check_timers(kStart);
  send_many(sender, 5, kStart);
  sender.check_timers(kStart + 1000);
  sender.check_timers(kStart + 3'000'000);
  EXPECT_FALSE(sender.has_lost());
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_EQ(ack(sender, i, kStart + 3'000'100), AckKind::kNew);
  EXPECT_EQ(sender.in_flight(), 0U);
}

TEST(SrSender, InSilenceEachFurtherMessageWaitsTwiceAsLong) {  // RFC 6298 section 5.5, RFC 8085
  SrSender sender;
  send_many(sender, 5, kStart);
  const auto resent = run_timers(sender, kStart, kStart + 3'600'000);
  ASSERT_EQ(resent.size(), 6U);
  const std::uint64_t expected[] = {500'000, 500'000, 1'500'000, 1'500'000, 3'500'000, 3'500'000};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(static_cast<double>(resent[i].at - kStart), static_cast<double>(expected[i]),
                5000.0);
  }
  EXPECT_TRUE(sender.failed());
}

TEST(SrSender, MessagesThatWaitSideBySideDoNotMakeALinkFailSooner) {  // C-19
  SrSender sender;
  send_many(sender, 1, kStart);
  (void)run_timers(sender, kStart, kStart + 501'000);
  ASSERT_EQ(sender.cwnd(), SrSender::kMinCwnd);
  send_many(sender, 1, kStart + 600'000);  // its timer ends between those of the first
  const auto resent = run_timers(sender, kStart + 600'000, kStart + 3'450'000);
  EXPECT_EQ(resent.size(), 2U);
  EXPECT_FALSE(sender.failed());
  (void)run_timers(sender, kStart + 3'451'000, kStart + 3'600'000);
  EXPECT_TRUE(sender.failed());
}

TEST(SrSender, AfterSilenceTheFirstAckMakesWaitsShortAgain) {
  SrSender sender;
  send_many(sender, 3, kStart);
  const auto silent = run_timers(sender, kStart, kStart + 1'510'000);
  ASSERT_EQ(silent.size(), 4U);
  const std::uint64_t now = kStart + 1'520'000;
  ASSERT_EQ(ack(sender, silent[3].sequence, now), AckKind::kNew);
  EXPECT_LE(sender.next_check_us(), now + sender.rto_us());
}

TEST(SrSender, NoWaitIsLongerThanAMinute) {  // RFC 6298 section 5.5
  SrSender sender;
  (void)sender.send(kStart, true);
  std::uint64_t now = kStart + 25'000'000;
  EXPECT_EQ(ack(sender, 0, now), AckKind::kNew);
  EXPECT_EQ(sender.rto_us(), SrSender::kMaxRtoUs);
  (void)sender.send(now, true);
  for (unsigned i = 0; i < 3; ++i) {
    const auto resent = run_timers(sender, now, now + 60'100'000);
    ASSERT_EQ(resent.size(), 1U) << i;
    now = resent[0].at;
  }
}

TEST(SrSender, AnAckFromLongAgoIsNoSignOfLife) {
  SrSender sender;
  std::uint64_t now = kStart;
  for (std::uint32_t i = 0; i < 2 * SrSender::kWindow; ++i, now += 100) {
    (void)sender.send(now, true);
    (void)ack(sender, i, now + 50);
  }
  send_many(sender, 3, now);
  (void)run_timers(sender, now, now + 3'000'000);
  ASSERT_TRUE(sender.failed());
  EXPECT_EQ(ack(sender, 5, now + 3'000'000), AckKind::kOld);
  EXPECT_TRUE(sender.failed());
}

}  // namespace
}  // namespace dataplane
