// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/link_framing.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <vector>

#include "tests/support/hex_vector.h"

namespace {

using namespace wire::reload;
using tests::from_hex;

TEST(LinkFraming, ADataFrameHasEightBytesBeforeItsMessage) {  // C-02
  std::vector<std::byte> frame(kDataFrameOverhead);
  write_data_frame_header(0x01020304, 0x000003, frame);
  EXPECT_EQ(frame, from_hex("80 01020304 000003"));
  frame.insert(frame.end(), {std::byte{7}, std::byte{8}, std::byte{9}});
  Frame read;
  ASSERT_TRUE(parse_frame(frame, read).ok());
  EXPECT_FALSE(read.is_ack);
  EXPECT_EQ(read.sequence, 0x01020304U);
  EXPECT_EQ(read.message.data(), frame.data() + 8);
  EXPECT_EQ(read.message.size(), 3U);
}

TEST(LinkFraming, AnAckHasNineBytes) {  // C-03
  std::vector<std::byte> frame(kAckFrameBytes);
  write_ack_frame(0xfffefdfc, 0x80000002, frame);
  EXPECT_EQ(frame, from_hex("81 fffefdfc 80000002"));
  Frame read;
  ASSERT_TRUE(parse_frame(frame, read).ok());
  EXPECT_TRUE(read.is_ack);
  EXPECT_EQ(read.sequence, 0xfffefdfcU);
  EXPECT_EQ(read.received, 0x80000002U);
  EXPECT_TRUE(read.message.empty());
}

TEST(LinkFraming, TheLargestMessageHasALengthOf24Bits) {
  std::vector<std::byte> frame(kDataFrameOverhead + kMaxFramedMessageBytes);
  write_data_frame_header(1, kMaxFramedMessageBytes, frame);
  Frame read;
  ASSERT_TRUE(parse_frame(frame, read).ok());
  EXPECT_EQ(read.message.size(), kMaxFramedMessageBytes);
}

TEST(AckWindow, TheFirstFrameAcksNothingElse) {
  AckWindow window;
  EXPECT_EQ(window.note(0), 0U);
  EXPECT_FALSE(window.was_duplicate());
}

TEST(AckWindow, BitNMinusMStandsForFrameM) {  // C-07, X-02
  AckWindow window;
  (void)window.note(10);
  (void)window.note(11);
  EXPECT_EQ(window.note(13), 1U << 2 | 1U << 3);  // 11 and 10; 12 is missing
  EXPECT_EQ(window.note(12), 1U << 1 | 1U << 2);  // 11 and 10; 13 is not before 12
  EXPECT_EQ(window.note(14), 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4);
}

TEST(AckWindow, BitZeroIsNeverSetAndBit31IsTheOldest) {  // C-06, X-02
  AckWindow window;
  for (std::uint32_t sequence = 0; sequence < 100; ++sequence) {
    const std::uint32_t mask = window.note(sequence);
    EXPECT_EQ(mask & 1U, 0U);
    if (sequence >= 31) {
      EXPECT_EQ(mask, 0xfffffffeU) << sequence;
    }
  }
}

TEST(AckWindow, ASecondCopyIsADuplicateAndAckedTheSameWay) {
  AckWindow window;
  (void)window.note(5);
  const std::uint32_t first = window.note(6);
  EXPECT_FALSE(window.was_duplicate());
  EXPECT_EQ(window.note(6), first);
  EXPECT_TRUE(window.was_duplicate());
  (void)window.note(5);
  EXPECT_TRUE(window.was_duplicate());
  (void)window.note(7);
  EXPECT_FALSE(window.was_duplicate());
}

TEST(AckWindow, NumbersGoOnFrom0After2To32Minus1) {
  AckWindow window;
  (void)window.note(0xfffffffe);
  EXPECT_EQ(window.note(0xffffffff), 1U << 1);
  EXPECT_EQ(window.note(0), 1U << 1 | 1U << 2);
  EXPECT_FALSE(window.was_duplicate());
  EXPECT_EQ(window.note(2), 1U << 2 | 1U << 3 | 1U << 4);
  (void)window.note(0xffffffff);
  EXPECT_TRUE(window.was_duplicate());
}

TEST(AckWindow, AJumpAheadForgetsWhatLies32Behind) {
  AckWindow window;
  (void)window.note(1);
  EXPECT_EQ(window.note(1000000), 0U);
  EXPECT_EQ(window.note(1000031), 1U << 31);
  EXPECT_EQ(window.note(1000063), 0U);  // 1000031 is 32 behind
}

TEST(AckWindow, ANumberFarBehindMeansThePeerStartedOver) {
  AckWindow window;
  for (std::uint32_t sequence = 4999; sequence <= 5000; ++sequence) (void)window.note(sequence);
  EXPECT_EQ(window.note(0), 0U);
  EXPECT_FALSE(window.was_duplicate());
  EXPECT_EQ(window.note(1), 1U << 1);
  EXPECT_FALSE(window.was_duplicate());
}

TEST(AckWindow, ANumberALittleBehindIsLateAndChangesNothingElse) {
  AckWindow window;
  (void)window.note(2000);
  EXPECT_EQ(window.note(2000 - AckWindow::kRestartGap), 0U);
  EXPECT_FALSE(window.was_duplicate());
  EXPECT_EQ(window.note(2001), 1U << 1);
}

TEST(AckWindow, AResetForgetsEverything) {
  AckWindow window;
  (void)window.note(7);
  window.reset();
  EXPECT_EQ(window.note(7), 0U);
  EXPECT_FALSE(window.was_duplicate());
}

TEST(AckWindow, AgreesWithASetOfAllNumbersEverSeen) {
  std::mt19937 random(6940);
  AckWindow window;
  std::set<std::uint32_t> seen;
  std::uint32_t newest = 0xffffff00;  // wraps early on
  for (int i = 0; i < 20000; ++i) {
    const std::uint32_t sequence = newest + 3 - static_cast<std::uint32_t>(random() % 36);
    const std::uint32_t mask = window.note(sequence);
    EXPECT_EQ(window.was_duplicate(), !seen.insert(sequence).second) << sequence;
    if (sequence - newest < 0x80000000U) newest = sequence;
    for (std::uint32_t back = 1; back < 32; ++back) {
      // A late frame's mask reaches at most 63 behind the newest one.
      if (newest - (sequence - back) > 63) continue;
      EXPECT_EQ((mask >> back & 1U) != 0, seen.contains(sequence - back))
          << sequence << ' ' << back;
    }
  }
}

}  // namespace
