// SPDX-License-Identifier: Apache-2.0
// What becomes of rings of many nodes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/topology/chord_overlay.h"

namespace {

using controlplane::topology::Membership;
using controlplane::topology::chord::kSecond;
using controlplane::topology::chord::Settings;
using tests::ChordOverlay;

constexpr std::uint64_t kMinute = 60 * kSecond;

/// How long it took until the ring was right; a failure with what is wrong when it never was.
std::uint64_t settle(ChordOverlay& overlay, std::uint64_t limit_ns) {
  const auto took = overlay.run_until([&] { return overlay.is_ring(); }, limit_ns);
  EXPECT_TRUE(took.has_value()) << overlay.faults();
  return took.value_or(limit_ns);
}

void found_and_join(ChordOverlay& overlay, std::size_t nodes, std::uint64_t gap_ns) {
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t node = overlay.add();
    if (i == 0) {
      overlay.found(node);
    } else {
      overlay.join(node);
    }
    overlay.run_for(gap_ns);
  }
}

class Joins : public testing::TestWithParam<std::size_t> {};

TEST_P(Joins, OneByOneGiveTheTrueRing) {
  ChordOverlay overlay(Settings{}, {}, 1);
  found_and_join(overlay, GetParam(), 2 * kSecond);
  const std::uint64_t took = settle(overlay, kMinute);
  RecordProperty("settled_ms", static_cast<int>(took / 1'000'000));
  const auto lookups = overlay.look_up(1000);
  EXPECT_EQ(lookups.failed, 0U);
}

TEST_P(Joins, AllAtOnceGiveTheTrueRing) {
  ChordOverlay overlay(Settings{}, {}, 2);
  found_and_join(overlay, 1, kSecond);
  for (std::size_t i = 1; i < GetParam(); ++i) overlay.join(overlay.add());
  const std::uint64_t took = settle(overlay, 5 * kMinute);
  RecordProperty("settled_ms", static_cast<int>(took / 1'000'000));
  EXPECT_EQ(overlay.look_up(1000).failed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Of, Joins, testing::Values(1, 2, 3, 50, 300));

TEST(Ring, IsTrueAlsoWhereMessagesAreLost) {
  ChordOverlay overlay(Settings{}, {.latency_ns = 40'000'000, .loss = 0.02}, 3);
  found_and_join(overlay, 100, kSecond);
  EXPECT_LE(settle(overlay, 5 * kMinute), 3 * kMinute);
  EXPECT_EQ(overlay.look_up(1000).failed, 0U);
}

TEST(Ring, WithoutReactiveRecoveryIsTrueWithinUpdateIntervals) {  // I-63
  Settings settings;
  settings.reactive = false;
  ChordOverlay overlay(settings, {}, 4);
  found_and_join(overlay, 50, 2 * kSecond);
  settle(overlay, 30 * kMinute);
  for (std::size_t i = 0; i < 5; ++i) overlay.crash(5 + i * 7);
  EXPECT_LE(settle(overlay, 60 * kMinute), 30 * kMinute);
}

/// Rows of the tables that are used, for the limit on hops: fingers of early nodes are searched for
/// once a chord-ping-interval.
TEST(Ring, LooksUpInHalfTheLogarithmOfItsNodes) {
  Settings settings;
  settings.ping_interval_ns = 30 * kSecond;  // as in the example document of RFC 6940
  ChordOverlay overlay(settings, {}, 5);
  found_and_join(overlay, 300, 2 * kSecond);
  overlay.run_for(10 * kMinute);
  const auto lookups = overlay.look_up(3000);
  EXPECT_EQ(lookups.failed, 0U);
  EXPECT_LE(lookups.mean_hops, 0.5 * std::log2(300.0) + 1);
  RecordProperty("mean_hops_x100", static_cast<int>(lookups.mean_hops * 100));
}

TEST(Ring, KeepsLinksToTheLogarithmOfItsNodes) {
  ChordOverlay overlay(Settings{}, {}, 6);
  found_and_join(overlay, 1, kSecond);
  for (std::size_t i = 1; i < 300; ++i) overlay.join(overlay.add());
  settle(overlay, 5 * kMinute);
  overlay.run_for(60 * kMinute);
  std::size_t links = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < overlay.size(); ++i) {
    links += overlay.topology(i).links().all().size();
    most = std::max(most, overlay.topology(i).links().all().size());
  }
  RecordProperty("mean_links", static_cast<int>(links / overlay.size()));
  RecordProperty("most_links", static_cast<int>(most));
  EXPECT_LE(links / overlay.size(), 40U);
  // What goes above comfortable_links goes when it has been unused for a minute.
  EXPECT_LE(most, Settings{}.comfortable_links + 16);
  EXPECT_TRUE(overlay.is_ring()) << overlay.faults();
}

class Crashes : public testing::TestWithParam<unsigned> {};

