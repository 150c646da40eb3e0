// SPDX-License-Identifier: Apache-2.0
// The body of POST /v1/ping.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/node_config.h"
#include "controlplane/admin/ping_run.h"
#include "controlplane/overlay/settings.h"

namespace controlplane::admin {

/// {"destination": entry | "destination_list": [entry…], "identity": name, "count": n,
///  "interval_us": n, "padding": bytes, "timeout_ms": n, "quiet": bool}. Everything but the
/// destination has a default. nullopt with @p why, which names key and what is accepted.
[[nodiscard]] std::optional<PingOptions> parse_ping(std::string_view json,
                                                    const config::NodeConfig& config,
                                                    std::span<const overlay::SigningName> names,
                                                    std::string& why);

}  // namespace controlplane::admin
