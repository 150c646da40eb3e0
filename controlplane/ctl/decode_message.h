// SPDX-License-Identifier: Apache-2.0
// A RELOAD message as JSON, every field by its name in RFC 6940.

#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "wire/reload/forwarding_header.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/parse_error.h"
#include "wire/reload/security_block.h"

namespace controlplane::ctl {

/// What is left of a message that was decoded. Everything is borrowed from its bytes; the parts are
/// set as far as the message could be read.
struct DecodedMessage {
  nlohmann::ordered_json json;
  wire::reload::ParseError fault;  ///< the first one; its offset counts from the message's start
  std::optional<wire::reload::ForwardingHeader> header;
  std::optional<wire::reload::MessageContents> contents;
  std::optional<wire::reload::SecurityBlock> security;
};

/// Decodes as far as the bytes make sense. What follows the forwarding header of a fragment is
/// given as `fragment_data`. A malformed message has `undecoded`, the bytes from its first part
/// that could not be read, and `error` with fault, offset and text. Depends on @p message alone.
[[nodiscard]] DecodedMessage decode_message(std::span<const std::byte> message);

/// The frame around a message, or an ack (RFC 6940 section 6.6.2).
[[nodiscard]] nlohmann::ordered_json decode_frame(const wire::reload::Frame& frame);

/// {"fault", "offset", "text"}
[[nodiscard]] nlohmann::ordered_json decode_error(wire::reload::ParseError error);

}  // namespace controlplane::ctl
