// SPDX-License-Identifier: Apache-2.0
// The Ethernet, IP and UDP headers in front of every frame of a link: made once per association,
// then copied and patched.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/port_table.h"
#include "wire/shm/commands.h"

namespace dataplane {

class LinkHeaders {
 public:
  static constexpr std::size_t kMaxBytes = 14 + 40 + 8;

  void prepare(const MacAddress& source, const wire::shm::LinkRecord& link) noexcept;
  /// Ethernet, IP and UDP together: 42 or 62.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Writes them at @p frame, in front of @p payload_bytes that already lie behind them, with both
  /// checksums (requirement of RFC 8200 section 8.1; for IPv4 by choice).
  /// @param mac  of the next hop, in memory order in the low 48 bits
  /// @pre payload_bytes >= 8: a frame of RFC 6940 section 6.6.2 has at least that
  /// Cost: 62 bytes of copy and a sum over the payload, 16 bytes a cycle or two.
  void write(std::byte* frame, std::uint16_t payload_bytes, std::uint64_t mac) const noexcept;

 private:
  std::array<std::byte, kMaxBytes> bytes_{};
  std::uint8_t size_ = 0;
  std::uint8_t family_ = 0;
  std::uint64_t ip_sum_ = 0;   // IPv4 header with length and checksum zero
  std::uint64_t udp_sum_ = 0;  // pseudo-header and ports, without the lengths
};

}  // namespace dataplane
