// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/host_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "controlplane/ctl/dns_lookup.h"

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostAddresses = 16;

wire::shm::Endpoint endpoint_of(const sockaddr& address) {
  wire::shm::Endpoint endpoint;
  if (address.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    endpoint.family = 4;
    std::memcpy(endpoint.address.data() + 12, &in.sin_addr, 4);
  } else if (address.sa_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    endpoint.family = 6;
    std::memcpy(endpoint.address.data(), &in.sin6_addr, endpoint.address.size());
  }
  return endpoint;
}

void add(std::vector<wire::shm::Endpoint>& endpoints, wire::shm::Endpoint endpoint,
         std::uint16_t port) {
  endpoint.port = port;
  if (endpoint.family != 0 && endpoints.size() < kMostAddresses &&
      std::ranges::find(endpoints, endpoint) == endpoints.end()) {
    endpoints.push_back(endpoint);
  }
}

std::vector<wire::shm::Endpoint> ask_server(const std::string& host, std::uint16_t port,
                                            const wire::shm::Endpoint& dns, std::string& why) {
  std::vector<wire::shm::Endpoint> endpoints;
  why.clear();
  for (const DnsType type : {DnsType::kAddress6, DnsType::kAddress4}) {
    const DnsOutcome asked = ask_dns(host, type, dns);
    if (!asked.answer) {
      why = asked.why;
      continue;
    }
    for (const auto& address : asked.answer->addresses) add(endpoints, address, port);
  }
  if (endpoints.empty() && why.empty()) why = host + ": has no address";
  return endpoints;
}

bool is_address(const std::string& host) {
  in6_addr unused;
  return ::inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

}  // namespace

std::vector<wire::shm::Endpoint> look_up_host(const std::string& host, std::uint16_t port,
                                              const std::optional<wire::shm::Endpoint>& dns,
                                              std::string& why) {
  if (dns && !is_address(host)) return ask_server(host, port, *dns, why);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    why = host + ": " + (error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error));
    return {};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  std::vector<wire::shm::Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    add(endpoints, endpoint_of(*one->ai_addr), port);
  }
  if (endpoints.empty()) why = host + ": has no address";
  return endpoints;
}

}  // namespace controlplane::ctl
