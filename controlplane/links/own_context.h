// SPDX-License-Identifier: Apache-2.0
// The secure context of a node, from its configuration and credentials.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/node_config.h"
#include "controlplane/links/secure_context.h"
#include "controlplane/trust/credentials.h"

namespace controlplane::links {

/// Reads the file with the overlay's shared secret, if there is one. nullptr with @p why, which
/// names the file to look at and what is wrong with it.
/// @param is_barred  nodes that may have no link
[[nodiscard]] std::shared_ptr<const SecureContext> own_context(
    const config::NodeConfig& config, const trust::Credentials& credentials, Transport transport,
    std::string& why, std::function<bool(const wire::reload::NodeId&)> is_barred = {});

/// One line "identity:key", the key in hex, as psktool of GnuTLS writes it. nullopt with @p why.
[[nodiscard]] std::optional<SharedSecret> parse_shared_secret(std::string_view text,
                                                              std::string& why);

}  // namespace controlplane::links
