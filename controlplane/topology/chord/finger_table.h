// SPDX-License-Identifier: Apache-2.0
// The Finger Table of CHORD-RELOAD (RFC 6940 sections 10.1 and 10.7; requirements I-47, I-49, I-55,
// I-57, I-60).
//
// Entry i, counted from 1, is for a peer 2^(128-i) to 2^(129-i) - 1 steps ahead: entry 1 for the
// far half of the ring, entry 2 for the quarter before it, and so on. An entry is valid while it
// holds a peer of its range; after a failure it holds a stand-in from before the range, which is as
// good as nothing when it comes to searching.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/overlay/io.h"
#include "controlplane/topology/ring.h"
#include "wire/reload/ids.h"

namespace controlplane::topology::chord {

class FingerTable {
 public:
  static constexpr unsigned kLeast = 16;  ///< I-60
  static constexpr unsigned kMost = ring::kBits;

  explicit FingerTable(const wire::reload::NodeId& self);

  /// Puts @p id into the entry in whose range it lies, unless that is valid. Returns whether it is
  /// used now.
  bool offer(const wire::reload::NodeId& id);
  /// I-47: every reference to @p id is replaced by another peer of that range, or else by the
  /// closest peer before it, out of @p peers (Finger and Neighbor Table, without @p id). Returns
  /// the first entry that lost its peer and found none of its range; nullopt when there is none.
  std::optional<unsigned> remove(const wire::reload::NodeId& id,
                                 std::span<const wire::reload::NodeId> peers);
  /// Makes it so many entries long, kLeast at least.
  void resize(std::size_t entries);
  /// Makes room so that the range of the last successor is covered, 16 entries at least (I-60).
  void cover(const wire::reload::NodeId& last_successor);

  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(entries_.size()); }
  /// @pre 1 <= i <= size(), here and below
  /// nullopt: empty
  [[nodiscard]] std::optional<wire::reload::NodeId> at(unsigned i) const noexcept;
  [[nodiscard]] bool valid(unsigned i) const noexcept;  ///< I-55
  [[nodiscard]] unsigned valid_count() const noexcept;
  /// A valid entry holds it.
  [[nodiscard]] bool contains(const wire::reload::NodeId& id) const noexcept;
  /// Somebody may be in the range of i: it does not end before the first successor.
  [[nodiscard]] bool may_hold(unsigned i, const wire::reload::NodeId& successor) const noexcept;

  [[nodiscard]] wire::reload::NodeId start(unsigned i) const noexcept;
  [[nodiscard]] wire::reload::NodeId random_in(unsigned i,
                                               const overlay::RandomSource& random) const;
  /// I-57: an entry to search for: of those that are not valid but may be, each is taken with
  /// probability one half, lowest first. nullopt: none this time.
  [[nodiscard]] std::optional<unsigned> pick(const wire::reload::NodeId& successor,
                                             const overlay::RandomSource& random) const;
  /// Every peer in it once, in numerically ascending order (I-49).
  [[nodiscard]] std::vector<wire::reload::NodeId> ascending() const;

 private:
  wire::reload::NodeId self_;
  std::vector<wire::reload::NodeId> entries_;  // the invalid Node-ID: empty
};

}  // namespace controlplane::topology::chord
