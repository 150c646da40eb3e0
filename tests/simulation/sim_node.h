// SPDX-License-Identifier: Apache-2.0
// One node of a simulated world: the core, and in small what its dataplane would hold.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "controlplane/overlay/node.h"
#include "controlplane/topology/topology_plugin.h"
#include "tests/simulation/world.h"
#include "wire/shm/next_hop.h"

namespace tests::simulation {

/// A RouteTable without its unused rows, as next_hop.h reads it.
struct SimRoutes {
  wire::reload::NodeId self;
  wire::reload::NodeId predecessor;
  std::uint32_t is_peer = 0;
  std::vector<wire::shm::RouteEntry> connections;
  std::vector<wire::shm::RouteEntry> peers;

  [[nodiscard]] std::span<const wire::shm::RouteEntry> connected() const noexcept {
    return connections;
  }
  [[nodiscard]] std::span<const wire::shm::RouteEntry> routing() const noexcept { return peers; }
};

struct SimLink {
  bool is_open = false;
  bool has_failed = false;
  std::uint8_t generation = 0;
  std::uint32_t peer = 0;
  std::uint32_t peer_incarnation = 0;
  std::uint16_t peer_slot = wire::shm::kNoLink;
  std::uint8_t peer_generation = 0;
};

struct World::SimNode {
  wire::reload::NodeId id;
  std::uint32_t incarnation = 0;
  std::uint32_t group = 0;
  std::int64_t skew_ms = 0;
  bool is_alive = false;
  bool is_client = false;
  std::uint64_t wake_ns = controlplane::overlay::kNever;  // of the earliest wake in the queue
  std::uint32_t next_bootstrap = 0;
  Random random{0};
  std::unique_ptr<controlplane::topology::TopologyPlugin> topology;
  std::unique_ptr<controlplane::overlay::Node> core;
  SimRoutes routes;
  std::vector<SimLink> links;  // by slot

  [[nodiscard]] SimLink* link(const controlplane::overlay::Ingress& at) noexcept {
    if (at.slot >= links.size()) return nullptr;
    SimLink& found = links[at.slot];
    return found.is_open && found.generation == at.generation ? &found : nullptr;
  }
  [[nodiscard]] std::uint16_t slot_to(std::uint32_t peer) const noexcept {
    for (std::size_t slot = 0; slot < links.size(); ++slot) {
      if (links[slot].is_open && links[slot].peer == peer) return static_cast<std::uint16_t>(slot);
    }
    return wire::shm::kNoLink;
  }
};

}  // namespace tests::simulation
