// SPDX-License-Identifier: Apache-2.0
#include "dataplane/replay_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "dataplane/message_hash.h"

namespace {

using dataplane::MessageHash;
using dataplane::ReplayFilter;

constexpr std::uint64_t kHz = 1'000'000'000;

TEST(ReplayFilter, SeesAMessageTheSecondTime) {
  const auto filter = ReplayFilter::create(1024, kHz);
  EXPECT_FALSE(filter->seen(0x1122334455667788U, 10, 2000));
  EXPECT_TRUE(filter->seen(0x1122334455667788U, 10, 2000));
  EXPECT_TRUE(filter->seen(0x1122334455667788U, 2009, 2000));
}

TEST(ReplayFilter, ForgetsAfterTheWindow) {
  const auto filter = ReplayFilter::create(1024, kHz);
  EXPECT_FALSE(filter->seen(0x1122334455667788U, 10, 2000));
  EXPECT_FALSE(filter->seen(0x1122334455667788U, 2010, 2000));
  EXPECT_TRUE(filter->seen(0x1122334455667788U, 2011, 2000));
}

TEST(ReplayFilter, CopiesDoNotExtendTheWindow) {
  const auto filter = ReplayFilter::create(1024, kHz);
  EXPECT_FALSE(filter->seen(1U << 20U, 0, 100));
  for (std::uint64_t ms = 1; ms < 100; ++ms) EXPECT_TRUE(filter->seen(1U << 20U, ms, 100));
  EXPECT_FALSE(filter->seen(1U << 20U, 100, 100));
}

TEST(ReplayFilter, DifferentMessagesOfOneBucketAreNotConfused) {
  const auto filter = ReplayFilter::create(8, kHz);  // one bucket
  for (std::uint64_t i = 1; i <= 8; ++i) EXPECT_FALSE(filter->seen(i << 16U, 5, 1000));
  for (std::uint64_t i = 1; i <= 8; ++i) EXPECT_TRUE(filter->seen(i << 16U, 6, 1000));
}

TEST(ReplayFilter, AFullBucketForgetsItsOldest) {
  const auto filter = ReplayFilter::create(8, kHz);
  for (std::uint64_t i = 1; i <= 9; ++i) EXPECT_FALSE(filter->seen(i << 16U, 10 * i, 1000));
  EXPECT_TRUE(filter->seen(9U << 16U, 100, 1000));
  EXPECT_TRUE(filter->seen(2U << 16U, 100, 1000));
  EXPECT_FALSE(filter->seen(1U << 16U, 100, 1000));
}

TEST(ReplayFilter, ForgetsTheOldestWhereverItLiesAndWhateverTheClock) {
  for (const std::uint64_t start : {1U, 65'530U, 65'536U, 131'071U}) {  // time wraps at 65 536
    for (std::uint64_t oldest = 0; oldest < 8; ++oldest) {
      const auto filter = ReplayFilter::create(8, kHz);
      for (std::uint64_t i = 0; i < 8; ++i) {
        EXPECT_FALSE(filter->seen((i + 1) << 16U, start + (i == oldest ? 0 : 10 + i), 1000));
      }
      EXPECT_FALSE(filter->seen(9U << 16U, start + 30, 1000));
      for (std::uint64_t i = 0; i < 8; ++i) {
        if (i == oldest) continue;
        EXPECT_TRUE(filter->seen((i + 1) << 16U, start + 31, 1000)) << i;
      }
      EXPECT_TRUE(filter->seen(9U << 16U, start + 31, 1000));
      EXPECT_FALSE(filter->seen((oldest + 1) << 16U, start + 31, 1000));
    }
  }
}

TEST(ReplayFilter, FillsEmptyEntriesBeforeItForgetsOldOnes) {
  const auto filter = ReplayFilter::create(8, kHz);
  EXPECT_FALSE(filter->seen(1U << 16U, 0, 32768));
  for (std::uint64_t i = 2; i <= 8; ++i) EXPECT_FALSE(filter->seen(i << 16U, 32767, 32768));
  EXPECT_TRUE(filter->seen(1U << 16U, 32767, 32768));
}

TEST(ReplayFilter, AMessageOfHashZeroIsRememberedToo) {
  const auto filter = ReplayFilter::create(1024, kHz);
  EXPECT_FALSE(filter->seen(0, 0, 1000));
  EXPECT_TRUE(filter->seen(0, 0, 1000));
}

TEST(ReplayFilter, HoldsAWindowOfTrafficAsItsHeaderSays) {
  const auto filter = ReplayFilter::create(ReplayFilter::kDefaultEntries, kHz);
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> hashes(100'000);  // two seconds at 50 000 a second
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    hashes[i] = random();
    EXPECT_FALSE(filter->seen(hashes[i], i / 50, 2001));
  }
  std::size_t forgotten = 0;
  for (const std::uint64_t hash : hashes) forgotten += filter->seen(hash, 1999, 2001) ? 0U : 1U;
  EXPECT_LT(forgotten, hashes.size() / 1000);
}

TEST(MessageHash, EveryByteAndTheLengthCount) {
  const MessageHash hash(2), other(3);
  std::vector<std::byte> bytes(2100);
  // Around the steps of 16 bytes and the key's length of 1024.
  for (std::size_t size :
       {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 300U, 1023U, 1024U, 1025U, 2100U}) {
    const auto part = std::span(bytes).first(size);
    std::set<std::uint64_t> hashes{hash.of(part, 1)};
    for (std::byte& byte : part) {
      byte ^= std::byte{0x10};
      EXPECT_TRUE(hashes.insert(hash.of(part, 1)).second) << size;
      byte ^= std::byte{0x10};
    }
    EXPECT_NE(hash.of(part, 1), hash.of(part, 3)) << size;
    EXPECT_NE(hash.of(part, 1), other.of(part, 1)) << size;
    if (size != 0) {
      EXPECT_NE(hash.of(part, 1), hash.of(part.first(size - 1), 1)) << size;
    }
  }
}

TEST(MessageHash, WordsAreNotInterchangeable) {
  const MessageHash hash(2);
  std::vector<std::byte> bytes(64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  const std::uint64_t before = hash.of(bytes, 1);
  for (std::size_t i = 0; i < 60; i += 4) {
    std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                     bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                     bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4);
    EXPECT_NE(hash.of(bytes, 1), before) << i;
    std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                     bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4,
                     bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4);
  }
}

}  // namespace
