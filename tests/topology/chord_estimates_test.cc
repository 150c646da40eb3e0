// SPDX-License-Identifier: Apache-2.0
// RFC 7363 section 6: what a peer concludes from its tables (requirements N1-08 to N1-15).

#include "controlplane/topology/chord/estimates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {
namespace {

using wire::reload::NodeId;
using wire::reload::SelfTuningData;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::vector<NodeId> random_ring(std::size_t peers, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<NodeId> ids(peers);
  for (NodeId& id : ids) {
    const auto high = static_cast<ring::Point>(random());
    id = ring::node_id(high << 64U | random());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

double estimate_at(const std::vector<NodeId>& ids, std::size_t place, std::size_t per_side) {
  std::vector<NodeId> before;
  std::vector<NodeId> behind;
  for (std::size_t i = 1; i <= std::min(per_side, ids.size() - 1); ++i) {
    behind.push_back(ids[(place + i) % ids.size()]);
    before.push_back(ids[(place + ids.size() - i) % ids.size()]);
  }
  return estimate_peers(ids[place], before, behind);
}

TEST(Estimates, TheSizeOfARingThatIsSeenWholeIsCounted) {  // N1-08
  for (const std::size_t peers : {1U, 2U, 3U, 4U, 6U}) {
    EXPECT_DOUBLE_EQ(estimate_at(random_ring(peers, peers), 0, 3), static_cast<double>(peers));
  }
}

TEST(Estimates, TheSizeOfALargeRingFollowsFromItsDensity) {  // N1-08
  const auto ids = random_ring(10'000, 1);
  std::vector<double> estimates;
  for (std::size_t place = 0; place < ids.size(); place += 10) {
    estimates.push_back(estimate_at(ids, place, 14));
  }
  std::sort(estimates.begin(), estimates.end());
  EXPECT_NEAR(estimates[estimates.size() / 2], 10'000, 500);
  // One peer's own may be a third off, which is why they are shared.
  EXPECT_GT(estimates[estimates.size() / 20], 6'000);
  EXPECT_LT(estimates[estimates.size() * 19 / 20], 15'000);
}

TEST(Estimates, JoinsFollowFromTheMiddleAge) {  // N1-12
  EXPECT_DOUBLE_EQ(estimate_joins_per_s(1000, {}), 0);
  EXPECT_DOUBLE_EQ(estimate_joins_per_s(1000, {300, 100, 500, 200}), 1000.0 / 300);
  EXPECT_DOUBLE_EQ(estimate_joins_per_s(1000, {0, 0, 0}), 1000);
}

TEST(Estimates, FailuresFollowFromTheLastQuarterOfATable) {  // N1-10
  FailureHistory history;
  EXPECT_DOUBLE_EQ(history.failures_per_s(7 * kSecondNs, 20), 0) << "not joined";
  history.begin(0);
  // None yet: as if the first were now.
  EXPECT_DOUBLE_EQ(history.failures_per_s(100 * kSecondNs, 20), 1.0 / (20 * 100));
  for (std::uint64_t i = 1; i <= 4; ++i) history.add(i * 10 * kSecondNs);
  EXPECT_DOUBLE_EQ(history.failures_per_s(100 * kSecondNs, 20), 5.0 / (20 * 100));
  history.add(50 * kSecondNs);
  EXPECT_DOUBLE_EQ(history.failures_per_s(100 * kSecondNs, 20), 5.0 / (20 * 50));
  // Only the last five count: from the second one on.
  history.add(60 * kSecondNs);
  EXPECT_DOUBLE_EQ(history.failures_per_s(100 * kSecondNs, 20), 5.0 / (20 * 50));
  history.add(200 * kSecondNs);
  EXPECT_DOUBLE_EQ(history.failures_per_s(200 * kSecondNs, 20), 5.0 / (20 * 180));
}

TEST(Estimates, OfManyTheThirdQuartileIsTaken) {  // N1-14
  EXPECT_DOUBLE_EQ(third_quartile({5}), 5);
  EXPECT_DOUBLE_EQ(third_quartile({4, 1, 3, 2}), 3);
  EXPECT_DOUBLE_EQ(third_quartile({9, 8, 7, 6, 5, 4, 3, 2, 1}), 7);
  const std::vector<SelfTuningData> received{{100, 86'400, 0}, {400, 0, 8'640}, {200, 0, 0}};
  const Estimates agreed = agree({300, 2, 0.5}, received);
  EXPECT_DOUBLE_EQ(agreed.peers, 300);
  EXPECT_DOUBLE_EQ(agreed.joins_per_s, 1);
  EXPECT_DOUBLE_EQ(agreed.failures_per_s, 0.1);
}

TEST(Estimates, RatesAreSharedForADayRoundedUp) {  // N1-13
  const SelfTuningData shared = to_share({99.6, 0.123, 1e-6});
  EXPECT_EQ(shared.network_size, 100U);
  EXPECT_EQ(shared.join_rate, 10'628U);  // the example of section 6.5
  EXPECT_EQ(shared.leave_rate, 1U);
  EXPECT_EQ(to_share({1e30, 0, 0}).network_size, 0xffffffffU);
}

TEST(Estimates, TablesGrowWithTheLogarithm) {  // N1-09
  EXPECT_EQ(table_size_for(0), 0U);
  EXPECT_EQ(table_size_for(1), 0U);
  EXPECT_EQ(table_size_for(1000), 10U);
  EXPECT_EQ(table_size_for(1024), 10U);
  EXPECT_EQ(table_size_for(1025), 11U);
}

TEST(Estimates, TheIntervalShrinksWithChurnAndHasALeast) {  // N1-15
  constexpr std::uint64_t kLeast = 15 * kSecondNs;
  constexpr std::uint64_t kMost = 3600 * kSecondNs;
  EXPECT_EQ(stabilization_ns({1024, 0, 0}, kLeast, kMost), kMost);
  // A mean life of ten hours: half of 36000 s by a hundred.
  EXPECT_EQ(stabilization_ns({1024, 0, 1.0 / 36'000}, kLeast, kMost) / kSecondNs, 180U);
  // A thousand joins in ten hours.
  EXPECT_EQ(stabilization_ns({1024, 1024.0 / 36'000, 0}, kLeast, kMost) / kSecondNs, 360U);
  EXPECT_EQ(stabilization_ns({1024, 100, 1}, kLeast, kMost), kLeast);
  EXPECT_EQ(stabilization_ns({1, 0, 1}, kLeast, kMost), kLeast);
}

TEST(SelfTuningData, IsTwelveBytes) {
  const auto contents = wire::reload::self_tuning_contents({0x01020304, 5, 0xffffffff});
  ASSERT_EQ(contents.size(), 12U);
  EXPECT_EQ(contents[0], std::byte{1});
  SelfTuningData read;
  ASSERT_TRUE(wire::reload::parse_self_tuning(contents, read).ok());
  EXPECT_EQ(read.network_size, 0x01020304U);
  EXPECT_EQ(read.join_rate, 5U);
  EXPECT_EQ(read.leave_rate, 0xffffffffU);
  EXPECT_FALSE(wire::reload::parse_self_tuning(std::span(contents).first(11), read).ok());
}

}  // namespace
}  // namespace controlplane::topology::chord
