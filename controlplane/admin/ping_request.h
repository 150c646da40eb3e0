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

/// Encodes one entry: 32 hex digits or the name of a peer (a Node-ID), "wildcard",
/// "resource:<hex>" or "opaque:<hex>". Empty with @p why when @p text is none of these.
[[nodiscard]] wire::reload::Bytes encode_destination(std::string_view text,
                                                     const config::NodeConfig& config,
                                                     std::string& why);

/// {"destination": entry | "destination_list": [entry…], "identity": name, "count": n,
///  "interval_us": n, "padding": bytes, "timeout_ms": n, "quiet": bool}. Everything but the
/// destination has a default. nullopt with @p why, which names key and what is accepted.
[[nodiscard]] std::optional<PingOptions> parse_ping(std::string_view json,
                                                    const config::NodeConfig& config,
                                                    std::span<const overlay::SigningName> names,
                                                    std::string& why);

}  // namespace controlplane::admin
