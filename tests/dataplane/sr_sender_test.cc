// SPDX-License-Identifier: Apache-2.0
#include "dataplane/sr_sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "wire/reload/link_framing.h"

namespace dataplane {
namespace {

using AckKind = SrSender::AckKind;
using Action = SrSender::Lost::Action;

constexpr std::uint64_t kStart = 1'000'000;

/// Sends @p count messages at @p now.
void send_many(SrSender& sender, unsigned count, std::uint64_t now, bool reliable = true) {
  for (unsigned i = 0; i < count; ++i) {
    ASSERT_TRUE(sender.can_send(now));
    (void)sender.send(now, reliable);
  }
}

AckKind ack(SrSender& sender, std::uint32_t sequence, std::uint64_t now, std::uint32_t mask = 0) {
  SrSender::Completed completed;
  return sender.acknowledge(sequence, mask, now, completed);
}

/// Turns a sender's timers as housekeeping does and collects what it sends again.
struct Resent {
  std::uint64_t at;
  std::uint32_t sequence;
};
std::vector<Resent> run_timers(SrSender& sender, std::uint64_t from, std::uint64_t to,
                               unsigned* given_up = nullptr) {
  std::vector<Resent> resent;
  for (std::uint64_t now = from; now <= to; now += 1000) {
    sender.check_timers(now);
    for (auto lost = sender.next_lost(now); lost.action != Action::kNone;
         lost = sender.next_lost(now)) {
      if (lost.action == Action::kRetransmit) resent.push_back({now, lost.sequence});
      if (lost.action == Action::kGiveUp && given_up != nullptr) ++*given_up;
    }
  }
  return resent;
}

TEST(SrSender, NumbersStartAtZeroAndRiseByOneRetransmissionsIncluded) {  // C-04
  SrSender sender;
  EXPECT_EQ(sender.send(kStart, true), 0U);
  EXPECT_EQ(sender.send(kStart, true), 1U);
  const auto resent = run_timers(sender, kStart, kStart + 501'000);
  ASSERT_FALSE(resent.empty());
  EXPECT_EQ(resent[0].sequence, 2U);
  EXPECT_EQ(sender.next(), 2U + resent.size());
}

TEST(SrSender, AnAckForANumberNeverSentIsRefusedAndChangesNothing) {
  SrSender sender;
  EXPECT_EQ(ack(sender, 0, kStart), AckKind::kNeverSent);
  send_many(sender, 3, kStart);
  for (const std::uint32_t never : {3U, 4U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    EXPECT_EQ(ack(sender, never, kStart, ~0U), AckKind::kNeverSent) << never;
  }
  EXPECT_EQ(sender.in_flight(), 3U);
  EXPECT_FALSE(sender.ever_acknowledged());
}

TEST(SrSender, AnAckReleasesExactlyTheMessageItNames) {
  SrSender sender;
  send_many(sender, 3, kStart);
  SrSender::Completed completed;
  EXPECT_EQ(sender.acknowledge(1, 0, kStart + 100, completed), AckKind::kNew);
  ASSERT_EQ(completed.count, 1U);
  EXPECT_EQ(completed.slots[0], 1U);
  EXPECT_EQ(sender.acknowledge(1, 0, kStart + 200, completed), AckKind::kOld);
  EXPECT_EQ(completed.count, 0U);
  EXPECT_EQ(sender.in_flight(), 2U);
}

TEST(SrSender, BitsOfTheMaskStandInForAcksThatWereLost) {  // C-08, X-02
  SrSender sender;
  send_many(sender, 8, kStart);
  SrSender::Completed completed;
  // 0, 1, 3 and 6 arrived before 7; bit N-M counted from the least significant.
  const std::uint32_t mask = 1U << 7U | 1U << 6U | 1U << 4U | 1U << 1U;
  EXPECT_EQ(sender.acknowledge(7, mask, kStart + 100, completed), AckKind::kNew);
  std::set<std::uint32_t> slots(completed.slots.begin(), completed.slots.begin() + completed.count);
  EXPECT_EQ(slots, (std::set<std::uint32_t>{0, 1, 3, 6, 7}));
}

TEST(SrSender, MaskBitsForNumbersNeverSentAreIgnored) {
  SrSender sender;
  send_many(sender, 2, kStart);
  SrSender::Completed completed;
  EXPECT_EQ(sender.acknowledge(1, ~0U, kStart + 100, completed), AckKind::kNew);
  EXPECT_EQ(completed.count, 2U);
  EXPECT_EQ(sender.in_flight(), 0U);
}

TEST(SrSender, TheRetransmissionTimeoutFollowsRfc6298InWholeMilliseconds) {  // C-14
  SrSender sender;
  EXPECT_EQ(sender.rto_us(), 500'000U);  // C-13
  send_many(sender, 2, kStart);
  (void)ack(sender, 0, kStart + 400'000);
  EXPECT_EQ(sender.srtt_us(), 400'000U);
  EXPECT_EQ(sender.rttvar_us(), 200'000U);
  EXPECT_EQ(sender.rto_us(), 1'200'000U);
  (void)ack(sender, 1, kStart + 400'100);
  EXPECT_EQ(sender.srtt_us(), 400'012U);
  EXPECT_EQ(sender.rttvar_us(), 150'025U);
  EXPECT_EQ(sender.rto_us() % 1000, 0U);
  EXPECT_EQ(sender.rto_us(), 1'001'000U);
}

TEST(SrSender, TheRetransmissionTimeoutHasAFloor) {
  SrSender sender;
  for (unsigned i = 0; i < 100; ++i) {
    (void)sender.send(kStart + i * 1000, true);
    (void)ack(sender, i, kStart + i * 1000 + 50);
  }
  EXPECT_EQ(sender.rto_us(), SrSender::kMinRtoUs);
  EXPECT_NEAR(sender.srtt_us(), 50, 2);
}

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

TEST(SrSender, ThreeLaterArrivalsMakeAMessageLostTwoDoNot) {
  SrSender sender;
  send_many(sender, 5, kStart);
  (void)ack(sender, 1, kStart + 100);
  (void)ack(sender, 2, kStart + 100);
  EXPECT_FALSE(sender.has_lost());
  (void)ack(sender, 3, kStart + 100);
  EXPECT_TRUE(sender.has_lost());
  const auto lost = sender.next_lost(kStart + 110);
  EXPECT_EQ(lost.action, Action::kRetransmit);
  EXPECT_EQ(lost.from_slot, 0U);
  EXPECT_EQ(lost.sequence, 5U);
  EXPECT_EQ(sender.next_lost(kStart + 110).action, Action::kNone);
}

TEST(SrSender, OneLaterArrivalMakesAnOverdueMessageLost) {  // RFC 9002 section 6.1.2
  SrSender sender;
  send_many(sender, 1, kStart);
  (void)ack(sender, 0, kStart + 4000);  // overdue after 4 + 4 * 2 ms
  const std::uint64_t now = kStart + 10'000;
  send_many(sender, 2, now);
  (void)ack(sender, 2, now + 4000);  // and now after a little less
  sender.check_timers(now + 5000);
  EXPECT_FALSE(sender.has_lost());
  EXPECT_LE(sender.next_check_us(), now + 12'000);
  sender.check_timers(now + 12'000);
  EXPECT_TRUE(sender.has_lost());
  EXPECT_EQ(sender.cwnd(), 5U) << "halved, as for any loss that a later ack shows";
}

TEST(SrSender, AnAckOfAnEarlierTransmissionCompletesTheMessage) {  // C-17
  SrSender sender;
  send_many(sender, 4, kStart);
  for (const std::uint32_t arrived : {1U, 2U, 3U}) (void)ack(sender, arrived, kStart + 100);
  const auto lost = sender.next_lost(kStart + 110);
  ASSERT_EQ(lost.sequence, 4U);
  SrSender::Completed completed;
  EXPECT_EQ(sender.acknowledge(0, 0, kStart + 300, completed), AckKind::kNew);  // only delayed
  ASSERT_EQ(completed.count, 1U);
  EXPECT_EQ(completed.slots[0], SrSender::slot_of(4));
  EXPECT_EQ(sender.acknowledge(4, 0, kStart + 400, completed), AckKind::kOld);
  EXPECT_EQ(sender.in_flight(), 0U);
}

TEST(SrSender, TheWindowDoublesPerRoundTripUntilALossHalvesItOnce) {
  SrSender sender;
  EXPECT_EQ(sender.cwnd(), 10U);
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (const std::uint32_t expected : {20U, 40U, 80U}) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    now += 1000;
    while (acked != sender.next()) (void)ack(sender, acked++, now);
    EXPECT_EQ(sender.cwnd(), expected);
  }
  while (sender.can_send(now)) (void)sender.send(now, true);
  now += 1000;
  // Ten of eighty are lost within one round trip: one reaction.
  acked += 10;
  while (acked != sender.next()) (void)ack(sender, acked++, now);
  EXPECT_GE(sender.cwnd(), 40U);
  EXPECT_LE(sender.cwnd(), 42U);
  EXPECT_EQ(sender.in_flight(), 10U);
}

TEST(SrSender, AWindowThatIsNotUsedDoesNotGrow) {
  SrSender sender;
  for (unsigned i = 0; i < 200; ++i) {
    (void)sender.send(kStart + i * 100, true);
    (void)ack(sender, i, kStart + i * 100 + 50);
  }
  EXPECT_EQ(sender.cwnd(), 10U);
}

TEST(SrSender, ATimeoutClosesTheWindowToTwoMessages) {  // RFC 9002 section 7.2
  SrSender sender;
  send_many(sender, 10, kStart);
  const auto resent = run_timers(sender, kStart, kStart + 502'000);
  EXPECT_EQ(resent.size(), 2U);
  EXPECT_EQ(sender.cwnd(), 2U);
  EXPECT_FALSE(sender.has_room());
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

TEST(SrSender, AWindowIsSpreadOverTheRoundTrip) {  // RFC 9002 section 7.7
  constexpr std::uint32_t kRtt = 50'000;
  SrSender sender;
  std::uint64_t now = kStart;
  std::deque<std::pair<std::uint64_t, std::uint32_t>> acks;
  std::deque<std::uint64_t> sent_at;
  unsigned most_in_2_ms = 0;
  for (; now < kStart + 600'000; now += 100) {
    while (!acks.empty() && acks.front().first <= now) {
      (void)ack(sender, acks.front().second, now);
      acks.pop_front();
    }
    while (sender.can_send(now)) {
      acks.emplace_back(now + kRtt, sender.send(now, true));
      sent_at.push_back(now);
    }
    while (!sent_at.empty() && sent_at.front() + 2000 < now) sent_at.pop_front();
    if (sender.cwnd() < 300) {
      most_in_2_ms = std::max(most_in_2_ms, static_cast<unsigned>(sent_at.size()));
    }
  }
  EXPECT_GE(sender.cwnd(), 400U) << "who waits for pacing uses the window, so it grows";
  // 1.25 windows a round trip are 15 in 2 ms, and there is a burst at the start.
  EXPECT_LE(most_in_2_ms, 15 + SrSender::kPaceBurst);
  EXPECT_GE(most_in_2_ms, 12U);
}

TEST(SrSender, PacingForfeitsWhatALongPauseWouldEarn) {
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (unsigned round = 0; round < 4; ++round) {
    const std::uint64_t end = now + 100'000;
    for (; now < end; now += 100) {
      while (sender.can_send(now)) (void)sender.send(now, true);
    }
    while (acked != sender.next()) (void)ack(sender, acked++, now);
  }
  ASSERT_GE(sender.cwnd(), 100U);
  unsigned burst = 0;
  now += 100'000;  // less than an RTO: the window stays
  for (; sender.can_send(now); ++burst) (void)sender.send(now, true);
  EXPECT_EQ(burst, SrSender::kPaceBurst);
  EXPECT_TRUE(sender.has_room());
  EXPECT_TRUE(sender.waits_for_pace());
}

TEST(SrSender, AShortRoundTripIsNotPaced) {
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (unsigned round = 0; round < 4; ++round) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    EXPECT_EQ(sender.in_flight(), sender.cwnd());
    EXPECT_FALSE(sender.waits_for_pace());
    now += SrSender::kPacedFromUs - 1;
    while (acked != sender.next()) (void)ack(sender, acked++, now);
  }
}

TEST(SrSender, RetransmissionsArePacedToo) {
  SrSender sender;
  std::uint64_t now = kStart;
  send_many(sender, 10, now);
  now += 100'000;
  for (std::uint32_t i = 0; i < 10; ++i) (void)ack(sender, i, now);
  for (const std::uint64_t end = now + 100'000; now < end; now += 500) {
    while (sender.can_send(now)) (void)sender.send(now, true);
  }
  ASSERT_EQ(sender.in_flight(), 20U);
  (void)ack(sender, 29, now);
  ASSERT_TRUE(sender.has_lost());
  unsigned resent = 0;
  while (sender.next_lost(now).action == Action::kRetransmit) ++resent;
  EXPECT_LE(resent, SrSender::kPaceBurst + 1);
}

TEST(SrSender, AnIdleLinkStartsWithTheInitialWindow) {  // RFC 5681 section 4.1
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (unsigned round = 0; round < 3; ++round) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    now += 500;
    while (acked != sender.next()) (void)ack(sender, acked++, now);
  }
  ASSERT_EQ(sender.cwnd(), 80U);
  now += sender.rto_us() + 1000;
  (void)sender.send(now, true);
  EXPECT_EQ(sender.cwnd(), SrSender::kInitialCwnd);
}

TEST(SrSender, AcksThatWaitedForAStoppedWorkerAreNotMeasured) {
  SrSender sender;
  sender.check_timers(kStart);
  send_many(sender, 1, kStart);
  (void)ack(sender, 0, kStart + 100);
  send_many(sender, 6, kStart + 200);
  (void)ack(sender, 1, kStart + 3'000'000);  // read before the timers of the same turn
  sender.check_timers(kStart + 3'000'000);
  (void)ack(sender, 2, kStart + 3'000'050);  // and in the turn after
  EXPECT_EQ(sender.srtt_us(), 100U);
  EXPECT_EQ(sender.rto_us(), SrSender::kMinRtoUs);
  EXPECT_EQ(sender.in_flight(), 4U);
  (void)sender.send(kStart + 3'000'100, true);
  (void)ack(sender, 7, kStart + 3'000'200);
  EXPECT_EQ(sender.srtt_us(), 100U);
}

TEST(SrSender, ReorderingOnceSeenIsNoLongerTakenForLoss) {  // RFC 9002 section 6.1.1
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  for (unsigned round = 0; round < 2; ++round) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    now += 500;
    while (acked != sender.next()) (void)ack(sender, acked++, now);
  }
  ASSERT_EQ(sender.cwnd(), 40U);
  const std::uint32_t first = sender.next();
  send_many(sender, 30, now);
  for (std::uint32_t i = 1; i <= 8; ++i) (void)ack(sender, first + i, now + 500);
  ASSERT_TRUE(sender.has_lost());
  EXPECT_EQ(sender.cwnd(), 20U);
  EXPECT_EQ(ack(sender, first, now + 510), AckKind::kNew);  // it was only late
  EXPECT_FALSE(sender.has_lost());
  const std::uint32_t late = first + 9;
  for (std::uint32_t i = 1; i <= 8; ++i) (void)ack(sender, late + i, now + 600);
  EXPECT_FALSE(sender.has_lost()) << "eight later arrivals prove nothing on this path";
  for (std::uint32_t i = 9; i <= 12; ++i) (void)ack(sender, late + i, now + 600);
  EXPECT_TRUE(sender.has_lost()) << "more than half a window does";
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

TEST(SrSender, AFullWindowStillRetransmitsItsOldestMessage) {
  SrSender sender;
  std::uint64_t now = kStart;
  std::uint32_t acked = 0;
  while (sender.cwnd() < SrSender::kWindow) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    now += 500;
    while (acked != sender.next()) (void)ack(sender, acked++, now);
  }
  const std::uint32_t first = sender.next();
  while (sender.can_send(now)) (void)sender.send(now, true);
  now += 500;
  // All but the first arrive, and whatever is sent from now on is lost until no number is left.
  for (std::uint32_t i = first + 1; i != sender.next(); ++i) (void)ack(sender, i, now);
  for (unsigned i = 0; i < 2 && !sender.failed(); ++i) {
    while (sender.can_send(now)) (void)sender.send(now, true);
    (void)run_timers(sender, now, now + 210'000);
    now += 210'000;
  }
  EXPECT_LE(sender.next() - sender.oldest(), SrSender::kWindow);
}

/// A path with loss, delay and reordering both ways, a receiver that acks, and a sender that always
/// has something to say. Every message must end up delivered, or given up after five transmissions.
class Path {
 public:
  Path(unsigned seed, double loss, unsigned jitter_us, std::uint32_t first = 0)
      : random_(seed), loss_(loss), jitter_us_(jitter_us), sender_(first) {}

  void run(unsigned messages) {
    unsigned sent = 0;
    for (now_ = kStart; settled() < messages && now_ < kStart + 600'000'000; now_ += 200) {
      deliver();
      sender_.check_timers(now_);
      for (auto lost = sender_.next_lost(now_); lost.action != Action::kNone;
           lost = sender_.next_lost(now_)) {
        const unsigned message = move_out(lost.from_slot);
        if (lost.action == Action::kGiveUp) {
          given_up_.insert(message);
        } else {
          transmit(message, lost.sequence);
        }
      }
      while (sent < messages && sender_.can_send(now_)) transmit(sent++, sender_.send(now_, true));
      ASSERT_LE(sender_.in_flight(), kept_.size());
      ASSERT_EQ(sender_.in_flight(), kept_.size()) << "a slot leaks or is released twice";
    }
  }
  [[nodiscard]] std::size_t settled() const { return completed_.size() + given_up_.size(); }
  [[nodiscard]] const std::set<unsigned>& completed() const { return completed_; }
  [[nodiscard]] const std::set<unsigned>& arrived() const { return arrived_; }
  [[nodiscard]] const std::set<unsigned>& given_up() const { return given_up_; }
  [[nodiscard]] unsigned most_transmissions() const {
    unsigned most = 0;
    for (const auto& [message, times] : transmissions_) most = std::max(most, times);
    return most;
  }
  [[nodiscard]] const SrSender& sender() const { return sender_; }
  [[nodiscard]] std::uint64_t now() const { return now_; }

 private:
  struct Flying {
    std::uint32_t sequence;
    std::uint32_t mask;
    unsigned message;
    bool is_ack;
  };
  void fly(const Flying& flying) {
    if (std::uniform_real_distribution<>(0, 1)(random_) < loss_) return;
    const unsigned jitter = std::uniform_int_distribution<unsigned>(0, jitter_us_)(random_);
    air_.emplace(now_ + 1000 + jitter, flying);
  }
  void transmit(unsigned message, std::uint32_t sequence) {
    kept_[SrSender::slot_of(sequence)] = message;
    ++transmissions_[message];
    fly({sequence, 0, message, false});
  }
  unsigned move_out(std::uint32_t slot) {
    const unsigned message = kept_.at(slot);
    kept_.erase(slot);
    return message;
  }
  void deliver() {
    while (!air_.empty() && air_.begin()->first <= now_) {
      const Flying flying = air_.begin()->second;
      air_.erase(air_.begin());
      if (!flying.is_ack) {
        arrived_.insert(flying.message);
        fly({flying.sequence, window_.note(flying.sequence), 0, true});
        continue;
      }
      SrSender::Completed completed;
      ASSERT_NE(sender_.acknowledge(flying.sequence, flying.mask, now_, completed),
                AckKind::kNeverSent);
      for (std::uint32_t i = 0; i < completed.count; ++i) {
        completed_.insert(move_out(completed.slots[i]));
      }
    }
  }

  std::mt19937 random_;
  double loss_;
  unsigned jitter_us_;
  std::uint64_t now_ = 0;
  SrSender sender_;
  wire::reload::AckWindow window_;
  std::multimap<std::uint64_t, Flying> air_;
  std::map<std::uint32_t, unsigned> kept_;
  std::map<unsigned, unsigned> transmissions_;
  std::set<unsigned> completed_, arrived_, given_up_;
};

TEST(SrSender, ACleanPathNeedsNoRetransmission) {
  Path path(1, 0, 0);
  path.run(3000);
  EXPECT_EQ(path.completed().size(), 3000U);
  EXPECT_EQ(path.most_transmissions(), 1U);
  EXPECT_EQ(path.sender().cwnd(), SrSender::kWindow);
}

TEST(SrSender, EveryMessageArrivesOverALossyReorderingPath) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Path path(seed, 0.05, 3000);
    path.run(2000);
    ASSERT_EQ(path.settled(), 2000U) << "seed " << seed;
    EXPECT_EQ(path.given_up().size(), 0U) << "seed " << seed;
    EXPECT_EQ(path.arrived().size(), 2000U) << "seed " << seed;
    EXPECT_LE(path.most_transmissions(), SrSender::kMaxTransmissions) << "seed " << seed;
  }
}

TEST(SrSender, WhatIsCompletedHasArrivedEvenWhenAThirdOfAllFramesIsLost) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    Path path(seed, 0.33, 2000);
    path.run(300);
    ASSERT_EQ(path.settled(), 300U) << "seed " << seed;
    for (const unsigned message : path.completed()) EXPECT_TRUE(path.arrived().contains(message));
    EXPECT_FALSE(path.completed().empty());
  }
}

TEST(SrSender, SequenceNumbersWrapWithoutNotice) {
  Path path(7, 0.05, 3000, 0xfffffc00U);
  path.run(3000);
  EXPECT_EQ(path.arrived().size(), 3000U);
  EXPECT_LT(path.sender().next(), 0x80000000U) << "the numbers did wrap";
}

}  // namespace
}  // namespace dataplane
