// SPDX-License-Identifier: Apache-2.0
// The Neighbor Table of CHORD-RELOAD: the nearest peers on either side of this one
// (RFC 6940 sections 10.1 and 10.7; requirements I-38 to I-40).
//
// It holds Node-IDs only. Who may be in it, namely peers with a usable link, is its owner's to say;
// which of those are nearest is said here. In a small ring a peer is both a predecessor and a
// successor.

#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "wire/reload/ids.h"

namespace controlplane::topology::chord {

class NeighborTable {
 public:
  /// What the RFC asks for on each side at least (I-38).
  static constexpr std::size_t kLeastPerSide = 3;

  /// @param per_side  raised to kLeastPerSide
  NeighborTable(const wire::reload::NodeId& self, std::size_t per_side);

  /// Makes the table the nearest of @p candidates, in any order; one that is this node itself is
  /// skipped (I-39). A lost neighbour is replaced that way by the best match left (I-40). Returns
  /// whether the table changed. O(candidates x per_side).
  bool assign(std::span<const wire::reload::NodeId> candidates);
  /// Another number of neighbours on a side, raised to kLeastPerSide. A smaller table keeps the
  /// nearest; a larger one is filled by the next assign().
  void resize(std::size_t per_side);
  /// Takes @p id in if it is nearer than what is there or there is room. Returns whether the table
  /// changed.
  bool offer(const wire::reload::NodeId& id);
  /// offer() would take it.
  [[nodiscard]] bool would_take(const wire::reload::NodeId& id) const noexcept;
  [[nodiscard]] bool contains(const wire::reload::NodeId& id) const noexcept;

  /// Nearest first.
  [[nodiscard]] std::span<const wire::reload::NodeId> predecessors() const noexcept {
    return predecessors_;
  }
  [[nodiscard]] std::span<const wire::reload::NodeId> successors() const noexcept {
    return successors_;
  }
  [[nodiscard]] bool empty() const noexcept { return successors_.empty(); }
  [[nodiscard]] std::size_t per_side() const noexcept { return per_side_; }

 private:
  wire::reload::NodeId self_;
  std::size_t per_side_;
  std::vector<wire::reload::NodeId> predecessors_;
  std::vector<wire::reload::NodeId> successors_;
};

}  // namespace controlplane::topology::chord
