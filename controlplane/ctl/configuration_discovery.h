// SPDX-License-Identifier: Apache-2.0
// Which hosts have an overlay's configuration document: the SRV records of
// _reload-config._tcp.<overlay> (RFC 6940 sections 11.2 and 14.1; requirement J-42).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/shm/commands.h"

namespace controlplane::ctl {

struct Discovery {
  std::vector<wire::shm::Endpoint> addresses;  ///< in the order in which to try them
  std::string note;                            ///< for the operator, when there was no SRV record
};

/// Asks the DNS (@p dns, or the machine's servers). An overlay without such a record is asked
/// itself, at port 443, as RFC 2782 says; one whose record says that there is no such service is
/// not. nullopt with @p why when nobody can be asked.
[[nodiscard]] std::optional<Discovery> discover_configuration_server(
    const std::string& overlay, const std::optional<wire::shm::Endpoint>& dns, std::string& why);

}  // namespace controlplane::ctl
