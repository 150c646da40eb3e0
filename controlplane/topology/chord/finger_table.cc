// SPDX-License-Identifier: Apache-2.0

#include "controlplane/topology/chord/finger_table.h"

#include <algorithm>

namespace controlplane::topology::chord {

using wire::reload::NodeId;

FingerTable::FingerTable(const NodeId& self) : self_(self), entries_(kLeast) {}

bool FingerTable::offer(const NodeId& id) {
  if (id == self_) return false;
  const unsigned i = ring::finger_of(ring::distance(self_, id));
  if (i > size()) return false;
  if (!valid(i)) entries_[i - 1] = id;
  return entries_[i - 1] == id;
}

std::optional<unsigned> FingerTable::remove(const NodeId& id, std::span<const NodeId> peers) {
  std::optional<unsigned> lost;
  for (unsigned i = 1; i <= size(); ++i) {
    if (entries_[i - 1] != id) continue;
    const bool was_valid = valid(i);
    const ring::Point end = 2 * ring::finger_distance(i) - 1;
    NodeId best;
    ring::Point best_distance = 0;
    for (const NodeId& peer : peers) {
      const ring::Point distance = ring::distance(self_, peer);
      // The furthest that is not behind the range: of the range if it can be, else close before it.
      if (peer == id || distance <= best_distance || distance > end) continue;
      best = peer;
      best_distance = distance;
    }
    entries_[i - 1] = best;
    if (was_valid && !valid(i) && !lost) lost = i;
  }
  return lost;
}

void FingerTable::cover(const NodeId& last_successor) {
  if (last_successor == self_) return;
  const unsigned wanted = std::max(kLeast, ring::finger_of(ring::distance(self_, last_successor)));
  if (wanted > size()) entries_.resize(wanted);
}

void FingerTable::resize(std::size_t entries) {
  entries_.resize(std::clamp<std::size_t>(entries, kLeast, kMost));
}

std::optional<NodeId> FingerTable::at(unsigned i) const noexcept {
  const NodeId& entry = entries_[i - 1];
  if (entry.is_invalid()) return std::nullopt;
  return entry;
}

bool FingerTable::valid(unsigned i) const noexcept {
  const NodeId& entry = entries_[i - 1];
  return !entry.is_invalid() && ring::finger_of(ring::distance(self_, entry)) == i;
}

unsigned FingerTable::valid_count() const noexcept {
  unsigned count = 0;
  for (unsigned i = 1; i <= size(); ++i) count += valid(i) ? 1 : 0;
  return count;
}

bool FingerTable::contains(const NodeId& id) const noexcept {
  if (id == self_) return false;
  const unsigned i = ring::finger_of(ring::distance(self_, id));
  return i <= size() && entries_[i - 1] == id;
}

bool FingerTable::may_hold(unsigned i, const NodeId& successor) const noexcept {
  return 2 * ring::finger_distance(i) - 1 >= ring::distance(self_, successor);
}

NodeId FingerTable::start(unsigned i) const noexcept {
  return ring::add(self_, ring::finger_distance(i));
}

NodeId FingerTable::random_in(unsigned i, const overlay::RandomSource& random) const {
  const ring::Point high = random();
  const ring::Point offset = (high << 64U | random()) & (ring::finger_distance(i) - 1);
  return ring::add(start(i), offset);
}

std::optional<unsigned> FingerTable::pick(const NodeId& successor,
                                          const overlay::RandomSource& random) const {
  for (unsigned i = 1; i <= size() && may_hold(i, successor); ++i) {
    if (!valid(i) && random() >> 63U != 0) return i;
  }
  return std::nullopt;
}

std::vector<NodeId> FingerTable::ascending() const {
  std::vector<NodeId> all;
  for (const NodeId& entry : entries_) {
    if (!entry.is_invalid()) all.push_back(entry);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace controlplane::topology::chord
