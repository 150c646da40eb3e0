// SPDX-License-Identifier: Apache-2.0
// Thousands of nodes in one process, on a virtual clock: joining, failing, splitting, churning
// (RFC 6940 section 10; requirements I-16 to I-66).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "controlplane/topology/chord/chord_topology.h"
#include "tests/simulation/overlay_world.h"

namespace tests::simulation {
namespace {

using controlplane::overlay::MembershipWish;

/// The command that runs the current test again with @p seed.
std::string replay_with(std::uint64_t seed) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return "replay: HOPSEAL_SEED=" + std::to_string(seed) +
         " build/tests/simulation/simulation_test --gtest_filter=" + test->test_suite_name() + "." +
         test->name();
}

constexpr std::uint64_t kMinuteNs = 60 * kSecondNs;

/// What CHORD-RELOAD promises with fingers at every power of two, and one hop of slack.
double allowed_hops(std::size_t nodes) { return 0.5 * std::log2(static_cast<double>(nodes)) + 1; }

void print(const char* what, const World& world, const LookupReport& report) {
  std::printf(
      "  %s: %zu members, t = %llu s, %zu lookups: %zu right, %zu by a neighbour, %zu failed, "
      "hops mean %.2f most %u\n",
      what, world.members().size(), static_cast<unsigned long long>(world.now_ns() / kSecondNs),
      report.asked, report.right, report.wrong, report.failed, report.mean_hops, report.most_hops);
}

TEST(Simulation, AThousandNodesJoinOneByOneAndInBursts) {
  const std::uint64_t seed = seed_or(1);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  found(world);
  join(world, 499, kSecondNs);
  for (int burst = 0; burst < 10; ++burst) {
    join(world, 50, 0);
    world.run_for(10 * kSecondNs);
  }
  EXPECT_TRUE(world.run_until([&world] { return is_one_ring(world); }, 5 * kMinuteNs));
  EXPECT_EQ(world.members().size(), 1000U);
  const LookupReport report = look_up_some(world, 2000, 10 * kMillisecondNs);
  print("joined", world, report);
  EXPECT_EQ(report.right, report.asked);
  EXPECT_LE(report.mean_hops, allowed_hops(1000));
}

/// The ring is right again, and every lookup answered, this long after the failure.
class Failures : public testing::TestWithParam<std::pair<double, std::uint64_t>> {};

TEST_P(Failures, AtOnceLeaveOneRing) {
  const auto [share, within_ns] = GetParam();
  const std::uint64_t seed = seed_or(2);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 300, 200 * kMillisecondNs));
  for (std::uint32_t node = 1; node < world.size(); ++node) {
    if (world.random().chance(share)) world.crash(node);
  }
  const std::uint64_t before = world.now_ns();
  EXPECT_TRUE(world.run_until([&world] { return is_one_ring(world); }, within_ns))
      << world.misplaced().size() << " misplaced";
  std::printf("  healed in %llu s\n",
              static_cast<unsigned long long>((world.now_ns() - before) / kSecondNs));
  const LookupReport report = look_up_some(world, 500, 10 * kMillisecondNs);
  print("after the failure", world, report);
  EXPECT_EQ(report.right, report.asked);
}

INSTANTIATE_TEST_SUITE_P(Simulation, Failures,
                         testing::Values(std::pair{0.1, 5 * kMinuteNs},
                                         std::pair{0.3, 15 * kMinuteNs}));

TEST(Simulation, APartitionOfHalfTheRingHeals) {
  const std::uint64_t seed = seed_or(3);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 100, 500 * kMillisecondNs));
  for (std::uint32_t node = 0; node < world.size(); ++node) world.set_group(node, node % 2);
  world.run_for(10 * kMinuteNs);
  EXPECT_TRUE(world.misplaced().empty()) << "each half is a ring of its own";
  for (std::uint32_t node = 0; node < world.size(); ++node) world.set_group(node, 0);
  const std::uint64_t before = world.now_ns();
  EXPECT_TRUE(world.run_until([&world] { return is_one_ring(world); }, 30 * kMinuteNs))
      << world.misplaced().size() << " misplaced";
  std::printf("  one ring again after %llu s\n",
              static_cast<unsigned long long>((world.now_ns() - before) / kSecondNs));
}

