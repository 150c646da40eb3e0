// SPDX-License-Identifier: Apache-2.0

#include "controlplane/topology/chord/neighbor_table.h"

#include <algorithm>

#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using wire::reload::NodeId;

namespace {

/// Where @p id belongs among @p side, which is ordered by distance.
template <class Distance>
std::size_t place_of(const NodeId& id, const std::vector<NodeId>& side, Distance distance) {
  const auto found =
      std::lower_bound(side.begin(), side.end(), id,
                       [&](const NodeId& a, const NodeId& b) { return distance(a) < distance(b); });
  return static_cast<std::size_t>(found - side.begin());
}

template <class Distance>
bool takes(const NodeId& id, const std::vector<NodeId>& side, std::size_t most, Distance distance) {
  const std::size_t place = place_of(id, side, distance);
  return place < most && (place == side.size() || side[place] != id);
}

template <class Distance>
bool insert(const NodeId& id, std::vector<NodeId>& side, std::size_t most, Distance distance) {
  const std::size_t place = place_of(id, side, distance);
  if (place >= most || (place < side.size() && side[place] == id)) return false;
  if (side.size() == most) side.pop_back();
  side.insert(side.begin() + static_cast<std::ptrdiff_t>(place), id);
  return true;
}

auto below(const NodeId& self) {
  return [self](const NodeId& id) { return ring::distance(id, self); };
}

auto above(const NodeId& self) {
  return [self](const NodeId& id) { return ring::distance(self, id); };
}

}  // namespace

NeighborTable::NeighborTable(const NodeId& self, std::size_t per_side)
    : self_(self), per_side_(std::max(per_side, kLeastPerSide)) {}

bool NeighborTable::assign(std::span<const NodeId> candidates) {
  std::vector<NodeId> predecessors;
  std::vector<NodeId> successors;
  predecessors.swap(predecessors_);
  successors.swap(successors_);
  predecessors_.reserve(predecessors.size());
  successors_.reserve(successors.size());
  for (const NodeId& id : candidates) offer(id);
  return predecessors != predecessors_ || successors != successors_;
}

void NeighborTable::resize(std::size_t per_side) {
  per_side_ = std::max(per_side, kLeastPerSide);
  predecessors_.resize(std::min(predecessors_.size(), per_side_));
  successors_.resize(std::min(successors_.size(), per_side_));
}

bool NeighborTable::offer(const NodeId& id) {
  if (id == self_) return false;
  const bool as_predecessor = insert(id, predecessors_, per_side_, below(self_));
  const bool as_successor = insert(id, successors_, per_side_, above(self_));
  return as_predecessor || as_successor;
}

bool NeighborTable::would_take(const NodeId& id) const noexcept {
  return id != self_ && (takes(id, predecessors_, per_side_, below(self_)) ||
                         takes(id, successors_, per_side_, above(self_)));
}

bool NeighborTable::contains(const NodeId& id) const noexcept {
  return std::find(predecessors_.begin(), predecessors_.end(), id) != predecessors_.end() ||
         std::find(successors_.begin(), successors_.end(), id) != successors_.end();
}

}  // namespace controlplane::topology::chord
