// SPDX-License-Identifier: Apache-2.0
#include "wire/cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/support/hex_vector.h"

namespace {

using tests::from_hex;
using wire::ReadCursor;
using wire::WriteCursor;

TEST(ReadCursor, ReadsIntegersMostSignificantByteFirst) {
  const auto bytes = from_hex("01 0203 040506 0708090a 0b0c0d0e0f101112");
  ReadCursor in(bytes);
  EXPECT_EQ(in.u8(), 0x01U);
  EXPECT_EQ(in.u16(), 0x0203U);
  EXPECT_EQ(in.u24(), 0x040506U);
  EXPECT_EQ(in.u32(), 0x0708090aU);
  EXPECT_EQ(in.u64(), 0x0b0c0d0e0f101112U);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(ReadCursor, AVectorBringsItsLengthInTheFewestBytes) {
  const auto bytes = from_hex("02 aabb  0001 cc  000001 dd  00000000  ff");
  ReadCursor in(bytes);
  EXPECT_TRUE(std::ranges::equal(in.vector8(), from_hex("aabb")));
  EXPECT_TRUE(std::ranges::equal(in.vector16(), from_hex("cc")));
  EXPECT_TRUE(std::ranges::equal(in.vector24(), from_hex("dd")));
  EXPECT_TRUE(in.vector32().empty());
  EXPECT_EQ(in.rest().size(), 1U);
  EXPECT_EQ(in.since(0).size(), 14U);
}

TEST(ReadCursor, AMissingByteFailsAtTheEnd) {
  const auto bytes = from_hex("0102 03");
  ReadCursor in(bytes);
  (void)in.u16();
  EXPECT_EQ(in.u16(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.failed_at(), 3U);
}

TEST(ReadCursor, ALengthThatAsksForTooMuchFailsAtTheLength) {
  const auto bytes = from_hex("00 0003 aabb");
  ReadCursor in(bytes);
  (void)in.u8();
  EXPECT_TRUE(in.vector16().empty());
  EXPECT_EQ(in.failed_at(), 1U);
}

TEST(ReadCursor, TheFirstFailureStays) {
  const auto bytes = from_hex("05 aabb");
  ReadCursor in(bytes);
  EXPECT_TRUE(in.vector8().empty());
  EXPECT_EQ(in.u8(), 0U);
  EXPECT_TRUE(in.bytes(1).empty());
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.failed_at(), 0U);
}

TEST(ReadCursor, ALengthOfFourGigabytesIsRefusedWithoutOverflow) {
  const auto bytes = from_hex("ffffffff aabb");
  ReadCursor in(bytes);
  EXPECT_TRUE(in.vector32().empty());
  EXPECT_FALSE(in.ok());
}

TEST(WriteCursor, WritesWhatFitsAndReportsNothingWhenSomethingDidNot) {
  std::array<std::byte, 8> to{};
  WriteCursor out(to);
  out.u8(0x01);
  out.u16(0x0203);
  out.u32(0x04050607);
  EXPECT_EQ(out.written(), 7U);
  EXPECT_TRUE(std::ranges::equal(std::span(to).first(7), from_hex("01020304050607")));
  out.u16(0xffff);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.written(), 0U);
  EXPECT_EQ(to[7], std::byte{0});
}

}  // namespace
