// SPDX-License-Identifier: Apache-2.0
// Where the RELOAD message or the DTLS record lies in an Ethernet frame, for test programs that
// look at whole frames.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tests::support {

/// Borrowed from the frame it was made from.
struct FrameView {
  bool is_udp = false;
  bool is_ipv6 = false;
  std::size_t ip_offset = 0;
  std::size_t udp_offset = 0;
  std::size_t udp_length = 0;  ///< header included
  bool is_message = false;     ///< a data frame with a whole, well-formed message
  std::uint16_t message_code = 0;
  std::uint64_t transaction = 0;
  std::span<std::byte> contents;  ///< MessageContents, what the signature covers
  std::span<std::byte> body;      ///< message_body without its length
  bool is_record = false;         ///< a datagram that begins with a record of application data
  std::uint64_t sequence = 0;     ///< its number
  std::span<std::byte> fragment;  ///< behind the record's header: nonce, ciphertext, tag
};

[[nodiscard]] FrameView view_frame(std::span<std::byte> frame) noexcept;

/// Writes the checksum the UDP datagram should have. @pre view.is_udp
void fix_udp_checksum(std::span<std::byte> frame, const FrameView& view) noexcept;

/// FNV-1a over the contents: names a message's contents in logs. tests/support/frames.py has the
/// same function.
[[nodiscard]] std::uint64_t contents_fingerprint(std::span<const std::byte> contents) noexcept;

}  // namespace tests::support
