// SPDX-License-Identifier: Apache-2.0
// What a DNS answer says of services and addresses (RFC 1035, RFC 2782, RFC 3596), and in which
// order services are tried.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wire/shm/commands.h"

namespace controlplane::ctl {

struct DnsService {
  std::uint16_t priority = 0;  ///< the lowest is tried first
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  ///< a host's name in lower case

  friend bool operator==(const DnsService&, const DnsService&) = default;
};

struct DnsAnswer {
  std::vector<DnsService> services;            ///< of SRV records, as they came
  bool no_service = false;                     ///< an SRV record said: decidedly not available
  std::vector<wire::shm::Endpoint> addresses;  ///< of A and AAAA records; without a port
};

/// More records of an answer are not looked at.
inline constexpr std::size_t kMostDnsRecords = 64;

/// Reads a whole message. nullopt with @p why when it is not well-formed. Records of other types,
/// and services whose target is no host's name or whose port is 0, are left out.
[[nodiscard]] std::optional<DnsAnswer> parse_dns_answer(std::span<const std::byte> message,
                                                        std::string& why);

/// Sorts by priority, and at random by weight among equals, as RFC 2782 says.
/// @param random  gives a number from 0 to its argument, both included
void order_services(std::vector<DnsService>& services,
                    const std::function<std::uint32_t(std::uint32_t)>& random);

}  // namespace controlplane::ctl
