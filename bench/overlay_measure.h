// SPDX-License-Identifier: Apache-2.0
// A ring of simulated nodes at rest (tests/simulation), and what it costs each of them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

struct OverlayRun {
  std::size_t nodes = 1000;
  std::uint64_t seed = 1;
  std::uint64_t settle_minutes = 2;   ///< virtual; between the start and the measurement
  std::uint64_t measure_minutes = 3;  ///< virtual
  std::size_t lookups = 2000;
  /// False: the nodes start with the links that joining would give them. True: they join through
  /// three bootstrap nodes, as many at once as are members already.
  bool join = false;
};

/// Rates are of a node and virtual minute. A message counts on every link it passes.
struct OverlayResult {
  OverlayRun run;
  std::string failure;  ///< why there is nothing below; empty: there is
  double messages = 0;
  double pings = 0;    ///< Ping and its answer
  double updates = 0;  ///< Update and its answer
  double bytes = 0;    ///< of RELOAD messages, without link framing
  double links = 0;    ///< of a node, mean
  std::size_t most_links = 0;
  /// Heap of a node's core and overlay algorithm: what came free when all were destroyed, by the
  /// number of nodes. 0: the heap does not say.
  double node_bytes = 0;
  double resident_bytes = 0;  ///< the process grew by so much a node, simulator and all
  double hops = 0;            ///< of a lookup, mean
  std::uint32_t most_hops = 0;
  std::size_t lookups_right = 0;
  double start_s = 0;  ///< wall clock, until the ring was measured
  double wall_s = 0;   ///< wall clock, all of it
  double cpu_s = 0;    ///< CPU time, all of it
};

/// Makes the ring, waits until it is true and at rest, measures.
[[nodiscard]] OverlayResult measure_overlay(const OverlayRun& run);

}  // namespace bench
