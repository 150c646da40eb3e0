// SPDX-License-Identifier: Apache-2.0
// Questions to the DNS, by the resolver of the C library.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/ctl/dns_answer.h"

namespace controlplane::ctl {

enum class DnsType : std::uint8_t { kService, kAddress4, kAddress6 };

struct DnsOutcome {
  std::optional<DnsAnswer> answer;  ///< without any record when the name has none of this type
  std::string why;                  ///< else: no answer, or one that cannot be used
};

/// Asks the machine's name servers, or @p server alone; by UDP, and by TCP when the answer is cut.
/// Waits some seconds for each try. The name is taken as it is, without the machine's search list.
[[nodiscard]] DnsOutcome ask_dns(const std::string& name, DnsType type,
                                 const std::optional<wire::shm::Endpoint>& server);

}  // namespace controlplane::ctl
