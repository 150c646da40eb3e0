// SPDX-License-Identifier: Apache-2.0
// Message bodies as JSON, every field by its name in RFC 6940.

#pragma once

#include <nlohmann/json.hpp>

#include "wire/reload/message_contents.h"
#include "wire/reload/parse_error.h"

namespace controlplane::ctl {

/// Every body as `length` and `hex`, and behind them the fields of those this codec knows. What the
/// RFC leaves to the topology is read as CHORD-RELOAD's. @p fault is set for a body without the
/// layout of its message code, and counts from the body's start; its fields are then not given.
[[nodiscard]] nlohmann::ordered_json body_json(const wire::reload::MessageContents& contents,
                                               wire::reload::ParseError& fault);

}  // namespace controlplane::ctl
