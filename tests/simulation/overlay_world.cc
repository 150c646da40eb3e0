// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/overlay_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "controlplane/topology/chord/chord_topology.h"

namespace tests::simulation {

using controlplane::overlay::MembershipWish;
using controlplane::overlay::Outcome;
using controlplane::overlay::RandomSource;
using wire::reload::NodeId;

std::uint64_t seed_or(std::uint64_t usual) {
  const char* given = std::getenv("HOPSEAL_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

std::string replay_with(std::uint64_t seed) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return "replay: HOPSEAL_SEED=" + std::to_string(seed) +
         " build/tests/simulation/simulation_test --gtest_filter=" + test->test_suite_name() + "." +
         test->name();
}

WorldSettings chord_world(std::uint64_t seed) {
  WorldSettings settings;
  settings.seed = seed;
  settings.make_topology = [](const NodeId& self, RandomSource random) {
    return std::make_unique<controlplane::topology::chord::ChordTopology>(
        self, controlplane::topology::chord::Settings{}, std::move(random));
  };
  return settings;
}

void found(World& world) { world.wish(world.add(), MembershipWish::kFound); }

std::vector<std::uint32_t> join(World& world, std::size_t count, std::uint64_t apart_ns) {
  std::vector<std::uint32_t> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    nodes.push_back(world.add());
    world.wish(nodes.back(), MembershipWish::kJoin);
    world.run_for(apart_ns);
  }
  return nodes;
}

bool grow(World& world, std::size_t nodes, std::uint64_t apart_ns) {
  found(world);
  join(world, nodes - 1, apart_ns);
  return world.run_until([&world] { return is_one_ring(world); }, 300 * kSecondNs);
}

bool is_one_ring(const World& world) {
  for (std::uint32_t node = 0; node < world.size(); ++node) {
    if (world.is_alive(node) && !world.is_member(node)) return false;
  }
  return world.misplaced().empty();
}

LookupReport look_up_some(World& world, std::size_t count, std::uint64_t apart_ns) {
  std::vector<const Lookup*> lookups;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<std::uint32_t> members = world.members();
    NodeId point;
    for (std::byte& byte : point.bytes) byte = static_cast<std::byte>(world.random().next());
    lookups.push_back(&world.look_up(members[world.random().below(members.size())], point));
    world.run_for(apart_ns);
  }
  world.run_until(
      [&lookups] {
        return std::all_of(lookups.begin(), lookups.end(),
                           [](const Lookup* lookup) { return lookup->done; });
      },
      20 * kSecondNs);
  LookupReport report;
  std::uint64_t hops = 0;
  std::size_t travelled = 0;
  for (const Lookup* lookup : lookups) {
    ++report.asked;
    const bool answered = lookup->done && lookup->outcome == Outcome::kAnswered;
    if (!answered) {
      ++report.failed;
    } else if (lookup->responder == lookup->responsible) {
      ++report.right;
    } else {
      ++report.wrong;
    }
    if (answered && lookup->hops != 0) {
      hops += lookup->hops;
      ++travelled;
      report.most_hops = std::max(report.most_hops, lookup->hops);
    }
  }
  if (travelled != 0) report.mean_hops = static_cast<double>(hops) / static_cast<double>(travelled);
  return report;
}

}  // namespace tests::simulation
