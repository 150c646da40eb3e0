// SPDX-License-Identifier: Apache-2.0
// Files that commands write: keys above all.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace controlplane::ctl {

/// Writes a file that must not exist yet, to the disk. Throws std::runtime_error naming it.
void write_new_file(const std::filesystem::path& path, std::string_view text, mode_t mode);

/// Replaces @p path at one stroke, or makes it; @p mode is of the file if it is new. Throws as
/// above and leaves what was there.
void replace_file(const std::filesystem::path& path, std::string_view text, mode_t mode);

}  // namespace controlplane::ctl
