// SPDX-License-Identifier: Apache-2.0
// The Ethernet, IP and UDP headers in front of every frame of a link: made once per association,
// then copied and patched.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/frame_layout.h"
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
  /// Cost: 62 bytes of copy and a sum over the payload, 16 bytes a cycle or two. Inline, because of
  /// an ack, whose size the caller knows when it is compiled, little then remains to be summed.
  void write(std::byte* frame, std::uint16_t payload_bytes, std::uint64_t mac) const noexcept {
    const std::byte* const payload = frame + size_;
    const auto udp_bytes = static_cast<std::uint16_t>(payload_bytes + udp::kBytes);
    const std::uint16_t udp_length = __builtin_bswap16(udp_bytes);
    std::byte* const ip = frame + ether::kBytes;
    std::byte* const udp_header = frame + size_ - udp::kBytes;
    // Two copies of a constant size are a few moves each; one of either is a string instruction.
    if (family_ == 4) [[likely]] {
      std::memcpy(frame, bytes_.data(), ether::kBytes + ipv4::kMinBytes + udp::kBytes);
      const std::uint16_t total =
          __builtin_bswap16(static_cast<std::uint16_t>(udp_bytes + ipv4::kMinBytes));
      store_raw16(ip + ipv4::kTotalLength, total);
      store_raw16(ip + ipv4::kChecksum, checksum_of(ip_sum_ + total));
    } else {
      std::memcpy(frame, bytes_.data(), kMaxBytes);
      store_raw16(ip + ipv6::kPayloadLength, udp_length);
    }
    std::memcpy(frame, &mac, 6);
    store_raw16(udp_header + udp::kLength, udp_length);
    // The length stands in the pseudo-header and in the header. The frame header was stored a
    // moment ago as one word, and only a load of that word gets it without waiting for the cache.
    std::uint64_t first;
    std::memcpy(&first, payload, sizeof first);
    const std::uint64_t sum = udp_sum_ + 2ULL * udp_length + (first & 0xffffffffU) + (first >> 32U);
    store_raw16(
        udp_header + udp::kChecksum,
        udp_checksum_of(sum_bytes(payload + sizeof first, payload_bytes - sizeof first, sum)));
  }

 private:
  static void store_raw16(std::byte* to, std::uint16_t in_memory_order) noexcept {
    std::memcpy(to, &in_memory_order, sizeof in_memory_order);
  }

  std::array<std::byte, kMaxBytes> bytes_{};
  std::uint8_t size_ = 0;
  std::uint8_t family_ = 0;
  std::uint64_t ip_sum_ = 0;   // IPv4 header with length and checksum zero
  std::uint64_t udp_sum_ = 0;  // pseudo-header and ports, without the lengths
};

}  // namespace dataplane
