// SPDX-License-Identifier: Apache-2.0
// Why bytes were refused, and where.

#pragma once

#include <cstddef>
#include <cstdint>

namespace wire::reload {

/// The list is parse_fault.def: FAULT(Name, "name_in_output", "what is wrong").
enum class ParseFault : std::uint8_t {
  kNone,
#define FAULT(Name, name, text) k##Name,
#include "wire/reload/parse_fault.def"
#undef FAULT
};

/// A fault and the offset of the first byte that shows it, counted from the start of the span that
/// was given to the outermost parse call. kTruncated points at the first byte that is missing, or
/// at the length field that asks for more than there is.
struct [[nodiscard]] ParseError {
  ParseFault fault = ParseFault::kNone;
  std::uint32_t offset = 0;

  [[nodiscard]] constexpr bool ok() const noexcept { return fault == ParseFault::kNone; }
};

/// The fault's name ("bad_token") and the sentence behind it. Static strings.
[[nodiscard]] const char* fault_name(ParseFault fault) noexcept;
[[nodiscard]] const char* fault_text(ParseFault fault) noexcept;

}  // namespace wire::reload
