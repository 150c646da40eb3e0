// SPDX-License-Identifier: Apache-2.0
// [dataplane] and [[dataplane.port]].

#include <algorithm>

#include "config/section.h"

namespace config {
namespace {

using wire::shm::Endpoint;

// Below the minimum every IPv4 host must take (RFC 1122 section 3.3.2), above what an mbuf holds.
constexpr std::uint16_t kLeastMtu = 576;
constexpr std::uint16_t kMostMtu = 1982;
constexpr std::uint32_t kMostCpu = 1023;

constexpr std::uint64_t kMulticastMac = std::uint64_t{1} << 40U;

void read_addresses(Section& section, Port& port) {
  for (const std::string& text : section.texts("addresses")) {
    const auto address = parse_port_address(text);
    if (!address || !is_unicast(address->address)) {
      section.error("addresses", "\"" + text +
                                     "\": accepted is an address of this port with its "
                                     "prefix, such as \"192.0.2.1/24\" or \"2001:db8::1/64\"");
    } else {
      port.addresses.push_back(*address);
    }
  }
  if (!section.has("addresses")) {
    section.error("addresses", "required: addresses of this port, such as [\"192.0.2.1/24\"]");
  }
}

void read_gateways(Section& section, Port& port) {
  for (const std::string& text : section.texts("gateways")) {
    const auto gateway = parse_endpoint(text);
    if (!gateway || gateway->port != 0) {
      section.error("gateways", "\"" + text +
                                    "\": accepted is an address, such as "
                                    "\"192.0.2.254\"");
      continue;
    }
    const auto on_link = [&](const PortAddress& own) { return is_on_link(own, *gateway); };
    if (std::none_of(port.addresses.begin(), port.addresses.end(), on_link)) {
      section.error("gateways",
                    "\"" + text + "\": a gateway must lie in the prefix of one of the addresses");
    }
    const auto same_family = [&](const Endpoint& other) { return other.family == gateway->family; };
    if (std::any_of(port.gateways.begin(), port.gateways.end(), same_family)) {
      section.error("gateways", "accepted is one gateway for IPv4 and one for IPv6");
    }
    port.gateways.push_back(*gateway);
  }
}

void read_mac(Section& section, Port& port) {
  const std::string text = section.text("mac");
  if (text.empty()) return;
  port.mac = parse_mac(text);
  if (!port.mac || *port.mac == 0 || (*port.mac & kMulticastMac) != 0) {
    section.error("mac", "accepted is a unicast MAC address, such as \"02:00:00:00:01:01\"");
  }
}

Port read_port(Section& section) {
  Port port;
  port.name = section.required_text("name", "a name that peers refer to, such as \"p0\"");
  if (!port.name.empty() && !is_plain_name(port.name)) {
    section.error("name", "accepted are letters, digits and dashes, at most 63");
  }
  port.device = section.required_text(
      "device", "an EAL device such as \"net_af_packet0,iface=eth1\" or a PCI address");
  read_addresses(section, port);
  read_gateways(section, port);
  port.mtu = section.integer<std::uint16_t>("mtu", kLeastMtu, kMostMtu, port.mtu);
  read_mac(section, port);
  section.finish();
  return port;
}

bool shares_address(const Port& a, const Port& b) {
  return std::any_of(a.addresses.begin(), a.addresses.end(), [&](const PortAddress& one) {
    return std::any_of(b.addresses.begin(), b.addresses.end(),
                       [&](const PortAddress& other) { return one.address == other.address; });
  });
}

void read_ports(Section& dataplane, Dataplane& out) {
  for (Section& section : dataplane.tables("port")) {
    Port port = read_port(section);
    for (const Port& earlier : out.ports) {
      if (earlier.name == port.name && !port.name.empty()) {
        section.error("name", "another port already has this name");
      }
      if (earlier.device == port.device && !port.device.empty()) {
        section.error("device", "port " + earlier.name + " already uses this device");
      }
      if (shares_address(earlier, port)) {
        section.error("addresses", "port " + earlier.name + " already has one of them");
      }
    }
    out.ports.push_back(std::move(port));
  }
  if (!dataplane.has("port")) {
    dataplane.error("port", "required: at least one [[dataplane.port]]");
  } else if (out.ports.size() > wire::shm::kMaxPorts) {
    dataplane.error("port", "accepted are at most " + std::to_string(wire::shm::kMaxPorts));
  }
}

void read_cpus(Section& section, Dataplane& dataplane) {
  dataplane.cpus = section.integers("cpus", kMostCpu);
  if (dataplane.cpus.empty()) return;
  if (dataplane.cpus.size() != dataplane.workers) {
    section.error("cpus", "accepted is one CPU per worker, or none for no pinning");
  }
  std::vector<std::uint32_t> sorted = dataplane.cpus;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    section.error("cpus", "accepted is a CPU of its own for each worker");
  }
}

}  // namespace

void read_dataplane(Section& root, NodeConfig& config) {
  constexpr std::array<std::pair<std::string_view, Poll>, 2> kPoll = {
      {{"adaptive", Poll::kAdaptive}, {"busy", Poll::kBusy}}};
  constexpr std::array<std::pair<std::string_view, Memory>, 3> kMemory = {
      {{"auto", Memory::kAuto}, {"hugepages", Memory::kHugepages}, {"plain", Memory::kPlain}}};

  Section section = root.table("dataplane");
  Dataplane& out = config.dataplane;
  out.service_port = section.integer<std::uint16_t>("service_port", 1, 0xffff, out.service_port);
  out.workers = section.integer<std::uint32_t>("workers", 1, wire::shm::kMaxLcores, out.workers);
  read_cpus(section, out);
  out.poll = section.choice("poll", kPoll, out.poll);
  out.idle_sleep_us = section.integer<std::uint32_t>("idle_sleep_us", 1, 10'000, out.idle_sleep_us);
  out.memory = section.choice("memory", kMemory, out.memory);
  out.memory_mib = section.integer<std::uint32_t>("memory_mib", 32, 1U << 20U, out.memory_mib);
  out.mbufs = section.integer<std::uint32_t>("mbufs", 1023, (1U << 24U) - 1, out.mbufs);
  out.max_links =
      section.integer<std::uint32_t>("max_links", 1, wire::shm::kMaxLinks, out.max_links);
  out.max_signers =
      section.integer<std::uint32_t>("max_signers", 1, wire::shm::kMaxSigners, out.max_signers);
  out.known_signer_mib =
      section.integer<std::uint32_t>("known_signer_mib", 0, 1U << 20U, out.known_signer_mib);
  out.digest_cache_entries = section.integer<std::uint32_t>("digest_cache_entries", 0, 1U << 24U,
                                                            out.digest_cache_entries);
  out.kernel = section.text("kernel");
  out.eal = section.texts("eal");
  read_ports(section, out);
  section.finish();
}

}  // namespace config
