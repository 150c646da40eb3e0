// SPDX-License-Identifier: Apache-2.0

#include "controlplane/topology/static_topology.h"

#include <algorithm>
#include <utility>

#include "controlplane/topology/ring.h"

namespace controlplane::topology {

using wire::reload::kNodeIdBytes;
using wire::reload::NodeId;

StaticTopology::StaticTopology(const NodeId& self, bool is_peer, std::vector<StaticPeer> peers)
    : self_(self), predecessor_(self), is_peer_(is_peer), peers_(std::move(peers)) {
  std::sort(peers_.begin(), peers_.end(),
            [](const StaticPeer& a, const StaticPeer& b) { return a.id < b.id; });
  for (const StaticPeer& peer : peers_) {
    if (!peer.is_peer || peer.id == self_) continue;
    // The nearest peer below us; the first one found replaces "nobody", which is ourselves.
    if (predecessor_ == self_ ||
        ring::distance(peer.id, self_) < ring::distance(predecessor_, self_)) {
      predecessor_ = peer.id;
    }
  }
}

void StaticTopology::link_changed(const overlay::Now& /*now*/, std::uint16_t slot, bool usable,
                                  Wishes& wishes) {
  const auto known = std::find_if(peers_.begin(), peers_.end(),
                                  [slot](const StaticPeer& peer) { return peer.slot == slot; });
  if (known == peers_.end()) return;
  const auto found = std::find(down_.begin(), down_.end(), slot);
  if (usable == (found == down_.end())) return;
  if (usable) {
    down_.erase(found);
  } else {
    down_.push_back(slot);
  }
  wishes.routes_changed |= known->is_peer;
}

void StaticTopology::fill_routes(wire::shm::RouteTable& table) const {
  table = wire::shm::RouteTable{};
  table.self = self_;
  table.predecessor = predecessor_;
  table.is_peer = is_peer_ ? 1 : 0;
  for (const StaticPeer& peer : peers_) {
    if (table.connection_count == wire::shm::kMaxLinks) break;
    const wire::shm::RouteEntry entry{peer.id, peer.slot, {}};
    table.connections[table.connection_count++] = entry;
    const bool down = std::find(down_.begin(), down_.end(), peer.slot) != down_.end();
    if (peer.is_peer && !down) table.peers[table.peer_count++] = entry;
  }
}

bool StaticTopology::is_responsible(std::span<const std::byte> resource_id) const {
  if (!is_peer_ || resource_id.size() != kNodeIdBytes) return false;
  return wire::reload::in_interval(NodeId::from(resource_id.first<kNodeIdBytes>()), predecessor_,
                                   self_);
}

bool StaticTopology::accepts_responder(std::span<const std::byte> resource_id,
                                       const NodeId& responder) const {
  if (resource_id.size() != kNodeIdBytes) return false;
  const NodeId point = NodeId::from(resource_id.first<kNodeIdBytes>());
  const auto theirs = ring::distance(point, responder);
  if (is_peer_ && ring::distance(point, self_) < theirs) return false;
  return std::none_of(peers_.begin(), peers_.end(), [&](const StaticPeer& peer) {
    return peer.is_peer && ring::distance(point, peer.id) < theirs;
  });
}

}  // namespace controlplane::topology
