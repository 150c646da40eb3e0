// SPDX-License-Identifier: Apache-2.0
// Links of the world: handshakes, tries, failures. What a link's sender would do (tries with a
// doubling wait, C-17; a link without acks is reported, and comes back when acks do) is done here
// in one go for each message.

#include <algorithm>
#include <utility>

#include "tests/simulation/sim_node.h"
#include "tests/simulation/world.h"

namespace tests::simulation {

using controlplane::overlay::Bootstrapped;
using controlplane::overlay::Ingress;
using controlplane::overlay::LinkClosed;
using controlplane::overlay::LinkNotOpened;
using controlplane::overlay::LinkOpened;
using controlplane::overlay::OpenLink;
using wire::reload::Bytes;
using wire::shm::kNoLink;

namespace {

constexpr std::uint32_t kTries = 5;
constexpr std::uint64_t kFirstTryNs = 500 * kMillisecondNs;
/// From the first unacknowledged message to the report that the link has failed.
constexpr std::uint64_t kDeadAfterNs = 1 * kSecondNs;
constexpr std::uint32_t kHandshakeTries = 3;
constexpr std::uint64_t kHandshakeTryNs = 2 * kSecondNs;
/// Flights of a handshake, in one-way delays.
constexpr std::uint64_t kHandshakeFlights = 6;

std::uint32_t index_at(const controlplane::overlay::LinkAddress& address) {
  const auto& bytes = address.endpoint.address;
  return std::uint32_t{bytes[13]} << 16U | std::uint32_t{bytes[14]} << 8U | bytes[15];
}

}  // namespace

bool World::is_reachable(std::uint32_t from, std::uint32_t to) const {
  return nodes_[to]->is_alive && nodes_[from]->group == nodes_[to]->group;
}

std::uint64_t World::delay_between(std::uint32_t a, std::uint32_t b) {
  const NetworkModel& model = settings_.network;
  const std::uint64_t pair = std::uint64_t{std::min(a, b)} << 32U | std::max(a, b);
  const std::uint64_t own =
      Random(settings_.seed ^ pair).below(model.max_delay_ns - model.min_delay_ns + 1);
  return model.min_delay_ns + own + random_.below(model.jitter_ns + 1);
}

void World::open_link(std::uint32_t index, const OpenLink& wish) {
  const std::uint32_t peer = index_at(wish.addresses.front());
  if (peer >= nodes_.size()) return;
  // The server waits for its client, which may believe that it has this link.
  plan_handshake(index, peer, false, wish.active ? 0 : kSecondNs);
}

void World::bootstrap(std::uint32_t index) {
  SimNode& node = *nodes_[index];
  const auto known = static_cast<std::uint32_t>(std::min(settings_.bootstrap_nodes, nodes_.size()));
  if (node.next_bootstrap == 0) {
    node.next_bootstrap = static_cast<std::uint32_t>(node.random.below(known));
  }
  std::uint32_t peer = ++node.next_bootstrap % known;
  if (peer == index) peer = ++node.next_bootstrap % known;
  plan_handshake(index, peer, true);
}

void World::plan_handshake(std::uint32_t client, std::uint32_t server, bool for_bootstrap,
                           std::uint64_t wait_ns) {
  SimEvent event;
  event.kind = SimEvent::Kind::kHandshake;
  event.at_ns = now_ns_ + wait_ns + kHandshakeFlights * delay_between(client, server);
  event.node = client;
  event.incarnation = nodes_[client]->incarnation;
  event.peer = server;
  event.for_bootstrap = for_bootstrap;
  queue_.push(std::move(event));
}

std::uint16_t World::take_slot(std::uint32_t index, std::uint32_t peer) {
  SimNode& node = *nodes_[index];
  // A new link to the same node takes the place of the old one.
  if (const std::uint16_t old = node.slot_to(peer); old != kNoLink) node.links[old].is_open = false;
  const auto free = std::find_if(node.links.begin(), node.links.end(),
                                 [](const SimLink& link) { return !link.is_open; });
  const auto slot = static_cast<std::size_t>(free - node.links.begin());
  if (free == node.links.end()) node.links.emplace_back();
  SimLink& link = node.links[slot];
  const auto generation = static_cast<std::uint8_t>((link.generation + 1) % 8);
  link = {};
  link.is_open = true;
  link.generation = generation;
  link.peer = peer;
  link.peer_incarnation = nodes_[peer]->incarnation;
  return static_cast<std::uint16_t>(slot);
}

void World::finish_handshake(const SimEvent& event) {
  const std::uint32_t client = event.node;
  const std::uint32_t server = event.peer;
  if (client == server || !is_reachable(client, server)) {
    if (event.tries + 1 < kHandshakeTries && client != server) {
      SimEvent again = event;
      ++again.tries;
      again.at_ns = now_ns_ + kHandshakeTryNs;
      queue_.push(std::move(again));
    } else if (event.for_bootstrap) {
      step(client, Bootstrapped{std::nullopt});
    } else {
      step(client, LinkNotOpened{nodes_[server]->id});
    }
    return;
  }
  connect(client, server);
  if (event.for_bootstrap) step(client, Bootstrapped{nodes_[server]->id});
}

void World::connect(std::uint32_t client, std::uint32_t server) {
  // Both ends may have begun one; the link that is there serves for both.
  const std::uint16_t present = nodes_[client]->slot_to(server);
  if (present != kNoLink) {
    const SimLink& link = nodes_[client]->links[present];
    if (!link.has_failed && nodes_[server]->incarnation == link.peer_incarnation &&
        nodes_[server]->link({link.peer_slot, link.peer_generation}) != nullptr) {
      return;
    }
  }
  ++counters_.handshakes;
  const std::uint16_t near = take_slot(client, server);
  const std::uint16_t far = take_slot(server, client);
  SimLink& ours = nodes_[client]->links[near];
  SimLink& theirs = nodes_[server]->links[far];
  ours.peer_slot = far;
  ours.peer_generation = theirs.generation;
  theirs.peer_slot = near;
  theirs.peer_generation = ours.generation;
  const Ingress at_server{far, theirs.generation};
  const Ingress at_client{near, ours.generation};
  step(server, LinkOpened{at_server, nodes_[client]->id});
  step(client, LinkOpened{at_client, nodes_[server]->id});
}

void World::close_link(std::uint32_t index, const Ingress& at) {
  SimNode& node = *nodes_[index];
  const SimLink* link = node.link(at);
  if (link == nullptr) return;
  SimEvent event;
  event.kind = SimEvent::Kind::kPeerClosed;
  event.at_ns = now_ns_;
  event.node = index;
  event.incarnation = node.incarnation;
  event.slot = at.slot;
  event.generation = at.generation;
  queue_.push(event);
  if (!is_reachable(index, link->peer)) return;
  event.at_ns = now_ns_ + delay_between(index, link->peer);
  event.node = link->peer;
  event.incarnation = link->peer_incarnation;
  event.slot = link->peer_slot;
  event.generation = link->peer_generation;
  queue_.push(std::move(event));
}

void World::peer_closed(const SimEvent& event) {
  const Ingress at{event.slot, event.generation};
  SimLink* link = nodes_[event.node]->link(at);
  if (link == nullptr) return;
  link->is_open = false;
  step(event.node, LinkClosed{at});
}

void World::send(std::uint32_t index, std::uint16_t slot, std::uint16_t code, Bytes bytes) {
  SimNode& node = *nodes_[index];
  if (slot >= node.links.size() || !node.links[slot].is_open) {
    ++counters_.lost;
    return;
  }
  const SimLink& link = node.links[slot];
  ++counters_.messages;
  ++counters_.by_code[code != 0 && code < WorldCounters::kCodes ? code : WorldCounters::kCodes - 1];
  counters_.bytes += bytes.size();
  SimEvent event;
  const bool is_heard = is_reachable(index, link.peer) &&
                        nodes_[link.peer]->incarnation == link.peer_incarnation &&
                        nodes_[link.peer]->link({link.peer_slot, link.peer_generation}) != nullptr;
  if (is_heard == link.has_failed) {
    event.kind = is_heard ? SimEvent::Kind::kLinkAlive : SimEvent::Kind::kLinkDead;
    event.at_ns = now_ns_ + (is_heard ? 2 * delay_between(index, link.peer) : kDeadAfterNs);
    event.node = index;
    event.incarnation = node.incarnation;
    event.slot = slot;
    event.generation = link.generation;
    queue_.push(event);
  }
  if (!is_heard) {
    ++counters_.lost;
    return;
  }
  std::uint64_t waited = 0;
  std::uint32_t tries = 0;
  while (random_.chance(settings_.network.loss)) {
    waited += kFirstTryNs << tries;
    if (++tries == kTries) {
      ++counters_.lost;
      return;
    }
  }
  event.kind = SimEvent::Kind::kArrive;
  event.at_ns = now_ns_ + waited + delay_between(index, link.peer);
  event.node = link.peer;
  event.incarnation = link.peer_incarnation;
  event.slot = link.peer_slot;
  event.generation = link.peer_generation;
  event.bytes = std::move(bytes);
  if (random_.chance(settings_.network.duplicate)) {
    SimEvent copy = event;
    copy.at_ns += delay_between(index, link.peer);
    queue_.push(std::move(copy));
  }
  queue_.push(std::move(event));
}

void World::link_event(const SimEvent& event, wire::shm::EventKind kind) {
  SimLink* link = nodes_[event.node]->link({event.slot, event.generation});
  const bool failed = kind == wire::shm::EventKind::kLinkFailed;
  if (link == nullptr || link->has_failed == failed) return;
  link->has_failed = failed;
  wire::shm::Event report;
  report.kind = kind;
  report.link_slot = event.slot;
  report.generation = event.generation;
  step(event.node, report);
}

}  // namespace tests::simulation
