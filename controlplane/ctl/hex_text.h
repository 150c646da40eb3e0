// SPDX-License-Identifier: Apache-2.0
// Bytes as hex text and back.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace controlplane::ctl {

/// "d2454c4f"
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
/// "0x00000001": @p digits hex digits.
[[nodiscard]] std::string hex_number(std::uint64_t value, int digits);

/// What parse_hex made of a text.
struct HexText {
  /// One block of bytes per paragraph: blank lines stand between blocks.
  std::vector<std::vector<std::byte>> blocks;
  std::string error;  ///< what is wrong and in which line, or empty
};

/// Reads hex digits with blanks, colons and an optional 0x anywhere between bytes; `#` begins a
/// comment that lasts to the end of its line, and a line of comment alone is not a blank line.
[[nodiscard]] HexText parse_hex(std::string_view text);

}  // namespace controlplane::ctl
