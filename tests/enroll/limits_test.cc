// SPDX-License-Identifier: Apache-2.0
// What keeps floods off: buckets for sources and names, and tokens for those who wait.

#include <gtest/gtest.h>

#include "controlplane/enroll/challenge.h"
#include "controlplane/enroll/rate_table.h"

namespace controlplane::enroll {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'800'000'000;

TEST(RateTable, GivesABurstThenOneTokenAnInterval) {
  RateTable table({.per_hour = 3600, .burst = 3}, 64);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.take("a", 10 * kSecond)) << i;
  EXPECT_FALSE(table.has("a", 10 * kSecond));
  EXPECT_FALSE(table.take("a", 10 * kSecond));
  EXPECT_TRUE(table.take("b", 10 * kSecond));
  EXPECT_TRUE(table.has("a", 11 * kSecond));
  EXPECT_TRUE(table.take("a", 11 * kSecond));
  EXPECT_FALSE(table.take("a", 11 * kSecond));
  EXPECT_EQ(table.retry_after_s(), 1U);
}

TEST(RateTable, TakesBackWhatWasNotUsed) {
  RateTable table({.per_hour = 60, .burst = 1}, 64);
  EXPECT_TRUE(table.take("a", kSecond));
  EXPECT_FALSE(table.take("a", kSecond));
  table.give_back("a");
  EXPECT_TRUE(table.take("a", kSecond));
  table.give_back("never seen");
  EXPECT_EQ(table.retry_after_s(), 60U);
}

TEST(RateTable, WithoutARateLimitsNothing) {
  RateTable table({.per_hour = 0, .burst = 1}, 64);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(table.take("a", 0));
}

TEST(RateTable, KeepsLimitingOneNameInAFloodOfOthersThatFits) {
  RateTable table({.per_hour = 1, .burst = 1}, 65536);
  EXPECT_TRUE(table.take("a", kSecond));
  for (int i = 0; i < 10'000; ++i) (void)table.take("x" + std::to_string(i), kSecond);
  EXPECT_FALSE(table.take("a", kSecond));
}

TEST(RateTable, ForgetsRatherThanGrows) {
  RateTable table({.per_hour = 1, .burst = 1}, 8);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(table.take("x" + std::to_string(i), kSecond));
}

TEST(LimitedPart, IsTheAddressOrTheNetworkOfOneCustomer) {
  EXPECT_EQ(limited_part("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_part("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_part("2001:db8:1:2::5"), limited_part("2001:db8:1:2:3:4:5:6"));
  EXPECT_EQ(limited_part("2001:db8::5"), limited_part("2001:db8::1:2:3:4"));
  EXPECT_NE(limited_part("2001:db8:1:2::5"), limited_part("2001:db8:1:3::5"));
  EXPECT_EQ(limited_part("::1"), "::");
}

TEST(Challenges, AreGoodAfterTheirWaitAndForAWhile) {
  const Challenges challenges(3);
  using Verdict = Challenges::Verdict;
  const std::string token = challenges.token("192.0.2.7", kNow);
  EXPECT_EQ(challenges.check(token, "192.0.2.7", kNow), Verdict::kEarly);
  EXPECT_EQ(challenges.check(token, "192.0.2.7", kNow + 2), Verdict::kEarly);
  EXPECT_EQ(challenges.check(token, "192.0.2.7", kNow + 3), Verdict::kGood);
  EXPECT_EQ(challenges.check(token, "192.0.2.7", kNow + 3 + Challenges::kLifetimeS),
            Verdict::kGood);
  EXPECT_EQ(challenges.check(token, "192.0.2.7", kNow + 4 + Challenges::kLifetimeS), Verdict::kBad);
}

TEST(Challenges, BelongToOneSourceAndOneServer) {
  const Challenges challenges(3);
  const std::string token = challenges.token("192.0.2.7", kNow);
  EXPECT_EQ(challenges.check(token, "192.0.2.8", kNow + 5), Challenges::Verdict::kBad);
  EXPECT_EQ(Challenges(3).check(token, "192.0.2.7", kNow + 5), Challenges::Verdict::kBad);
}

TEST(Challenges, AreBadWhenAnyCharacterIsChanged) {
  const Challenges challenges(3);
  const std::string token = challenges.token("192.0.2.7", kNow);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_EQ(challenges.check(changed, "192.0.2.7", kNow + 5), Challenges::Verdict::kBad) << i;
  }
  for (const char* const text : {"", ".", "x", "ffffffffffffffffffff.0", "-1.00"}) {
    EXPECT_EQ(challenges.check(text, "192.0.2.7", kNow + 5), Challenges::Verdict::kBad) << text;
  }
}

}  // namespace
}  // namespace controlplane::enroll
