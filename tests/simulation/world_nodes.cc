// SPDX-License-Identifier: Apache-2.0
// Nodes of the world: their lives, their steps, and what comes out of these.

#include <algorithm>
#include <utility>

#include "tests/simulation/identities.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/world.h"
#include "wire/reload/destination.h"

namespace tests::simulation {

using controlplane::overlay::Input;
using controlplane::overlay::kNever;
using controlplane::overlay::MembershipWish;
using controlplane::overlay::Now;
using controlplane::overlay::Outputs;
using controlplane::topology::Membership;
using wire::reload::Bytes;
using wire::reload::NodeId;

namespace {

/// Virtual time zero on the wall clock: certificates and storage times mean something around it.
constexpr std::uint64_t kUnixMsAtStart = 1'790'000'000'000;

/// The fake address by which Attach names a node: 10.x.y.z.
controlplane::overlay::LinkAddress address_of(std::uint32_t index) {
  controlplane::overlay::LinkAddress address;
  address.endpoint.family = 4;
  address.endpoint.port = 6084;
  address.endpoint.address[12] = 10;
  for (unsigned i = 0; i < 3; ++i) {
    address.endpoint.address[15 - i] = static_cast<std::uint8_t>(index >> (8 * i));
  }
  return address;
}

}  // namespace

World::World(WorldSettings settings)
    : settings_(std::move(settings)),
      random_(settings_.seed),
      scratch_(std::make_unique<wire::shm::RouteTable>()) {}

World::~World() = default;

std::uint32_t World::add(const std::optional<NodeId>& id) { return place(id, false); }

std::uint32_t World::add_client() { return place(std::nullopt, true); }

std::uint32_t World::place(const std::optional<NodeId>& id, bool is_client) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  auto node = std::make_unique<SimNode>();
  node->is_client = is_client;
  if (id) {
    node->id = *id;
  } else {
    for (std::size_t i = 0; i < node->id.bytes.size(); i += 8) {
      std::uint64_t word = random_.next();
      for (std::size_t j = i; j < i + 8; ++j, word >>= 8U) {
        node->id.bytes[j] = static_cast<std::byte>(word);
      }
    }
  }
  node->random = Random(random_.next());
  by_id_.emplace(node->id, index);
  nodes_.push_back(std::move(node));
  boot(index);
  return index;
}

void World::boot(std::uint32_t index) {
  SimNode& node = *nodes_[index];
  node.is_alive = true;
  node.wake_ns = kNever;
  node.links.clear();
  const auto random = [&node] { return node.random.next(); };
  const auto& make = node.is_client ? settings_.make_client : settings_.make_topology;
  node.topology = make(node.id, random);
  controlplane::overlay::Settings settings = settings_.node;
  settings.self = node.id;
  settings.addresses = {address_of(index)};
  node.core = std::make_unique<controlplane::overlay::Node>(
      settings, std::vector{identity_of(node.id)}, std::vector<controlplane::overlay::Connection>{},
      *node.topology, believing_judge(), random);
  node.routes = {};
  node.routes.self = node.id;
  node.routes.predecessor = node.id;
}

void World::wish(std::uint32_t node, MembershipWish what) { step(node, what); }

void World::crash(std::uint32_t index) {
  SimNode& node = *nodes_[index];
  node.is_alive = false;
  ++node.incarnation;
  node.links.clear();
  node.core.reset();
  node.topology.reset();
}

void World::restart(std::uint32_t node) { boot(node); }

void World::skew(std::uint32_t node, std::int64_t milliseconds) {
  nodes_[node]->skew_ms = milliseconds;
}

void World::set_group(std::uint32_t node, std::uint32_t group) { nodes_[node]->group = group; }

Now World::now_of(const SimNode& node) const {
  const auto unix_ms =
      static_cast<std::int64_t>(kUnixMsAtStart + now_ns_ / kMillisecondNs) + node.skew_ms;
  return {now_ns_, static_cast<std::uint64_t>(unix_ms)};
}

void World::step(std::uint32_t index, const Input& input) {
  SimNode& node = *nodes_[index];
  if (!node.is_alive) return;
  Outputs out;
  node.core->step(now_of(node), input, out);
  carry_out(index, out);
  plan_wake(index);
}

void World::plan_wake(std::uint32_t index) {
  SimNode& node = *nodes_[index];
  const std::uint64_t due = std::max(node.core->next_deadline(), now_ns_ + 1);
  if (due >= node.wake_ns || due == kNever) return;
  node.wake_ns = due;
  SimEvent wake;
  wake.at_ns = due;
  wake.node = index;
  wake.incarnation = node.incarnation;
  queue_.push(std::move(wake));
}

