// SPDX-License-Identifier: Apache-2.0
// IpAddressPort: type(1), length(1), address, port(2)
// (RFC 6940 section 6.3.1.1; requirements ).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/parse_error.h"

namespace wire::reload {

enum class AddressType : std::uint8_t { kInvalid = 0, kIpv4 = 1, kIpv6 = 2 };

/// Borrowed from the bytes it was read from.
struct IpAddressPort {
  AddressType type = AddressType::kInvalid;
  std::uint8_t wire_type = 0;          ///< the type byte as it stood, also for unknown types
  std::span<const std::byte> address;  ///< 4 or 16 bytes, network order
  std::uint16_t port = 0;
  std::span<const std::byte> encoded;
};

/// Reads the one at the front of @p bytes. An unknown type gives type kInvalid and no fault, so
/// that the caller can step over it. Faults: kTruncated; kBadBody when the length does not
/// fit the type.
[[nodiscard]] ParseError read_ip_address_port(std::span<const std::byte> bytes,
                                              IpAddressPort& out) noexcept;

/// @p address holds 4 or 16 bytes. Returns the bytes written, or 0 when it does not or @p to is too
/// small.
[[nodiscard]] std::size_t write_ip_address_port(std::span<const std::byte> address,
                                                std::uint16_t port,
                                                std::span<std::byte> to) noexcept;

}  // namespace wire::reload
