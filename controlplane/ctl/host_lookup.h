// SPDX-License-Identifier: Apache-2.0
// Addresses of hosts.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/shm/commands.h"

namespace controlplane::ctl {

/// The addresses that the machine knows @p host by (getaddrinfo), or that the name server @p dns
/// knows, each with @p port, in the order in which to try them. @p host may be an address itself.
/// Empty with @p why. Waits as long as the machine's resolver does.
[[nodiscard]] std::vector<wire::shm::Endpoint> look_up_host(
    const std::string& host, std::uint16_t port, const std::optional<wire::shm::Endpoint>& dns,
    std::string& why);

}  // namespace controlplane::ctl
