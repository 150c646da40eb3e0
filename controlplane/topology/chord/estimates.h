// SPDX-License-Identifier: Apache-2.0
// How large a ring is, how fast its peers come and go, and how often it is to be stabilized for
// that (RFC 7363 section 6; requirements N1-08 to N1-15). Arithmetic only.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "wire/reload/ids.h"
#include "wire/reload/self_tuning.h"

namespace controlplane::topology::chord {

struct Estimates {
  double peers = 1;           ///< N, this one among them
  double joins_per_s = 0;     ///< L, of the whole overlay
  double failures_per_s = 0;  ///< U, of one peer: the inverse of its mean life
};

/// N from how densely the neighbours lie (section 6.1). Both sides nearest first. Where they meet
/// they are the whole ring and are counted.
[[nodiscard]] double estimate_peers(const wire::reload::NodeId& self,
                                    std::span<const wire::reload::NodeId> predecessors,
                                    std::span<const wire::reload::NodeId> successors);

/// L from how long the peers in the routing table have been there (section 6.4); 0 when no age is
/// known.
[[nodiscard]] double estimate_joins_per_s(double peers, std::vector<double> ages_s);

/// The last failures of peers in the routing table, and U from them (section 6.3).
class FailureHistory {
 public:
  /// The node has joined: what is counted begins here.
  void begin(std::uint64_t now_ns);
  void add(std::uint64_t now_ns);
  /// @param table_size  peers in the routing table; K is a quarter of them, one at least
  [[nodiscard]] double failures_per_s(std::uint64_t now_ns, std::size_t table_size);

 private:
  std::deque<std::uint64_t> times_;  // of joining or an old failure, then of at most K failures
};

/// Third quartile (N1-14), by nearest rank. @pre @p values is not empty
[[nodiscard]] double third_quartile(std::vector<double> values);

/// Each figure the third quartile of ours and of those that were received (section 6.5).
[[nodiscard]] Estimates agree(const Estimates& own,
                              std::span<const wire::reload::SelfTuningData> received);
/// For the wire: rates for 24 hours, rounded up, at most what 32 bits hold.
[[nodiscard]] wire::reload::SelfTuningData to_share(const Estimates& estimates);

/// ceil(log2 N): entries of a side of the Neighbor Table and of the Finger Table, above their least
/// (N1-09).
[[nodiscard]] std::size_t table_size_for(double peers);

/// Tstab (section 6.6), between @p least_ns and @p most_ns.
[[nodiscard]] std::uint64_t stabilization_ns(const Estimates& estimates, std::uint64_t least_ns,
                                             std::uint64_t most_ns);

}  // namespace controlplane::topology::chord
