// SPDX-License-Identifier: Apache-2.0
// Worlds of CHORD-RELOAD for tests and benches, and what is commonly done with them.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace tests::simulation {

/// The seed of this run: HOPSEAL_SEED, or @p usual.
[[nodiscard]] std::uint64_t seed_or(std::uint64_t usual);
/// The command that runs the current test again with @p seed.
[[nodiscard]] std::string replay_with(std::uint64_t seed);

/// Settings with the defaults of the RFC, a network without loss, CHORD-RELOAD.
[[nodiscard]] WorldSettings chord_world(std::uint64_t seed);

/// Adds the first node, which takes the whole ring.
void found(World& world);
/// Adds @p count nodes, one every @p apart_ns, each told to join.
std::vector<std::uint32_t> join(World& world, std::size_t count, std::uint64_t apart_ns);

/// found() and join(), then time until they are one ring. False when five minutes are not enough.
[[nodiscard]] bool grow(World& world, std::size_t nodes, std::uint64_t apart_ns);

/// Every node that is alive is a member and no member is misplaced.
[[nodiscard]] bool is_one_ring(const World& world);

struct LookupReport {
  std::size_t asked = 0;
  std::size_t right = 0;  ///< answered by the node that was responsible
  std::size_t wrong = 0;  ///< answered by another that was a member all the same
  std::size_t failed = 0;
  double mean_hops = 0;  ///< of those that left their node
  std::uint32_t most_hops = 0;
};

/// Asks for @p count random points from random members, one every @p apart_ns, and waits for all.
[[nodiscard]] LookupReport look_up_some(World& world, std::size_t count, std::uint64_t apart_ns);

}  // namespace tests::simulation
