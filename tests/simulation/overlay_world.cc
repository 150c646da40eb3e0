// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/overlay_world.h"

#include <algorithm>
#include <cstdlib>

#include "controlplane/topology/chord/chord_topology.h"
#include "controlplane/topology/ring.h"

namespace tests::simulation {

using controlplane::overlay::MembershipWish;
using controlplane::overlay::Outcome;
using controlplane::overlay::RandomSource;
using wire::reload::NodeId;

std::uint64_t seed_or(std::uint64_t usual) {
  const char* given = std::getenv("HOPSEAL_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

namespace {

WorldSettings world_of(std::uint64_t seed, bool self_tuning) {
  WorldSettings settings;
  settings.seed = seed;
  const auto maker = [self_tuning](bool is_client) {
    return [self_tuning, is_client](const NodeId& self, RandomSource random) {
      controlplane::topology::chord::Settings chord;
      chord.is_client = is_client;
      chord.self_tuning = self_tuning;
      return std::make_unique<controlplane::topology::chord::ChordTopology>(self, chord,
                                                                            std::move(random));
    };
  };
  settings.make_topology = maker(false);
  settings.make_client = maker(true);
  return settings;
}

}  // namespace

WorldSettings chord_world(std::uint64_t seed) { return world_of(seed, false); }

WorldSettings self_tuning_world(std::uint64_t seed) { return world_of(seed, true); }

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

void start_linked(World& world, std::size_t count) {
  namespace ring = controlplane::topology::ring;
  constexpr std::size_t kSuccessors = controlplane::topology::chord::NeighborTable::kLeastPerSide;
  std::vector<std::pair<NodeId, std::uint32_t>> around;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t node = world.add();
    around.emplace_back(world.id_of(node), node);
  }
  std::sort(around.begin(), around.end());
  const auto responsible = [&around](const NodeId& point) {
    const auto found = std::lower_bound(
        around.begin(), around.end(), point,
        [](const auto& peer, const NodeId& wanted) { return peer.first < wanted; });
    return found == around.end() ? around.front().second : found->second;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [self, node] = around[i];
    for (std::size_t k = 1; k <= std::min(kSuccessors, count - 1); ++k) {
      world.connect(node, around[(i + k) % count].second);
    }
    const ring::Point nearest = ring::distance(self, around[(i + 1) % count].first);
    for (unsigned finger = 1; finger <= ring::kBits; ++finger) {
      const ring::Point ahead = ring::finger_distance(finger);
      if (ahead <= nearest) break;
      const std::uint32_t peer = responsible(ring::add(self, ahead));
      if (peer != node) world.connect(node, peer);
    }
  }
  for (std::uint32_t node = 0; node < count; ++node) world.wish(node, MembershipWish::kFound);
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
    NodeId point;
    for (std::byte& byte : point.bytes) byte = static_cast<std::byte>(world.random().next());
    const auto any = [&world] {
      return static_cast<std::uint32_t>(world.random().below(world.size()));
    };
    std::uint32_t member = any();
    while (!world.is_member(member)) member = any();
    lookups.push_back(&world.look_up(member, point));
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
