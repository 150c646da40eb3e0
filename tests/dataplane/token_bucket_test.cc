// SPDX-License-Identifier: Apache-2.0
#include "dataplane/token_bucket.h"

#include <gtest/gtest.h>

namespace {

using dataplane::BucketRate;
using dataplane::TokenBucket;

constexpr std::uint64_t kHz = 1'000'000'000;
constexpr std::uint64_t kMs = kHz / 1000;

unsigned taken(TokenBucket& bucket, const BucketRate& rate, std::uint64_t tsc, unsigned tries) {
  unsigned count = 0;
  for (unsigned i = 0; i < tries; ++i) count += bucket.take(rate, tsc) ? 1U : 0U;
  return count;
}

TEST(TokenBucket, RateZeroLetsEverythingThrough) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, BucketRate::from({0, 0}, kHz), 5, 100'000), 100'000U);
}

TEST(TokenBucket, AFreshBucketHoldsItsBurst) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, BucketRate::from({100, 7}, kHz), 1000 * kMs, 100), 7U);
}

TEST(TokenBucket, ABurstOfZeroCountsAsOne) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, BucketRate::from({100, 0}, kHz), 1000 * kMs, 100), 1U);
}

TEST(TokenBucket, ComesBackAtTheRateAndNotFaster) {
  const BucketRate rate = BucketRate::from({100, 3}, kHz);
  TokenBucket bucket;
  std::uint64_t now = 1000 * kMs;
  EXPECT_EQ(taken(bucket, rate, now, 10), 3U);
  EXPECT_EQ(taken(bucket, rate, now + 9 * kMs, 10), 0U);
  EXPECT_EQ(taken(bucket, rate, now + 10 * kMs, 10), 1U);
  EXPECT_EQ(taken(bucket, rate, now + 30 * kMs, 10), 2U);
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurstHoweverLongItIdled) {
  const BucketRate rate = BucketRate::from({1000, 5}, kHz);
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, rate, kMs, 10), 5U);
  EXPECT_EQ(taken(bucket, rate, 3'600'000 * kMs, 100), 5U);
}

TEST(TokenBucket, OverALongTimePassesRateTimesTime) {
  const BucketRate rate = BucketRate::from({1000, 10}, kHz);
  TokenBucket bucket;
  unsigned count = 0;
  for (std::uint64_t us = 0; us < 1'000'000; us += 100) {  // 10 000 a second for one second
    count += bucket.take(rate, kHz + us * 1000) ? 1U : 0U;
  }
  EXPECT_GE(count, 1000U);
  EXPECT_LE(count, 1010U);
}

TEST(TokenBucket, AFasterRateDoesNotInheritTheDebtOfASlowOne) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, BucketRate::from({1, 1000}, kHz), kHz, 1000), 1000U);  // 1000 s ahead
  const BucketRate fast = BucketRate::from({1000, 1}, kHz);
  EXPECT_FALSE(bucket.take(fast, kHz));
  EXPECT_TRUE(bucket.take(fast, kHz + 2 * kMs));
}

}  // namespace
