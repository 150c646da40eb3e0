// SPDX-License-Identifier: Apache-2.0
// Forwarding options: type(1), flags(1), length(2), value
// (RFC 6940 section 6.3.2.3; requirements, B-38 to B-41).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/parse_error.h"

namespace wire::reload {

inline constexpr std::uint8_t kForwardCritical = 0x01;
inline constexpr std::uint8_t kDestinationCritical = 0x02;
inline constexpr std::uint8_t kResponseCopy = 0x04;
inline constexpr std::uint8_t kIgnoreStateKeeping = 0x08;  ///< RFC 7263 section 5.2.1

struct ForwardingOption {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::span<const std::byte> value;
  std::span<const std::byte> encoded;  ///< the whole option
};

/// Reads the option at the front of @p options. Faults: kTruncated, kBadOption (type 0).
[[nodiscard]] ParseError read_option(std::span<const std::byte> options,
                                     ForwardingOption& out) noexcept;

/// What a walk over all options found. This node understands no forwarding option yet, so any
/// critical flag is one it cannot honour.
struct OptionSummary {
  bool forward_critical = false;
  bool destination_critical = false;
  bool response_copy = false;
};

[[nodiscard]] ParseError check_options(std::span<const std::byte> options, OptionSummary& out,
                                       std::uint32_t base = 0) noexcept;

/// Appends one option. Returns the bytes written, or 0 when @p to is too small.
[[nodiscard]] std::size_t write_option(std::uint8_t type, std::uint8_t flags,
                                       std::span<const std::byte> value,
                                       std::span<std::byte> to) noexcept;

/// Copies the options with kResponseCopy, its three flags cleared (B-40, B-41), as a response must
/// carry them. Returns the bytes written. @pre to.size() >= options.size(); options passed
/// check_options.
[[nodiscard]] std::size_t copy_for_response(std::span<const std::byte> options,
                                            std::span<std::byte> to) noexcept;

}  // namespace wire::reload
