// SPDX-License-Identifier: Apache-2.0
#include "controlplane/publish/link_ends.h"

#include <algorithm>

namespace controlplane::publish {

using wire::shm::Endpoint;
using wire::shm::LinkRecord;

namespace {

bool same_address(const Endpoint& a, const Endpoint& b) {
  return a.family == b.family && a.address == b.address;
}

LinkRecord between(const config::Dataplane& dataplane, std::size_t port,
                   const config::PortAddress& own, const Endpoint& remote) {
  LinkRecord record;
  record.protocol = wire::shm::LinkProtocol::kDtls;
  record.port = static_cast<std::uint16_t>(port);
  record.mtu = dataplane.ports[port].mtu;
  record.local = own.address;
  record.local.port = dataplane.service_port;
  record.remote = remote;
  return record;
}

}  // namespace

std::optional<LinkRecord> link_to(const config::Dataplane& dataplane, const Endpoint& remote) {
  std::optional<LinkRecord> by_gateway;
  for (std::size_t port = 0; port < dataplane.ports.size(); ++port) {
    const config::Port& candidate = dataplane.ports[port];
    for (const config::PortAddress& own : candidate.addresses) {
      if (config::is_on_link(own, remote)) return between(dataplane, port, own, remote);
      const bool has_gateway = std::ranges::any_of(
          candidate.gateways, [&](const Endpoint& hop) { return hop.family == remote.family; });
      if (!by_gateway && has_gateway && own.address.family == remote.family) {
        by_gateway = between(dataplane, port, own, remote);
      }
    }
  }
  return by_gateway;
}

std::optional<LinkRecord> link_between(const config::Dataplane& dataplane, const Endpoint& local,
                                       const Endpoint& remote) {
  if (local.port != dataplane.service_port || local.family != remote.family) return std::nullopt;
  for (std::size_t port = 0; port < dataplane.ports.size(); ++port) {
    for (const config::PortAddress& own : dataplane.ports[port].addresses) {
      if (same_address(own.address, local)) return between(dataplane, port, own, remote);
    }
  }
  return std::nullopt;
}

std::vector<overlay::LinkAddress> own_addresses(const config::Dataplane& dataplane) {
  std::vector<overlay::LinkAddress> addresses;
  for (const config::Port& port : dataplane.ports) {
    for (const config::PortAddress& own : port.addresses) {
      overlay::LinkAddress& address = addresses.emplace_back();
      address.endpoint = own.address;
      address.endpoint.port = dataplane.service_port;
    }
  }
  return addresses;
}

}  // namespace controlplane::publish
