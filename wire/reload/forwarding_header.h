// SPDX-License-Identifier: Apache-2.0
// The forwarding header: 38 fixed bytes, then Via List, Destination List and options
// (RFC 6940 section 6.3.2; requirements ).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/fragment.h"
#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

inline constexpr std::uint32_t kReloToken = 0xd2454c4f;
inline constexpr std::uint8_t kVersion = 0x0a;
inline constexpr std::size_t kFixedHeaderBytes = 38;

/// Byte offsets of the fixed fields, for edits in place.
namespace header_offset {
inline constexpr std::size_t kToken = 0;
inline constexpr std::size_t kOverlay = 4;
inline constexpr std::size_t kConfigurationSequence = 8;
inline constexpr std::size_t kVersion = 10;
inline constexpr std::size_t kTtl = 11;
inline constexpr std::size_t kFragment = 12;
inline constexpr std::size_t kLength = 16;
inline constexpr std::size_t kTransactionId = 20;
inline constexpr std::size_t kMaxResponseLength = 28;
inline constexpr std::size_t kViaListLength = 32;
inline constexpr std::size_t kDestinationListLength = 34;
inline constexpr std::size_t kOptionsLength = 36;
}  // namespace header_offset

/// The fixed fields in host order. All lengths in bytes.
struct ForwardingHeader {
  OverlayHash overlay{};
  std::uint16_t configuration_sequence = 0;
  std::uint8_t version = kVersion;
  std::uint8_t ttl = 0;
  FragmentWord fragment{};
  std::uint32_t length = 0;  ///< of this message or fragment, header included
  TransactionId transaction_id{};
  std::uint32_t max_response_length = 0;  ///< 0: no limit
  std::uint16_t via_list_length = 0;
  std::uint16_t destination_list_length = 0;
  std::uint16_t options_length = 0;

  /// Offset of the first byte after the forwarding header.
  [[nodiscard]] constexpr std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(kFixedHeaderBytes) + via_list_length +
           destination_list_length + options_length;
  }
  [[nodiscard]] constexpr std::uint32_t destination_list_offset() const noexcept {
    return static_cast<std::uint32_t>(kFixedHeaderBytes) + via_list_length;
  }
  [[nodiscard]] constexpr std::uint32_t options_offset() const noexcept {
    return destination_list_offset() + destination_list_length;
  }
};

/// Reads the fixed part and checks, in this order: enough bytes, token, version, fragment word
/// (D-08), length == message.size(), lists inside length, Destination List not empty. The lists'
/// entries are not walked; see destination.h and forwarding_option.h. On a fault @p out is partly
/// filled and means nothing.
[[nodiscard]] ParseError parse_forwarding_header(std::span<const std::byte> message,
                                                 ForwardingHeader& out) noexcept;

/// Writes the 38 fixed bytes. @pre to.size() >= kFixedHeaderBytes
void write_forwarding_header(const ForwardingHeader& header, std::span<std::byte> to) noexcept;

}  // namespace wire::reload
