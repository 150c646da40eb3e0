// SPDX-License-Identifier: Apache-2.0
// One question to another node, asked by way of this one's control plane.

#pragma once

#include <nlohmann/json.hpp>

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

/// @param query  body of POST /v1/query (controlplane/admin/peer_query.h)
/// The answer, whatever its status. fail()s when this node's control plane does not answer.
[[nodiscard]] nlohmann::json ask_peer(const Context& context, const nlohmann::json& query);

/// Why an answer is none: "no answer within 15000 ms", or the words of who refused.
[[nodiscard]] std::string excuse(const nlohmann::json& answer);

}  // namespace controlplane::ctl
