// SPDX-License-Identifier: Apache-2.0
// hopsealctl route: the way of a message. Its first hop is decided here as the lcores decide it,
// the others by the nodes it would cross, who are asked by RouteQuery.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/ctl/ask_peer.h"
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/route_reason.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"
#include "wire/reload/bytes.h"

namespace controlplane::ctl {
namespace {

using nlohmann::json;
using wire::reload::Destination;
using wire::reload::NodeId;

struct RouteOptions {
  std::string destination;
  double timeout_s = 15;
  unsigned most_hops = 32;
  bool here_only = false;
};

struct Hop {
  std::string node;
  std::string next;  ///< Node-ID; the node itself when the message ends there; "" when nowhere
  std::string why;
};

struct Way {
  std::vector<Hop> hops;
  bool arrives = false;
};

/// A destination as the API takes it, and as an entry of a Destination List.
struct Named {
  std::string text;
  wire::reload::Bytes entry;
};

Named parse(const Context& context, const std::string& text) {
  constexpr std::string_view kResource = "resource:";
  Named named{text, wire::reload::Bytes(wire::reload::kNodeEntryBytes + 8)};
  std::size_t written = 0;
  std::optional<NodeId> node = config::parse_node_id(text);
  if (!node && !context.config_file.empty()) {
    for (const config::Peer& peer : context.config().peers) {
      if (peer.name == text) node = peer.node_id;
    }
  }
  if (node) {
    named.text = config::to_string(*node);
    written = wire::reload::write_node_entry(*node, named.entry);
  } else if (text.starts_with(kResource)) {
    // A point of the ring, as a Node-ID is one.
    const auto point = config::parse_node_id(std::string_view(text).substr(kResource.size()));
    if (point) written = wire::reload::write_resource_entry(point->bytes, named.entry);
  }
  if (written == 0) {
    fail(text +
         ": accepted are a Node-ID (32 hex digits), resource: with as many hex digits, and, "
         "with --config, a peer's name");
  }
  named.entry.resize(written);
  return named;
}

Hop first_hop(const Context& context, const Named& destination) {
  const NodeView view(context);
  const auto routes = NodeView::copy(view.region().tables.routes);
  Destination entry;
  if (!wire::reload::read_destination(destination.entry, entry).ok()) {
    fail(destination.text + ": no node has this Node-ID");
  }
  const RouteReason reason = explain_route(*routes, entry);
  Hop hop{config::to_string(routes->self), "", reason.why};
  if (reason.hop.kind == wire::shm::NextHop::Kind::kDeliver) hop.next = hop.node;
  if (reason.next) hop.next = config::to_string(*reason.next);
  return hop;
}

Hop ask_hop(const Context& context, const RouteOptions& options, const Named& destination,
            const std::string& node) {
  const json answer =
      ask_peer(context, {{"method", "route_query"},
                         {"of", node},
                         {"destination", destination.text},
                         {"timeout_ms", static_cast<std::uint64_t>(options.timeout_s * 1000)}});
  if (answer.value("status", "") != "ok") return {node, "", excuse(answer)};
  return {node, answer.value("next_peer", ""),
          "says so, after " + grouped(answer.value("rtt_us", std::uint64_t{0})) + " us"};
}

Way follow(const Context& context, const RouteOptions& options, const Named& destination) {
  Way way;
  way.hops.push_back(first_hop(context, destination));
  for (;;) {
    const Hop last = way.hops.back();
    way.arrives = last.next == last.node;
    if (way.arrives || last.next.empty() || options.here_only) return way;
    const bool was_there = std::any_of(way.hops.begin(), way.hops.end(),
                                       [&last](const Hop& hop) { return hop.node == last.next; });
    if (was_there) {
      way.hops.push_back({last.next, "", "the way comes back to where it was"});
      return way;
    }
    if (way.hops.size() > options.most_hops) {
      way.hops.push_back({last.next, "", "not asked: as many hops as allowed (--max-hops)"});
      return way;
    }
    way.hops.push_back(ask_hop(context, options, destination, last.next));
  }
}

std::string shown(const Context& context, const std::string& node) {
  const auto id = config::parse_node_id(node);
  const std::string name = id ? context.peer_name(*id) : "";
  return name.empty() ? node : node + " " + name;
}

void route(Context& context, const RouteOptions& options) {
  const Named destination = parse(context, options.destination);
  const Way way = follow(context, options, destination);
  const bool is_done = way.arrives || (options.here_only && !way.hops.back().next.empty());
  context.exit_status = is_done ? 0 : 1;
  if (context.json) {
    Document hops = Document::array();
    for (const Hop& hop : way.hops) {
      hops.push_back({{"node", hop.node},
                      {"next", hop.next.empty() ? Document(nullptr) : Document(hop.next)},
                      {"why", hop.why}});
    }
    return print({{"destination", destination.text}, {"arrives", way.arrives}, {"hops", hops}});
  }
  TextTable table(
      {{"hop", TextTable::Align::kRight}, {"node", {}}, {"sends it to", {}}, {"why", {}}});
  for (std::size_t i = 0; i < way.hops.size(); ++i) {
    const Hop& hop = way.hops[i];
    const std::string next = hop.next.empty()       ? "-"
                             : hop.next == hop.node ? "itself"
                                                    : shown(context, hop.next);
    table.add({std::to_string(i), i == 0 ? hop.node + " (this node)" : shown(context, hop.node),
               next, hop.why});
  }
  table.print();
}

}  // namespace

void add_route(CLI::App& app, Context& context) {
  const auto options = std::make_shared<RouteOptions>();
  CLI::App* const command = app.add_subcommand(
      "route", "The way of a message from this node: each hop, and why; asks the nodes on it");
  command
      ->add_option("destination", options->destination,
                   "Node-ID (32 hex digits), resource:<32 hex digits>, or a peer's name")
      ->required();
  command->add_flag("--here", options->here_only,
                    "This node's own decision only, which needs no running process");
  command->add_option("--max-hops", options->most_hops, "Ask no more nodes than this")
      ->check(CLI::Range(1U, 255U))
      ->capture_default_str();
  command->add_option("--timeout,-W", options->timeout_s, "Seconds to wait for each answer")
      ->check(CLI::Range(0.001, 600.0))
      ->capture_default_str();
  command->callback([options, &context] { route(context, *options); });
}

}  // namespace controlplane::ctl
