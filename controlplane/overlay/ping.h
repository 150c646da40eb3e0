// SPDX-License-Identifier: Apache-2.0
// The Ping method, answering side (RFC 6940 section 6.5.3; requirements G-33, G-34).

#pragma once

#include "controlplane/overlay/io.h"
#include "controlplane/overlay/message_transport.h"

namespace controlplane::overlay {

/// @param response_id  64 random bits
[[nodiscard]] Answer answer_ping(const Now& now, const ParsedMessage& request,
                                 std::uint64_t response_id);

}  // namespace controlplane::overlay
