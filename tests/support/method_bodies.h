// SPDX-License-Identifier: Apache-2.0
// Bodies by their message code: read, and built again from what was read.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/reload/bytes.h"
#include "wire/reload/parse_error.h"

namespace tests {

struct BodyRoundTrip {
  wire::reload::ParseError fault;
  /// What the builder makes of a well-formed body. Empty for codes without a layout, and for what
  /// is read but never sent: address types and kinds of content that only the future knows.
  std::optional<wire::reload::Bytes> rebuilt;
  /// The body was not in the one form the builder gives, which is the reader's right to accept.
  bool reordered = false;
};

/// A code whose body no codec knows gives no fault and nothing rebuilt.
[[nodiscard]] BodyRoundTrip read_body(std::uint16_t message_code, std::span<const std::byte> body);

}  // namespace tests
