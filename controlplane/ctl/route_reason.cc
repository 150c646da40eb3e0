// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/route_reason.h"

#include <algorithm>

#include "config/node_config.h"

namespace controlplane::ctl {

using wire::reload::DestinationType;
using wire::reload::NodeId;
using wire::shm::NextHop;
using wire::shm::RouteEntry;
using wire::shm::RouteTable;

namespace {

std::optional<NodeId> node_at(const RouteTable& routes, std::uint16_t slot) {
  const auto connected = routes.connected();
  const auto found =
      std::find_if(connected.begin(), connected.end(),
                   [slot](const RouteEntry& entry) { return entry.link_slot == slot; });
  return found == connected.end() ? std::nullopt : std::optional(found->id);
}

std::string own_part(const RouteTable& routes) {
  if (routes.predecessor == routes.self) return "it knows no other peer, so the whole ring is its";
  return "its part of the ring begins behind " + config::to_string(routes.predecessor);
}

std::string by_table(const RouteTable& routes, const NodeId& next, const NodeId& point) {
  const std::size_t peers = routes.routing().size();
  const std::string of = " of the " + std::to_string(peers) + " it routes through";
  const bool is_between =
      wire::reload::in_interval(next, routes.self, point) && point != routes.self;
  return is_between ? "the last peer before it" + of
                    : "no peer before it; the first behind it" + of;
}

std::string dropped(const RouteTable& routes, NextHop hop) {
  if (hop.reason == wire::shm::DropReason::kNotConnected) {
    return "no such node is connected, and there is nobody else to ask: " + own_part(routes);
  }
  return "it has no peer to route through";
}

}  // namespace

RouteReason explain_route(const RouteTable& routes, const wire::reload::Destination& destination) {
  if (routes.self.is_invalid())
    return {{}, std::nullopt, "the control plane has published nothing"};
  const bool is_node = destination.type == DestinationType::kNode;
  if (!is_node && destination.value.size() != wire::reload::kNodeIdBytes) {
    return {{}, std::nullopt, "only Resource-IDs of 16 bytes are points of this ring"};
  }
  const NodeId point = NodeId::from(destination.value.first<wire::reload::kNodeIdBytes>());
  if (is_node && (point == routes.self || point.is_wildcard())) {
    return {NextHop::deliver(), std::nullopt, "it is this node"};
  }
  RouteReason reason;
  reason.hop = is_node ? wire::shm::next_hop_to_node(point, routes)
                       : wire::shm::next_hop_to_resource(destination.value, true, routes);
  switch (reason.hop.kind) {
    case NextHop::Kind::kDeliver:
      reason.why = "it is responsible: " + own_part(routes);
      break;
    case NextHop::Kind::kDrop:
      reason.why = dropped(routes, reason.hop);
      break;
    case NextHop::Kind::kForward:
      reason.next = node_at(routes, reason.hop.link_slot);
      if (!reason.hop.by_table) {
        reason.why = "it has a link to it";
      } else if (reason.next) {
        reason.why = by_table(routes, *reason.next, point);
      }
      break;
  }
  return reason;
}

}  // namespace controlplane::ctl
