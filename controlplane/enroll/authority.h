// SPDX-License-Identifier: Apache-2.0
// The CA of an overlay, from its files.

#pragma once

#include <memory>
#include <string>

#include "controlplane/trust/issue.h"

namespace controlplane::enroll {

/// nullptr with @p why, which names the file and what to do: also when the key's file may be read
/// by its group or by everybody.
[[nodiscard]] std::unique_ptr<trust::Authority> load_authority(const std::string& certificate_file,
                                                               const std::string& key_file,
                                                               std::string& why);

/// The text of a file of at most @p most bytes. False with @p why. @p secret: refuses one that
/// others than its owner may read or write.
[[nodiscard]] bool read_file(const std::string& path, std::size_t most, bool secret,
                             std::string& text, std::string& why);

}  // namespace controlplane::enroll
