// SPDX-License-Identifier: Apache-2.0
// Worlds of CHORD-RELOAD for tests and benches, and what is commonly done with them.

#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulation/world.h"

namespace tests::simulation {

/// The seed of this run: HOPSEAL_SEED, or @p usual.
[[nodiscard]] std::uint64_t seed_or(std::uint64_t usual);

/// Settings with the defaults of the RFC, a network without loss, CHORD-RELOAD.
[[nodiscard]] WorldSettings chord_world(std::uint64_t seed);
/// The same with CHORD-SELF-TUNING (RFC 7363).
[[nodiscard]] WorldSettings self_tuning_world(std::uint64_t seed);

/// Adds the first node, which takes the whole ring.
void found(World& world);
/// Adds @p count nodes, one every @p apart_ns, each told to join.
std::vector<std::uint32_t> join(World& world, std::size_t count, std::uint64_t apart_ns);

/// found() and join(), then time until they are one ring. False when five minutes are not enough.
[[nodiscard]] bool grow(World& world, std::size_t nodes, std::uint64_t apart_ns);

/// Adds @p count nodes that are one ring from the start: each has the links that joining asks for,
/// to its three successors and to whoever is responsible for the points half the ring ahead, a
/// quarter, and so on (RFC 6940 section 10.5), and founds. Then their Updates tell each who is
/// whose neighbour, as they do when two rings meet. It takes a few virtual seconds until
/// is_one_ring().
///
/// For worlds in which joining by the protocol would take too long. It is not the very ring that
/// joining makes: that has fewer links (docs/performance.md has figures of both).
/// @pre the world is empty
void start_linked(World& world, std::size_t count);

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
/// @pre there is a member
[[nodiscard]] LookupReport look_up_some(World& world, std::size_t count, std::uint64_t apart_ns);

}  // namespace tests::simulation
