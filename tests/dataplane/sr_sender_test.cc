// SPDX-License-Identifier: Apache-2.0
// Numbers, acks, round trips, and which messages are lost.

#include "tests/dataplane/sr_sender_steps.h"

namespace dataplane {
namespace {

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

}  // namespace
}  // namespace dataplane
