// SPDX-License-Identifier: Apache-2.0
// One question to the control plane of the node, for commands that need its answer or cannot go on.

#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

/// The JSON that the control plane answers. When it does not run or refuses, fail()s with its
/// words.
[[nodiscard]] nlohmann::json ask(const Context& context, std::string_view method,
                                 std::string_view target, const nlohmann::json& body = {});

/// For commands that say less without it: the answer to a GET, or null when no control plane
/// answers.
[[nodiscard]] nlohmann::json ask_if_running(const Context& context, std::string_view target);

}  // namespace controlplane::ctl
