// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/host_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostAddresses = 16;

wire::shm::Endpoint endpoint_of(const sockaddr& address, std::uint16_t port) {
  wire::shm::Endpoint endpoint;
  endpoint.port = port;
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

}  // namespace

std::vector<wire::shm::Endpoint> look_up_host(const std::string& host, std::uint16_t port,
                                              std::string& why) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    why = host + ": " + (error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error));
    return {};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  std::vector<wire::shm::Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr && endpoints.size() < kMostAddresses;
       one = one->ai_next) {
    const wire::shm::Endpoint endpoint = endpoint_of(*one->ai_addr, port);
    if (endpoint.family != 0 && std::ranges::find(endpoints, endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  }
  if (endpoints.empty()) why = host + ": has no address";
  return endpoints;
}

}  // namespace controlplane::ctl