TEST(Simulation, LookupsSurviveAnHourOfChurn) {
  const std::uint64_t seed = seed_or(4);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 200, 300 * kMillisecondNs));
  // 5 % a minute: of 200 nodes every six seconds one dies and a new one comes.
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (int round = 0; round < 600; ++round) {
    const auto members = world.members();
    const std::uint32_t victim = members[world.random().below(members.size())];
    if (victim >= 3) world.crash(victim);  // the configured bootstrap nodes stay
    join(world, 1, 0);
    const LookupReport report = look_up_some(world, 2, 3 * kSecondNs);
    asked += report.asked;
    answered += report.asked - report.failed;
  }
  std::printf("  %zu of %zu lookups answered, %zu members\n", answered, asked,
              world.members().size());
  EXPECT_GE(static_cast<double>(answered), 0.99 * static_cast<double>(asked));
}

TEST(Simulation, LossDuplicatesAndWrongClocksAreBorne) {
  const std::uint64_t seed = seed_or(5);
  SCOPED_TRACE(replay_with(seed));
  WorldSettings settings = chord_world(seed);
  settings.network.loss = 0.02;
  settings.network.duplicate = 0.02;
  settings.network.jitter_ns = 50 * kMillisecondNs;
  World world(settings);
  found(world);
  join(world, 49, kSecondNs);
  for (std::uint32_t node = 0; node < world.size(); ++node) {
    world.skew(node, static_cast<std::int64_t>(world.random().below(600'000)) - 300'000);
  }
  EXPECT_TRUE(world.run_until([&world] { return is_one_ring(world); }, 5 * kMinuteNs));
  const LookupReport report = look_up_some(world, 500, 100 * kMillisecondNs);
  print("with loss", world, report);
  EXPECT_EQ(report.right, report.asked);
}

/// How long node 7 of a ring of 20 takes from its start until all 20 are one ring.
std::uint64_t return_of_a_node(World& world) {
  world.restart(7);
  const std::uint64_t begun_ns = world.now_ns();
  world.wish(7, MembershipWish::kJoin);
  EXPECT_TRUE(world.run_until([&world] { return is_one_ring(world); }, 5 * kMinuteNs));
  return world.now_ns() - begun_ns;
}

// The others still have its links, which it does not know of.
TEST(Simulation, ANodeComesBackWithoutItsMemory) {
  const std::uint64_t seed = seed_or(6);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 20, kSecondNs));
  world.crash(7);
  world.run_for(3 * kSecondNs);
  const std::uint64_t took_ns = return_of_a_node(world);
  std::printf("back after a crash in %.1f s\n", static_cast<double>(took_ns) / kSecondNs);
  EXPECT_LE(took_ns, 10 * kSecondNs);
}

TEST(Simulation, ANodeThatLeftComesBackAtOnce) {
  const std::uint64_t seed = seed_or(9);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 20, kSecondNs));
  world.wish(7, MembershipWish::kLeave);
  world.run_for(3 * kSecondNs);
  EXPECT_EQ(world.links_of(7), 0U);
  world.crash(7);
  const std::uint64_t took_ns = return_of_a_node(world);
  std::printf("back after it left in %.1f s\n", static_cast<double>(took_ns) / kSecondNs);
  EXPECT_LE(took_ns, 10 * kSecondNs);
}

TEST(Simulation, NodesThatLeaveAreMissedAtOnce) {
  const std::uint64_t seed = seed_or(7);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 30, kSecondNs));
  for (const std::uint32_t node : {5U, 6U, 20U}) world.wish(node, MembershipWish::kLeave);
  EXPECT_TRUE(world.run_until([&world] { return world.misplaced().empty(); }, 20 * kSecondNs));
  EXPECT_EQ(world.members().size(), 27U);
}

/// Every client is attached, and answers a Ping of some member to its Node-ID.
void expect_clients_reached(World& world, const std::vector<std::uint32_t>& clients,
                            std::uint64_t within_ns) {
  const auto all_attached = [&] {
    return std::ranges::all_of(clients, [&](std::uint32_t node) { return world.is_client(node); });
  };
  ASSERT_TRUE(world.run_until(all_attached, within_ns));
  const auto members = world.members();
  std::vector<Lookup*> asked;
  for (const std::uint32_t client : clients) {
    asked.push_back(&world.ask(members[world.random().below(members.size())], world.id_of(client)));
    asked.push_back(&world.look_up(client, world.id_of(members.front())));
  }
  world.run_for(20 * kSecondNs);
  for (const Lookup* lookup : asked) {
    EXPECT_EQ(lookup->outcome, controlplane::overlay::Outcome::kAnswered);
    EXPECT_EQ(lookup->responder, lookup->responsible);
  }
  world.forget_lookups();
}

