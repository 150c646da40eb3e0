// SPDX-License-Identifier: Apache-2.0
// [[peer]], and what peers refer to in the other sections.

#include <algorithm>

#include "config/section.h"

namespace config {
namespace {

using wire::shm::Endpoint;
using wire::shm::LinkClass;
using wire::shm::LinkProtocol;

wire::reload::NodeId read_node_id(Section& section) {
  const std::string text = section.required_text("node_id", "the peer's Node-ID, 32 hex digits");
  if (text.empty()) return {};
  const auto id = parse_node_id(text);
  if (!id || id->is_invalid() || id->is_wildcard()) {
    section.error("node_id", "accepted are 32 hex digits, neither all 0 nor all f");
    return {};
  }
  return *id;
}

Endpoint read_address(Section& section, const NodeConfig& config) {
  const std::string text =
      section.required_text("address", "address and port, such as \"192.0.2.2:6084\"");
  if (text.empty()) return {};
  auto address = parse_endpoint(text);
  if (!address || !is_unicast(*address)) {
    section.error("address",
                  "accepted is a unicast address, with or without a port, such as "
                  "\"192.0.2.2:6084\" or \"[2001:db8::2]:6084\"");
    return {};
  }
  if (address->port == 0) address->port = config.dataplane.service_port;
  return *address;
}

/// The port must have an address of the peer's family to send from, and a way to the peer.
void check_port(const Section& section, const Peer& peer, const NodeConfig& config) {
  const auto& ports = config.dataplane.ports;
  const auto port = std::find_if(ports.begin(), ports.end(), [&](const Port& candidate) {
    return candidate.name == peer.port;
  });
  if (port == ports.end()) {
    std::string accepted = "accepted are the names of ports:";
    for (const Port& known : ports) accepted += " \"" + known.name + "\"";
    section.error("port", accepted);
    return;
  }
  if (peer.address.family == 0) return;
  const std::string family = "IPv" + std::to_string(peer.address.family);
  const auto& own = port->addresses;
  const auto same_family = [&](const PortAddress& address) {
    return address.address.family == peer.address.family;
  };
  if (std::none_of(own.begin(), own.end(), same_family)) {
    section.error("address", "port \"" + port->name + "\" has no " + family + " address");
    return;
  }
  const auto is_own = [&](const PortAddress& address) {
    return address.address.address == peer.address.address &&
           address.address.family == peer.address.family;
  };
  if (std::any_of(own.begin(), own.end(), is_own)) {
    section.error("address", "this is an address of this node's own port");
  }
  const bool on_link = std::any_of(own.begin(), own.end(), [&](const PortAddress& address) {
    return is_on_link(address, peer.address);
  });
  const bool has_gateway =
      std::any_of(port->gateways.begin(), port->gateways.end(),
                  [&](const Endpoint& gateway) { return gateway.family == peer.address.family; });
  if (!on_link && !has_gateway) {
    section.error("address", "not in a prefix of port \"" + port->name + "\", which has no " +
                                 family + " gateway either");
  }
}

Peer read_peer(Section& section, const NodeConfig& config) {
  constexpr std::array<std::pair<std::string_view, LinkClass>, 3> kClasses = {
      {{"backbone", LinkClass::kBackbone},
       {"client", LinkClass::kClient},
       {"untrusted", LinkClass::kUntrusted}}};
  constexpr std::array<std::pair<std::string_view, bool>, 2> kRoles = {
      {{"peer", true}, {"client", false}}};
  constexpr std::array<std::pair<std::string_view, LinkProtocol>, 3> kProtocols = {
      {{"dtls", LinkProtocol::kDtls},
       {"tls", LinkProtocol::kVirtual},
       {"lab", LinkProtocol::kLab}}};
  Peer peer;
  peer.name = section.required_text("name", "a name for this peer, such as \"p2\"");
  if (!peer.name.empty() && !is_plain_name(peer.name)) {
    section.error("name", "accepted are letters, digits and dashes, at most 63");
  }
  peer.node_id = read_node_id(section);
  peer.address = read_address(section, config);
  peer.protocol = section.choice("protocol", kProtocols, peer.protocol);
  if (peer.protocol == LinkProtocol::kVirtual) {
    if (section.has("port")) {
      section.error("port",
                    "a link with protocol \"tls\" goes by the sockets of this machine and "
                    "not by a port of the dataplane: leave this key out");
    }
    static_cast<void>(section.text("port"));
  } else {
    peer.port = section.required_text("port", "the name of the port that leads to this peer");
  }
  if (peer.protocol == LinkProtocol::kLab && config.overlay.policy.lab_links == 0) {
    section.error("protocol",
                  "needs overlay.lab_links = true, because links without encryption must be asked "
                  "for by name; \"dtls\" needs nothing");
  }
  peer.link_class = section.choice("class", kClasses, peer.link_class);
  peer.is_peer = section.choice("role", kRoles, peer.is_peer);
  if (std::string file = section.path("certificate"); !file.empty()) {
    peer.certificate = std::move(file);
  }
  if (!peer.port.empty()) check_port(section, peer, config);
  section.finish();
  return peer;
}

}  // namespace

void read_peers(Section& root, NodeConfig& config) {
  for (Section& section : root.tables("peer")) {
    Peer peer = read_peer(section, config);
    for (const Peer& earlier : config.peers) {
      if (!peer.name.empty() && earlier.name == peer.name) {
        section.error("name", "another peer already has this name");
      }
      if (!peer.node_id.is_invalid() && earlier.node_id == peer.node_id) {
        section.error("node_id", "peer \"" + earlier.name + "\" already has this Node-ID");
      }
      const bool same_transport =
          (earlier.protocol == LinkProtocol::kVirtual) == (peer.protocol == LinkProtocol::kVirtual);
      if (peer.address.family != 0 && earlier.address == peer.address && same_transport) {
        section.error("address", "peer \"" + earlier.name + "\" already has this address");
      }
    }
    config.peers.push_back(std::move(peer));
    if (config.overlay.topology == Topology::kChord) {
      section.error("name",
                    "there is no [[peer]] with overlay.topology = \"chord-reload\": the "
                    "overlay says which links there are");
    }
  }
  const auto is_stream = [](const Peer& peer) { return peer.protocol == LinkProtocol::kVirtual; };
  if (!config.links.tls_listen.empty() && std::ranges::none_of(config.peers, is_stream)) {
    root.table("links").error("tls_listen",
                              "needs a [[peer]] with protocol = \"tls\", for nobody else may "
                              "connect");
  }
  if (config.peers.size() > config.dataplane.max_links) {
    root.error("peer", "more peers than dataplane.max_links = " +
                           std::to_string(config.dataplane.max_links));
  }
}

}  // namespace config
