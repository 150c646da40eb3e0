// SPDX-License-Identifier: Apache-2.0
// Message Contents: code, body, extensions (RFC 6940 section 6.3.3; requirements ).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/parse_error.h"

namespace wire::reload {

/// message_code.def: CODE(Name, value, "name", TrafficClass)
enum class MessageCode : std::uint16_t {
#define CODE(Name, value, name, cls) k##Name = value,
#include "wire/reload/message_code.def"
#undef CODE
};

/// error_code.def: ERROR_CODE(Name, value, "Error_Name")
enum class ErrorCode : std::uint16_t {
#define ERROR_CODE(Name, value, name) k##Name = value,
#include "wire/reload/error_code.def"
#undef ERROR_CODE
};

/// What a message competes with for capacity (design section 2, admit). Fixed by its code.
enum class TrafficClass : std::uint8_t { kLiveness, kTopology, kBulk, kMedia };
inline constexpr std::size_t kTrafficClassCount = 4;

[[nodiscard]] TrafficClass traffic_class(std::uint16_t message_code) noexcept;
/// "ping_req", or nullptr for a code nobody assigned.
[[nodiscard]] const char* message_code_name(std::uint16_t code) noexcept;
/// "Error_TTL_Exceeded", or nullptr.
[[nodiscard]] const char* error_code_name(std::uint16_t code) noexcept;
[[nodiscard]] const char* traffic_class_name(TrafficClass cls) noexcept;

/// Requests are odd below 0x8000; responses are even, or 0xffff.
[[nodiscard]] constexpr bool is_request(std::uint16_t code) noexcept {
  return code < 0x8000 && (code & 1U) != 0;
}

/// Borrowed from the message. contents is what the signature covers.
struct MessageContents {
  std::uint16_t message_code = 0;
  std::span<const std::byte> body;
  std::span<const std::byte> extensions;
  std::span<const std::byte> encoded;  ///< the whole structure; security block follows it
};

/// Reads the contents at the front of @p payload (what follows the forwarding header) and walks the
/// extensions. Faults: kTruncated, kBadMessageCode, kBadExtension, kBadBoolean.
[[nodiscard]] ParseError parse_message_contents(std::span<const std::byte> payload,
                                                MessageContents& out,
                                                std::uint32_t base = 0) noexcept;

struct MessageExtension {
  std::uint16_t type = 0;
  bool critical = false;
  std::span<const std::byte> contents;
  std::span<const std::byte> encoded;
};

/// Reads the extension at the front of @p extensions.
[[nodiscard]] ParseError read_extension(std::span<const std::byte> extensions,
                                        MessageExtension& out) noexcept;

}  // namespace wire::reload
