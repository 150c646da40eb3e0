// SPDX-License-Identifier: Apache-2.0
// Cuts what `hopsealctl decode` was given into frames and messages, whatever its form.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace controlplane::ctl {

/// One datagram: a link frame or a bare message.
struct DecodeItem {
  std::vector<std::byte> bytes;
  std::size_t packet = 0;  ///< number in the capture, counted from 1; 0 outside captures
  double time_s = 0;       ///< captures: seconds since 1970
  std::string source;      ///< captures: "192.0.2.1:6084" or "[2001:db8::1]:6084"
  std::string destination;
  std::size_t missing_bytes = 0;  ///< captures: bytes of the datagram the snap length cut off
};

struct DecodeInput {
  std::vector<DecodeItem> items;
  std::vector<std::string> warnings;  ///< what was left out, and what to do about it
  std::string error;                  ///< why nothing can be decoded, or empty
};

/// Recognises captures (pcap, pcapng) by their magic number, hex text by its characters, and takes
/// everything else for RELOAD bytes. Frames and messages may stand back to back; they are cut by
/// their own lengths.
[[nodiscard]] DecodeInput read_decode_input(std::span<const std::byte> input);

/// The datagrams that stand back to back in @p bytes. Bytes behind a datagram that cannot begin
/// another one stay with it, so that it is reported as malformed rather than two.
[[nodiscard]] std::vector<std::span<const std::byte>> split_stream(
    std::span<const std::byte> bytes);

}  // namespace controlplane::ctl
