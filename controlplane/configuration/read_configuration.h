// SPDX-License-Identifier: Apache-2.0
// Reads one configuration element (RFC 6940 section 11.1; requirements J-14 to J-40).

#pragma once

#include <string_view>

#include "controlplane/configuration/document.h"
#include "controlplane/configuration/read_values.h"

namespace controlplane::configuration {

/// What @p element of @p text says. What is wrong goes to @p values; then the result is half-read.
[[nodiscard]] OverlayConfiguration read_configuration(const XmlElement& element,
                                                      std::string_view text, Values& values);

}  // namespace controlplane::configuration