/// A dead link is noticed by sending over it, and over each that is needed an Update goes once an
/// interval: so within two of them all is right again.
TEST_P(Crashes, AreRepairedWithinTwoUpdateIntervals) {
  ChordOverlay overlay(Settings{}, {}, 7);
  found_and_join(overlay, 300, kSecond);
  settle(overlay, kMinute);
  overlay.run_for(30 * kMinute);
  for (std::size_t i = 0; i < overlay.size(); ++i) {
    if (i % 10 < GetParam() / 10 && i >= 3) overlay.crash(i);
  }
  EXPECT_FALSE(overlay.is_ring());
  const std::uint64_t took = settle(overlay, 60 * kMinute);
  RecordProperty("settled_s", static_cast<int>(took / kSecond));
  EXPECT_LE(took, 2 * Settings{}.update_interval_ns);
  // What is still routed through and dead is found by the rounds of Updates, or by first use.
  overlay.run_for(2 * Settings{}.update_interval_ns);
  EXPECT_EQ(overlay.look_up(1000).failed, 0U);
}

INSTANTIATE_TEST_SUITE_P(OfPercent, Crashes, testing::Values(10U, 30U));

TEST(Ring, IsTrueAMomentAfterNodesLeave) {  // I-64 to I-66
  ChordOverlay overlay(Settings{}, {}, 8);
  found_and_join(overlay, 50, kSecond);
  settle(overlay, kMinute);
  for (std::size_t i = 10; i < 30; i += 2) overlay.leave(i);
  EXPECT_LE(settle(overlay, kMinute), 5 * kSecond);
  overlay.run_for(kMinute);
  for (std::size_t i = 10; i < 30; i += 2) {
    EXPECT_EQ(overlay.topology(i).membership(), Membership::kLeft);
  }
  EXPECT_EQ(overlay.look_up(500).failed, 0U);
}

TEST(Ring, TheLastToStayHoldsItAll) {
  ChordOverlay overlay(Settings{}, {}, 9);
  found_and_join(overlay, 2, kSecond);
  settle(overlay, kMinute);
  overlay.leave(0);
  EXPECT_LE(settle(overlay, kMinute), 5 * kSecond);
  EXPECT_EQ(overlay.topology(1).membership(), Membership::kMember);
  EXPECT_EQ(overlay.topology(1).predecessor(), overlay.topology(1).self());
}

TEST(Ring, ANodeThatLostAllJoinsAgain) {  // I-45
  ChordOverlay overlay(Settings{}, {}, 10);
  found_and_join(overlay, 20, kSecond);
  settle(overlay, kMinute);
  overlay.move_to_group(12, 1);
  ASSERT_TRUE(
      overlay
          .run_until([&] { return overlay.topology(12).membership() == Membership::kJoining; },
                     30 * kMinute)
          .has_value());
  overlay.heal();
  EXPECT_LE(settle(overlay, 10 * kMinute), 3 * kMinute);
}

TEST(Ring, HealsAfterHalfOfItWasCutOff) {  // I-61
  ChordOverlay overlay(Settings{}, {}, 11);
  found_and_join(overlay, 100, kSecond);
  settle(overlay, kMinute);
  overlay.run_for(20 * kMinute);
  // Bootstrap nodes are on either side.
  for (std::size_t i = 1; i < overlay.size(); i += 2) overlay.move_to_group(i, 1);
  overlay.run_for(10 * kMinute);
  overlay.heal();
  EXPECT_FALSE(overlay.is_ring());
  const std::uint64_t took = settle(overlay, 60 * kMinute);
  RecordProperty("settled_s", static_cast<int>(took / kSecond));
  EXPECT_LE(took, 20 * kMinute);
  EXPECT_EQ(overlay.look_up(1000).failed, 0U);
}

TEST(Ring, AnswersWhileAFifthOfItComesAndGoesEveryFourMinutes) {
  ChordOverlay overlay(Settings{}, {}, 13);
  found_and_join(overlay, 100, kSecond);
  settle(overlay, kMinute);
  std::vector<std::size_t> alive;
  for (std::size_t i = 3; i < overlay.size(); ++i) alive.push_back(i);
  std::size_t failed = 0;
  for (int minute = 0; minute < 20; ++minute) {
    for (int i = 0; i < 5; ++i) {
      std::size_t& one = alive[overlay.random()() % alive.size()];
      overlay.crash(one);
      one = overlay.add();
      overlay.join(one);
      overlay.run_for(kMinute / 5);
    }
    failed += overlay.look_up(200, 5).failed;
  }
  EXPECT_LE(failed, 20U * 200U / 100U);  // one in a hundred
  EXPECT_LE(settle(overlay, 20 * kMinute), 5 * kMinute);
}

TEST(Ring, IsTheSameForTheSameSeed) {
  const auto run = [] {
    ChordOverlay overlay(Settings{}, {.latency_ns = 30'000'000, .loss = 0.05}, 12);
    found_and_join(overlay, 30, kSecond);
    overlay.crash(7);
    overlay.run_for(20 * kMinute);
    return overlay.messages();
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
