// SPDX-License-Identifier: Apache-2.0
// How much a sender has in flight, and at what pace.

#include <deque>

#include "tests/dataplane/sr_sender_steps.h"

namespace dataplane {
namespace {

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

}  // namespace
}  // namespace dataplane
