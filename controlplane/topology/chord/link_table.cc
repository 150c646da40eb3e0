// SPDX-License-Identifier: Apache-2.0

#include "controlplane/topology/chord/link_table.h"

#include <algorithm>

#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using wire::reload::NodeId;

namespace {

bool before(const Link& link, const NodeId& id) { return link.id < id; }

template <class Links, class Is>
auto* first_that(Links& links, Is is) {
  const auto found = std::find_if(links.begin(), links.end(), is);
  return found == links.end() ? nullptr : &*found;
}

}  // namespace

Link* LinkTable::find(const NodeId& id) noexcept {
  const auto found = std::lower_bound(links_.begin(), links_.end(), id, before);
  return found != links_.end() && found->id == id ? &*found : nullptr;
}

const Link* LinkTable::find(const NodeId& id) const noexcept {
  const auto found = std::lower_bound(links_.begin(), links_.end(), id, before);
  return found != links_.end() && found->id == id ? &*found : nullptr;
}

Link* LinkTable::by_slot(std::uint16_t slot) noexcept {
  return first_that(links_, [slot](const Link& link) { return link.slot == slot; });
}

Link* LinkTable::by_serial(std::uint32_t serial) noexcept {
  return first_that(links_, [serial](const Link& link) { return link.serial == serial; });
}

Link& LinkTable::make(const NodeId& id) {
  const auto place = std::lower_bound(links_.begin(), links_.end(), id, before);
  if (place != links_.end() && place->id == id) return *place;
  Link& link = *links_.emplace(place);
  link.id = id;
  link.serial = ++last_serial_;
  return link;
}

void LinkTable::erase(const NodeId& id) {
  const auto place = std::lower_bound(links_.begin(), links_.end(), id, before);
  if (place != links_.end() && place->id == id) links_.erase(place);
}

const Link* LinkTable::last_in(const NodeId& after, const NodeId& upto) const noexcept {
  const Link* best = nullptr;
  ring::Point best_distance = 0;
  const ring::Point length = ring::distance(after, upto);
  for (const Link& link : links_) {
    if (!link.routable()) continue;
    const ring::Point distance = ring::distance(after, link.id);
    if (distance == 0 || distance > length || distance <= best_distance) continue;
    best = &link;
    best_distance = distance;
  }
  return best;
}

const Link* LinkTable::first_behind(const NodeId& point) const noexcept {
  const Link* best = nullptr;
  ring::Point best_distance = 0;
  for (const Link& link : links_) {
    if (!link.routable()) continue;
    // One less, so that the point itself is the furthest.
    const ring::Point distance = ring::distance(point, link.id) - 1;
    if (best != nullptr && distance >= best_distance) continue;
    best = &link;
    best_distance = distance;
  }
  return best;
}

}  // namespace controlplane::topology::chord
