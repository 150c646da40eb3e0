// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::RouteEntry;
using wire::shm::RouteTable;

Document entries_json(const Context& context, std::span<const RouteEntry> entries) {
  Document list = Document::array();
  for (const RouteEntry& entry : entries) {
    const std::string name = context.peer_name(entry.id);
    list.push_back({{"peer", config::to_string(entry.id)},
                    {"name", name.empty() ? Document(nullptr) : Document(name)},
                    {"link", entry.link_slot}});
  }
  return list;
}

bool takes_transit(const RouteTable& routes, const RouteEntry& connection) {
  const auto routing = routes.routing();
  return std::any_of(routing.begin(), routing.end(),
                     [&](const RouteEntry& peer) { return peer.id == connection.id; });
}

std::string range_text(const RouteTable& routes) {
  if (routes.is_peer == 0) return "nothing: it is a client";
  if (routes.predecessor == routes.self) return "the whole ring: it knows no other peer";
  return "(" + config::to_string(routes.predecessor) + ", " + config::to_string(routes.self) + "]";
}

}  // namespace

void show_routes(const Context& context) {
  const NodeView view(context);
  const auto routes = NodeView::copy(view.region().tables.routes);
  const std::uint64_t generation = view.region().tables.routes.generation.load();
  if (context.json) {
    Document json;
    json["generation"] = generation;
    json["self"] = config::to_string(routes->self);
    json["predecessor"] = config::to_string(routes->predecessor);
    json["is_peer"] = routes->is_peer != 0;
    json["connections"] = entries_json(context, routes->connected());
    json["routing"] = entries_json(context, routes->routing());
    return print(json);
  }
  if (generation == 0) {
    std::printf("No routes yet: the control plane has published none. Is it running?\n");
    return;
  }
  std::printf("This node is %s, responsible for %s.\nTable number %s.\n\n",
              config::to_string(routes->self).c_str(), range_text(*routes).c_str(),
              grouped(generation).c_str());
  TextTable table({{"connected node", {}},
                   {"name", {}},
                   {"link", TextTable::Align::kRight},
                   {"takes transit", {}}});
  for (const RouteEntry& entry : routes->connected()) {
    table.add({config::to_string(entry.id), context.peer_name(entry.id),
               std::to_string(entry.link_slot), takes_transit(*routes, entry) ? "yes" : "no"});
  }
  table.print();
}

}  // namespace controlplane::ctl
