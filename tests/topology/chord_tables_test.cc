// SPDX-License-Identifier: Apache-2.0
// The ring and the two tables of CHORD-RELOAD by the RFC's rules.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "controlplane/topology/chord/finger_table.h"
#include "controlplane/topology/chord/neighbor_table.h"
#include "controlplane/topology/ring.h"

namespace {

using controlplane::topology::chord::FingerTable;
using controlplane::topology::chord::NeighborTable;
using wire::reload::NodeId;
namespace ring = controlplane::topology::ring;

NodeId at(std::uint64_t high, std::uint64_t low = 0) {
  return ring::node_id(static_cast<ring::Point>(high) << 64U | low);
}

std::vector<NodeId> list(std::span<const NodeId> ids) { return {ids.begin(), ids.end()}; }

TEST(Ring, WrapsBehindTheLastPoint) {  // I-16
  const NodeId last = NodeId::wildcard();
  EXPECT_EQ(ring::next(last), at(0));
  EXPECT_TRUE(ring::distance(last, at(0, 4)) == 5);
  EXPECT_TRUE(ring::distance(at(0, 4), last) == ~static_cast<ring::Point>(5) + 1);
  EXPECT_EQ(ring::add(at(1, 0), ~static_cast<ring::Point>(0)), at(0, ~std::uint64_t{0}));
}

TEST(Ring, FingerIBeginsOneHalfToTheIAhead) {  // I-34, I-55
  EXPECT_EQ(ring::add(at(0), ring::finger_distance(1)), at(std::uint64_t{1} << 63U));
  EXPECT_EQ(ring::add(at(0), ring::finger_distance(64)), at(1));
  EXPECT_EQ(ring::add(at(0), ring::finger_distance(128)), at(0, 1));
  for (unsigned i = 1; i <= 128; ++i) {
    const ring::Point begin = ring::finger_distance(i);
    EXPECT_EQ(ring::finger_of(begin), i);
    EXPECT_EQ(ring::finger_of(2 * begin - 1), i);
  }
}

TEST(NeighborTable, KeepsTheNearestOfEachSideNearestFirst) {  // I-38
  NeighborTable table(at(100), 1);
  ASSERT_EQ(table.per_side(), 3U);
  for (const std::uint64_t id : {160U, 40U, 110U, 120U, 90U, 130U, 80U, 70U}) table.offer(at(id));
  EXPECT_EQ(list(table.successors()), (std::vector{at(110), at(120), at(130)}));
  EXPECT_EQ(list(table.predecessors()), (std::vector{at(90), at(80), at(70)}));
  EXPECT_FALSE(table.would_take(at(140)));
  EXPECT_TRUE(table.would_take(at(125)));
  EXPECT_FALSE(table.would_take(at(120)));  // it has it
}

TEST(NeighborTable, WrapsAroundZero) {
  NeighborTable table(at(5), 3);
  const NodeId top = at(~std::uint64_t{0});
  table.offer(top);
  table.offer(at(9));
  EXPECT_EQ(table.predecessors().front(), top);
  EXPECT_EQ(table.successors().front(), at(9));
}

TEST(NeighborTable, NeverListsItself) {  // I-39
  NeighborTable table(at(100), 3);
  EXPECT_FALSE(table.would_take(at(100)));
  EXPECT_FALSE(table.offer(at(100)));
  EXPECT_FALSE(table.assign(std::vector{at(100)}));
  EXPECT_TRUE(table.empty());
}

TEST(NeighborTable, InASmallRingAPeerIsOnBothSides) {
  NeighborTable table(at(100), 3);
  EXPECT_TRUE(table.offer(at(7)));
  EXPECT_EQ(list(table.successors()), std::vector{at(7)});
  EXPECT_EQ(list(table.predecessors()), std::vector{at(7)});
}

TEST(NeighborTable, ReplacesALostNeighbourByTheBestMatch) {  // I-40
  NeighborTable table(at(100), 3);
  std::vector<NodeId> peers;
  for (const std::uint64_t id : {110U, 120U, 130U, 140U, 150U}) peers.push_back(at(id));
  EXPECT_TRUE(table.assign(peers));
  EXPECT_FALSE(table.assign(peers));
  peers.erase(peers.begin() + 1);
  EXPECT_TRUE(table.assign(peers));
  EXPECT_EQ(list(table.successors()), (std::vector{at(110), at(130), at(140)}));
  EXPECT_FALSE(table.contains(at(120)));
}

TEST(FingerTable, AcceptsOnlyAPeerOfTheRange) {  // I-55
  FingerTable table(at(0, 1));
  EXPECT_EQ(table.size(), 16U);
  EXPECT_FALSE(table.offer(at(0, 1)));
  const NodeId half = at(std::uint64_t{1} << 63U, 1);
  EXPECT_TRUE(table.offer(half));
  EXPECT_TRUE(table.valid(1));
  EXPECT_TRUE(table.contains(half));
  // One step before half way round is the end of the range of entry 2.
  const NodeId before = at(std::uint64_t{1} << 63U, 0);
  EXPECT_TRUE(table.offer(before));
  EXPECT_EQ(table.at(2), before);
  // A valid entry stays.
  EXPECT_FALSE(table.offer(at(std::uint64_t{1} << 63U, 9)));
  EXPECT_EQ(table.at(1), half);
  // Behind the last entry.
  EXPECT_FALSE(table.offer(at(1)));
  EXPECT_EQ(table.valid_count(), 2U);
}

TEST(FingerTable, AFailedFingerLeavesEverythingAndTheClosestBeforeItStandsIn) {  // I-47
  FingerTable table(at(0));
  const NodeId one = at(0xc000'0000'0000'0000);
  const NodeId other_one = at(0x9000'0000'0000'0000);
  const NodeId two = at(0x5000'0000'0000'0000);
  table.offer(one);
  table.offer(two);
  EXPECT_EQ(table.remove(one, std::vector{two, other_one}), std::nullopt);
  EXPECT_EQ(table.at(1), other_one);
  EXPECT_EQ(table.remove(other_one, std::vector{at(3), two}), 1U);
  EXPECT_EQ(table.at(1), two);
  EXPECT_FALSE(table.valid(1));
  EXPECT_EQ(table.ascending(), std::vector{two});
  EXPECT_EQ(table.remove(two, {}), 2U);
  EXPECT_EQ(table.at(1), std::nullopt);
  EXPECT_EQ(table.at(2), std::nullopt);
  EXPECT_TRUE(table.ascending().empty());
}

TEST(FingerTable, ListsItsPeersInAscendingOrderOnce) {  // I-49
  FingerTable table(at(0xf000'0000'0000'0000));
  const NodeId a = at(0x7000'0000'0000'0000);  // entry 1, above zero
  const NodeId b = at(0x3000'0000'0000'0000);  // entry 2
  const NodeId c = at(0xf800'0000'0000'0000);  // entry 5
  for (const NodeId& id : {a, b, c}) EXPECT_TRUE(table.offer(id));
  EXPECT_EQ(table.ascending(), (std::vector{b, a, c}));
}

TEST(FingerTable, SearchesLowEntriesMoreOftenAndNoEmptyRange) {  // I-57
  FingerTable table(at(0));
  std::mt19937_64 generator(7);
  const controlplane::overlay::RandomSource random = [&] { return generator(); };
  table.offer(at(std::uint64_t{1} << 62U));  // entry 2 is valid
  // The successor is in the range of entry 5: nobody is in that of 6.
  const NodeId successor = at(std::uint64_t{3} << 58U);
  std::map<unsigned, int> picked;
  for (int round = 0; round < 4000; ++round) {
    const auto entry = table.pick(successor, random);
    ++picked[entry.value_or(0)];
    if (!entry) continue;
    const NodeId point = table.random_in(*entry, random);
    EXPECT_EQ(ring::finger_of(ring::distance(at(0), point)), *entry);
  }
  EXPECT_NEAR(picked[1], 2000, 150);
  EXPECT_NEAR(picked[3], 1000, 120);
  EXPECT_NEAR(picked[4], 500, 90);
  EXPECT_NEAR(picked[5], 250, 70);
  EXPECT_EQ(picked.count(2), 0U);
  EXPECT_EQ(picked.count(6), 0U);
}

TEST(FingerTable, GrowsSoThatItCoversTheLastSuccessor) {  // I-60
  FingerTable table(at(0));
  table.cover(at(1));
  EXPECT_EQ(table.size(), 64U);
  table.cover(at(std::uint64_t{1} << 60U));
  EXPECT_EQ(table.size(), 64U);
  table.cover(at(0, 1));
  EXPECT_EQ(table.size(), FingerTable::kMost);
  EXPECT_TRUE(table.offer(at(0, 1)));
  EXPECT_TRUE(table.valid(128));
}

}  // namespace
