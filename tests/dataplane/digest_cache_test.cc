// SPDX-License-Identifier: Apache-2.0
#include "dataplane/digest_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace dataplane {
namespace {

using Digest = DigestCache::Digest;

constexpr std::uint64_t kTscHz = 1'000'000'000;
constexpr std::uint64_t kStart = 100'000;  // ms

class DigestCacheTest : public ::testing::Test {
 protected:
  /// A digest in set @p set of a cache with 16 entries; @p n tells those of one set apart.
  static Digest in_set(std::uint64_t set, std::uint64_t n) {
    return {.low = n + 1, .high = set << 32U};
  }
  std::unique_ptr<DigestCache> cache_ = DigestCache::create(16, kTscHz);
};

TEST_F(DigestCacheTest, IsOffWithoutEntries) {
  const auto off = DigestCache::create(0, kTscHz);
  ASSERT_NE(off, nullptr);
  EXPECT_FALSE(off->on());
  EXPECT_TRUE(cache_->on());
}

TEST_F(DigestCacheTest, HasWhatWasAddedForItsLifetime) {
  const Digest digest = in_set(1, 1);
  EXPECT_FALSE(cache_->has(digest, kStart));
  cache_->add(digest, kStart);
  EXPECT_TRUE(cache_->has(digest, kStart));
  EXPECT_TRUE(cache_->has(digest, kStart + DigestCache::kLifetimeMs - 1));
  EXPECT_FALSE(cache_->has(digest, kStart + DigestCache::kLifetimeMs));
  cache_->add(digest, kStart + DigestCache::kLifetimeMs);
  EXPECT_TRUE(cache_->has(digest, kStart + DigestCache::kLifetimeMs + 1));
}

TEST_F(DigestCacheTest, ComparesEveryBit) {
  const Digest digest{.low = 0x0123456789abcdef, .high = 0xfedcba9876543210};
  cache_->add(digest, kStart);
  for (unsigned bit = 0; bit < 128; ++bit) {
    Digest other = digest;
    (bit < 64 ? other.low : other.high) ^= std::uint64_t{1} << bit % 64;
    // Of the 32 bits that choose the set, four sets use two; the others are no part of an entry.
    const bool is_compared = bit < 64 + 32 + 2;
    EXPECT_EQ(cache_->has(other, kStart), !is_compared) << bit;
  }
}

TEST_F(DigestCacheTest, TheOldestOfASetGivesWay) {
  for (std::uint64_t n = 0; n < 4; ++n) cache_->add(in_set(2, n), kStart + n);
  cache_->add(in_set(2, 4), kStart + 4);
  EXPECT_FALSE(cache_->has(in_set(2, 0), kStart + 5));
  for (std::uint64_t n = 1; n < 5; ++n) EXPECT_TRUE(cache_->has(in_set(2, n), kStart + 5)) << n;
  // One that is there already takes no second place.
  cache_->add(in_set(2, 3), kStart + 6);
  for (std::uint64_t n = 1; n < 5; ++n) EXPECT_TRUE(cache_->has(in_set(2, n), kStart + 6)) << n;
}

TEST_F(DigestCacheTest, ClearForgetsEverythingAtOnce) {
  cache_->add(in_set(0, 1), kStart);
  cache_->add(in_set(3, 2), kStart + 5);
  cache_->clear(kStart + 5);
  EXPECT_FALSE(cache_->has(in_set(0, 1), kStart + 5));
  EXPECT_FALSE(cache_->has(in_set(3, 2), kStart + 6));
  cache_->add(in_set(3, 2), kStart + 7);
  EXPECT_TRUE(cache_->has(in_set(3, 2), kStart + 7));
}

TEST_F(DigestCacheTest, TimeGoesOnWhenItsCountBeginsAnew) {
  const std::uint64_t last = (std::uint64_t{1} << 32U) - 1;
  cache_->add(in_set(1, 1), last);
  EXPECT_TRUE(cache_->has(in_set(1, 1), last + 100));
  EXPECT_FALSE(cache_->has(in_set(1, 1), last + DigestCache::kLifetimeMs));
  cache_->add(in_set(1, 2), last + 100);
  EXPECT_TRUE(cache_->has(in_set(1, 2), last + 101));
}

TEST_F(DigestCacheTest, RoundsUpToAPowerOfTwo) {
  // 17 entries get 32 places: eight sets of four.
  const auto larger = DigestCache::create(17, kTscHz);
  for (std::uint64_t set = 0; set < 8; ++set) {
    for (std::uint64_t n = 0; n < 4; ++n) larger->add(in_set(set, n), kStart);
  }
  for (std::uint64_t set = 0; set < 8; ++set) {
    for (std::uint64_t n = 0; n < 4; ++n) EXPECT_TRUE(larger->has(in_set(set, n), kStart));
  }
}

TEST_F(DigestCacheTest, ADigestTellsAllItIsOfApart) {
  const std::array<std::byte, 4> overlay{std::byte{1}};
  const std::array<std::byte, 8> transaction{std::byte{2}};
  const std::vector<std::byte> message(50, std::byte{3});
  const Digest base = cache_->digest_of(overlay, transaction, 7, message);
  EXPECT_EQ(cache_->digest_of(overlay, transaction, 7, message), base);
  std::array<std::byte, 4> other_overlay = overlay;
  other_overlay[3] = std::byte{1};
  EXPECT_NE(cache_->digest_of(other_overlay, transaction, 7, message), base);
  std::array<std::byte, 8> other_transaction = transaction;
  other_transaction[7] = std::byte{1};
  EXPECT_NE(cache_->digest_of(overlay, other_transaction, 7, message), base);
  EXPECT_NE(cache_->digest_of(overlay, transaction, 8, message), base);
  EXPECT_NE(cache_->digest_of(overlay, transaction, 7 + (std::uint64_t{1} << 40U), message), base);
  std::vector<std::byte> other_message = message;
  other_message[49] = std::byte{4};
  EXPECT_NE(cache_->digest_of(overlay, transaction, 7, other_message), base);
  // Each cache has a secret of its own.
  EXPECT_NE(DigestCache::create(16, kTscHz)->digest_of(overlay, transaction, 7, message), base);
}

}  // namespace
}  // namespace dataplane
