// SPDX-License-Identifier: Apache-2.0

#include "controlplane/publish/link_slots.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace controlplane::publish {

using wire::shm::LinkRecord;
using wire::shm::LinkStatus;

namespace {

using Slots = std::vector<std::optional<LinkRecord>>;

Slots read_slots(std::span<const LinkStatus> status) {
  Slots slots(wire::shm::kMaxLinks);
  for (std::size_t slot = 0; slot < std::min(status.size(), slots.size()); ++slot) {
    LinkRecord record;
    if (static_cast<wire::shm::LinkState>(status[slot].state.load(std::memory_order_acquire)) !=
            wire::shm::LinkState::kAbsent &&
        wire::shm::read_identity(status[slot], record)) {
      slots[slot] = record;
    }
  }
  return slots;
}

LinkRecord describe(const config::NodeConfig& config, const config::Peer& peer) {
  LinkRecord record;
  record.protocol = peer.protocol;
  record.link_class = peer.link_class;
  record.remote = peer.address;
  record.peer = peer.node_id;
  record.local.family = peer.address.family;  // all there is to say of a stream's
  for (std::size_t index = 0; index < config.dataplane.ports.size(); ++index) {
    const config::Port& port = config.dataplane.ports[index];
    if (port.name != peer.port) continue;
    record.port = static_cast<std::uint16_t>(index);
    record.mtu = port.mtu;
    for (const config::PortAddress& own : port.addresses) {
      if (own.address.family != peer.address.family) continue;
      record.local = own.address;
      record.local.port = config.dataplane.service_port;
      break;
    }
  }
  return record;
}

}  // namespace

std::vector<LinkRecord> assign_links(const config::NodeConfig& config,
                                     std::span<const LinkStatus> status,
                                     const overlay::RandomSource& random) {
  const Slots old = read_slots(status);
  std::vector<bool> taken(old.size(), false);
  std::vector<LinkRecord> links;
  for (const config::Peer& peer : config.peers) {
    LinkRecord record = describe(config, peer);
    const auto kept = std::find_if(old.begin(), old.end(), [&](const auto& slot) {
      return slot && slot->peer == peer.node_id;
    });
    if (kept != old.end() && !taken[(*kept)->slot % taken.size()]) {
      record.slot = (*kept)->slot;
      record.generation = (*kept)->generation;
      taken[record.slot] = true;
    }
    links.push_back(record);
  }
  for (std::size_t index = 0; index < links.size(); ++index) {
    LinkRecord& record = links[index];
    if (record.slot != wire::shm::kNoLink) continue;
    std::size_t slot = index;
    if (slot >= taken.size() || taken[slot]) {
      slot = static_cast<std::size_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
    }
    taken[slot] = true;
    record.slot = static_cast<std::uint16_t>(slot);
    record.generation = static_cast<std::uint8_t>(
        (old[slot] ? old[slot]->generation + 1U : static_cast<unsigned>(random() & 7U)) & 7U);
  }
  return links;
}

}  // namespace controlplane::publish