TEST(Simulation, ClientsAreReachedWhoeverComesAndGoes) {  // RFC 6940 section 4.2.1
  const std::uint64_t seed = seed_or(9);
  SCOPED_TRACE(replay_with(seed));
  World world(chord_world(seed));
  ASSERT_TRUE(grow(world, 60, 200 * kMillisecondNs));
  std::vector<std::uint32_t> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(world.add_client());
    world.wish(clients.back(), MembershipWish::kJoin);
  }
  expect_clients_reached(world, clients, kMinuteNs);
  EXPECT_EQ(world.members().size(), 60U);
  EXPECT_TRUE(world.misplaced().empty()) << "clients are in nobody's tables";

  // As many peers again, who take over parts in which clients are.
  join(world, 60, 100 * kMillisecondNs);
  ASSERT_TRUE(world.run_until([&world] { return world.members().size() == 120; }, kMinuteNs));
  world.run_for(kMinuteNs);
  expect_clients_reached(world, clients, kMinuteNs);

  // A third of the peers dies; the clients of these notice, and look for others.
  const std::vector<std::uint32_t> members = world.members();
  for (const std::uint32_t node : members) {
    if (node >= 3 && world.random().chance(0.3)) world.crash(node);
  }
  ASSERT_TRUE(world.run_until([&world] { return world.misplaced().empty(); }, 5 * kMinuteNs));
  world.run_for(kMinuteNs);
  expect_clients_reached(world, clients, 5 * kMinuteNs);

  for (const std::uint32_t client : clients) world.wish(client, MembershipWish::kLeave);
  world.run_for(kMinuteNs);
  for (const std::uint32_t client : clients) {
    EXPECT_FALSE(world.is_client(client));
    EXPECT_EQ(world.links_of(client), 0U);
  }
  EXPECT_TRUE(world.misplaced().empty());
}

/// Of all members.
std::uint64_t median_interval_ns(const World& world) {
  std::vector<std::uint64_t> all;
  for (const std::uint32_t node : world.members()) {
    const auto& chord =
        dynamic_cast<const controlplane::topology::chord::ChordTopology&>(world.topology_of(node));
    all.push_back(chord.interval_ns());
  }
  std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
  return all[all.size() / 2];
}

TEST(Simulation, SelfTuningFollowsTheChurn) {  // RFC 7363, N1-04 to N1-15
  const std::uint64_t seed = seed_or(10);
  SCOPED_TRACE(replay_with(seed));
  World world(self_tuning_world(seed));
  ASSERT_TRUE(grow(world, 150, 300 * kMillisecondNs));
  world.run_for(120 * kMinuteNs);
  EXPECT_TRUE(is_one_ring(world));
  const std::uint64_t quiet_ns = median_interval_ns(world);
  std::vector<double> sizes;
  for (const std::uint32_t node : world.members()) {
    const auto& chord =
        dynamic_cast<const controlplane::topology::chord::ChordTopology&>(world.topology_of(node));
    sizes.push_back(chord.estimates().peers);
  }
  std::ranges::sort(sizes);
  std::printf("  quiet: every %llu s, 150 peers estimated at %.0f\n",
              static_cast<unsigned long long>(quiet_ns / kSecondNs), sizes[sizes.size() / 2]);
  EXPECT_NEAR(sizes[sizes.size() / 2], 150, 60);

  // A mean life of a quarter of an hour.
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (int round = 0; round < 300; ++round) {
    const auto members = world.members();
    const std::uint32_t victim = members[world.random().below(members.size())];
    if (victim >= 3) world.crash(victim);
    join(world, 1, 6 * kSecondNs);
    if (round < 60 || round % 10 != 0) continue;
    const LookupReport report = look_up_some(world, 20, 10 * kMillisecondNs);
    asked += report.asked;
    answered += report.right;
  }
  const std::uint64_t busy_ns = median_interval_ns(world);
  std::printf("  churn: every %llu s, %zu of %zu lookups right\n",
              static_cast<unsigned long long>(busy_ns / kSecondNs), answered, asked);
  EXPECT_LT(busy_ns * 4, quiet_ns);
  EXPECT_GE(static_cast<double>(answered), 0.98 * static_cast<double>(asked));
}

TEST(Simulation, ASeedReplaysExactly) {
  const auto run = [](std::uint64_t seed) {
    WorldSettings settings = chord_world(seed);
    settings.network.loss = 0.05;
    World world(settings);
    found(world);
    join(world, 30, kSecondNs);
    world.run_for(2 * kMinuteNs);
    const WorldCounters& counters = world.counters();
    return std::tuple{counters.messages, counters.bytes, counters.lost, counters.handshakes};
  };
  EXPECT_EQ(run(11), run(11));
  EXPECT_NE(run(11), run(12));
}

}  // namespace
}  // namespace tests::simulation
