// SPDX-License-Identifier: Apache-2.0
// A password, from a file or from whoever types it; never from the command line, which every user
// of the machine can read.

#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace controlplane::enroll {

inline constexpr std::size_t kMostPasswordBytes = 1024;

/// The first line of @p file, or of standard input when that is empty; a terminal does not show it.
/// nullopt with @p why: no password there, too long a one, or a file that others may read.
[[nodiscard]] std::optional<std::string> read_password(const std::string& file, std::string& why);

}  // namespace controlplane::enroll
