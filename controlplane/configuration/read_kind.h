// SPDX-License-Identifier: Apache-2.0
// Reads kind-block elements (RFC 6940 section 11.1; requirements J-36 to J-39).

#pragma once

#include <string_view>
#include <vector>

#include "controlplane/configuration/kind.h"
#include "controlplane/configuration/read_values.h"

namespace controlplane::configuration {

/// The kind-blocks of a required-kinds element of @p text. What is wrong goes to @p values.
[[nodiscard]] std::vector<KindBlock> read_required_kinds(const XmlElement& required_kinds,
                                                         std::string_view text, Values& values);

}  // namespace controlplane::configuration
