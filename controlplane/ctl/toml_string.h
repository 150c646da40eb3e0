// SPDX-License-Identifier: Apache-2.0
// Strings in configuration files that commands write.

#pragma once

#include <string>
#include <string_view>

namespace controlplane::ctl {

/// @p text as a TOML basic string, with its quotes.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace controlplane::ctl
