// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/lab_node_toml.h"

#include <sstream>

#include "config/node_config.h"
#include "controlplane/ctl/toml_string.h"

namespace controlplane::ctl {
namespace {

/// Frames of at most 2048 bytes, 32 to a block; the values were measured to lose nothing at the
/// rates one core can forward.
std::string device(std::size_t port, const std::string& interface) {
  return "net_af_packet" + std::to_string(port) + ",iface=" + interface +
         ",framesz=2048,blocksz=65536,framecnt=1024,qdisc_bypass=1";
}

const char* protocol_name(const LabRequest& request) {
  return wire::shm::kLinkProtocolNames[static_cast<std::size_t>(request.protocol)];
}

void write_peer(std::ostream& out, const LabRequest& request, const LabPlan& plan,
                const LabPort& port) {
  const LabNode& peer = plan.nodes[port.peer];
  const std::string address = request.ipv6 ? "[" + port.peer_address6 + "]" : port.peer_address4;
  out << "\n[[peer]]\n"
      << "name = " << toml_string(peer.name) << "\n"
      << "node_id = " << toml_string(config::to_string(peer.node_id)) << "\n"
      << "address = " << toml_string(address + ":" + std::to_string(kLabServicePort)) << "\n"
      << "port = " << toml_string(port.name) << "\n"
      << "protocol = " << toml_string(protocol_name(request)) << "\n"
      << "class = " << toml_string(peer.is_peer ? "backbone" : "client") << "\n"
      << "role = " << toml_string(peer.is_peer ? "peer" : "client") << "\n";
}

void write_port(std::ostream& out, std::size_t number, const LabPort& port) {
  out << "\n[[dataplane.port]]\n"
      << "name = " << toml_string(port.name) << "\n"
      << "device = " << toml_string(device(number, port.interface)) << "\n"
      << "addresses = [" << toml_string(port.address4 + "/" + std::to_string(kLabPrefixBits4))
      << ", " << toml_string(port.address6 + "/" + std::to_string(kLabPrefixBits6)) << "]\n"
      << "mac = " << toml_string(port.mac) << "\n";
}

}  // namespace

std::string lab_node_toml(const LabRequest& request, const LabPlan& plan, std::size_t index,
                          const std::vector<std::string>& identities,
                          const std::string& runtime_directory) {
  const LabNode& node = plan.nodes[index];
  std::ostringstream out;
  const bool is_lab = request.protocol == wire::shm::LinkProtocol::kLab;
  out << "# A laboratory's node, made by `hopsealctl lab init`."
      << (is_lab ? " Its links are not encrypted." : "") << "\n\n"
      << "[node]\n"
      << "name = " << toml_string(node.name) << "\n"
      << "runtime_directory = " << toml_string(runtime_directory) << "\n"
      << "role = " << toml_string(node.is_peer ? "peer" : "client") << "\n"
      << "\n[overlay]\n"
      << "name = " << toml_string(request.overlay) << "\n"
      << "root_certificates = [\"../ca.pem\"]\n";
  if (is_lab) out << "lab_links = true\n";
  for (const std::string& identity : identities) {
    out << "\n[[identity]]\n"
        << "name = " << toml_string(identity) << "\n"
        << "certificate = " << toml_string(identity + ".pem") << "\n"
        << "key = " << toml_string(identity + "-key.pem") << "\n";
  }
  for (const LabPort& port : node.ports) write_peer(out, request, plan, port);
  out << "\n[dataplane]\n"
      << "service_port = " << kLabServicePort << "\n"
      << "workers = " << request.workers << "\n"
      << "poll = \"adaptive\"\n"
      << "idle_sleep_us = 50\n"
      << "memory = \"auto\"\n";
  for (std::size_t i = 0; i < node.ports.size(); ++i) write_port(out, i, node.ports[i]);
  return out.str();
}

}  // namespace controlplane::ctl
