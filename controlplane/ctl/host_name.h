// SPDX-License-Identifier: Apache-2.0
// Names of hosts.

#pragma once

#include <string_view>

namespace controlplane::ctl {

/// As hosts are named (RFC 1123 section 2.1): letters, digits and dashes between dots. Labels may
/// begin with a digit, but the last one may not be a number, or 192.0.2.256 were a name.
[[nodiscard]] bool is_host_name(std::string_view name) noexcept;

}  // namespace controlplane::ctl
