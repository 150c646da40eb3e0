// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/configuration_discovery.h"

#include <random>

#include "controlplane/ctl/dns_lookup.h"
#include "controlplane/ctl/host_lookup.h"
#include "controlplane/ctl/https_url.h"

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostAddresses = 16;

std::uint32_t random_up_to(std::uint32_t most) {
  std::random_device source;
  return std::uniform_int_distribution<std::uint32_t>(0, most)(source);
}

}  // namespace

std::optional<Discovery> discover_configuration_server(
    const std::string& overlay, const std::optional<wire::shm::Endpoint>& dns, std::string& why) {
  const std::string name = "_reload-config._tcp." + overlay;
  DnsOutcome asked = ask_dns(name, DnsType::kService, dns);
  if (!asked.answer) {
    why = asked.why;
    return std::nullopt;
  }
  std::vector<DnsService>& services = asked.answer->services;
  Discovery found;
  if (services.empty() && asked.answer->no_service) {
    why = name +
          ": the DNS says that this overlay has no configuration server; pass the document "
          "by --document, or its place by --url";
    return std::nullopt;
  }
  if (services.empty()) {
    found.note = name + " has no SRV record; asking " + overlay + " itself";
    services.push_back({.priority = 0, .weight = 0, .port = kHttpsPort, .target = overlay});
  }
  order_services(services, random_up_to);
  for (const DnsService& service : services) {
    // One that has no address is passed over while there are others.
    for (const auto& address : look_up_host(service.target, service.port, dns, why)) {
      if (found.addresses.size() < kMostAddresses) found.addresses.push_back(address);
    }
  }
  if (found.addresses.empty()) return std::nullopt;
  why.clear();
  return found;
}

}  // namespace controlplane::ctl