void World::carry_out(std::uint32_t index, Outputs& out) {
  SimNode& node = *nodes_[index];
  if (out.routes_changed) {
    node.topology->fill_routes(*scratch_);
    node.routes.predecessor = scratch_->predecessor;
    node.routes.is_peer = scratch_->is_peer;
    const auto connected = scratch_->connected();
    const auto peers = scratch_->routing();
    node.routes.connections.assign(connected.begin(), connected.end());
    node.routes.peers.assign(peers.begin(), peers.end());
  }
  for (const auto& wish : out.open_links) open_link(index, wish);
  for (auto& message : out.messages) inject(index, std::move(message));
  for (const auto& link : out.close_links) close_link(index, link);
  if (out.bootstrap) bootstrap(index);
  for (const auto& result : out.results) {
    const auto found = lookups_.find(result.ticket);
    if (found == lookups_.end()) continue;
    Lookup& lookup = *found->second;
    lookup.done = true;
    lookup.outcome = result.outcome;
    lookup.error_code = result.error_code;
    lookup.responder = result.responder;
    lookup.sends = result.sends;
    lookup.rtt_ns = result.rtt_ns;
    tracked_.erase(static_cast<std::uint64_t>(result.transaction));
  }
}

Lookup& World::look_up(std::uint32_t node, const NodeId& point) {
  const auto responsible = responsible_for(point);
  Bytes list(wire::reload::kNodeEntryBytes + 1);  // and a length byte
  list.resize(wire::reload::write_resource_entry(point.bytes, list));
  return ping(node, std::move(list), responsible ? id_of(*responsible) : NodeId{});
}

Lookup& World::ask(std::uint32_t node, const NodeId& whom) {
  Bytes list(wire::reload::kNodeEntryBytes);
  list.resize(wire::reload::write_node_entry(whom, list));
  return ping(node, std::move(list), whom);
}

Lookup& World::ping(std::uint32_t node, Bytes destination_list, const NodeId& responsible) {
  const std::uint64_t ticket = next_ticket_++;
  Lookup& lookup = *lookups_.emplace(ticket, std::make_unique<Lookup>()).first->second;
  lookup.responsible = responsible;
  controlplane::overlay::Request request;
  request.ticket = ticket;
  request.destination_list = std::move(destination_list);
  request.code = wire::reload::MessageCode::kPingReq;
  request.body = wire::reload::ping_request_body(0);
  untracked_ticket_ = ticket;
  step(node, request);
  untracked_ticket_ = 0;
  return lookup;
}

void World::forget_lookups() {
  lookups_.clear();
  tracked_.clear();
}

bool World::is_alive(std::uint32_t node) const { return nodes_[node]->is_alive; }

bool World::is_member(std::uint32_t node) const {
  return is_alive(node) && nodes_[node]->topology->membership() == Membership::kMember;
}

bool World::is_client(std::uint32_t node) const {
  return is_alive(node) && nodes_[node]->topology->membership() == Membership::kClient;
}

const controlplane::topology::TopologyPlugin& World::topology_of(std::uint32_t node) const {
  return *nodes_[node]->topology;
}

const NodeId& World::id_of(std::uint32_t node) const { return nodes_[node]->id; }

std::vector<std::uint32_t> World::members() const {
  std::vector<std::uint32_t> members;
  for (const auto& [id, index] : by_id_) {
    if (is_member(index)) members.push_back(index);
  }
  return members;
}

std::size_t World::links_of(std::uint32_t node) const {
  return nodes_[node]->core ? nodes_[node]->core->connections().rows().size() : 0;
}

std::optional<std::uint32_t> World::responsible_for(const NodeId& point) const {
  const auto member = [this](const auto& entry) { return is_member(entry.second); };
  const auto from = by_id_.lower_bound(point);
  const auto above = std::find_if(from, by_id_.end(), member);
  if (above != by_id_.end()) return above->second;
  const auto first = std::find_if(by_id_.begin(), from, member);
  if (first != from) return first->second;
  return std::nullopt;
}

std::vector<std::uint32_t> World::misplaced() const {
  std::map<std::uint32_t, std::vector<std::uint32_t>> rings;  // by group, ascending by Node-ID
  for (const std::uint32_t member : members()) rings[nodes_[member]->group].push_back(member);
  std::vector<std::uint32_t> wrong;
  for (const auto& [group, ring] : rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const SimNode& node = *nodes_[ring[i]];
      const NodeId& before = nodes_[ring[(i + ring.size() - 1) % ring.size()]]->id;
      const NodeId& after = nodes_[ring[(i + 1) % ring.size()]]->id;
      const auto& peers = node.routes.peers;
      auto next = std::upper_bound(
          peers.begin(), peers.end(), node.id,
          [](const NodeId& id, const wire::shm::RouteEntry& peer) { return id < peer.id; });
      if (next == peers.end()) next = peers.begin();
      const NodeId& successor = peers.empty() ? node.id : next->id;
      if (node.routes.predecessor != before || successor != after) wrong.push_back(ring[i]);
    }
  }
  return wrong;
}

}  // namespace tests::simulation
