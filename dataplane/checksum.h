// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) in software, for ports that do not compute it.
//
// Sums are kept unfolded in 64 bits and in memory order: one's complement addition does not care
// about byte order, so nothing is swapped until never.

#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dataplane {

/// sum_bytes() for what is long: the best variant this CPU has, chosen before main() (checksum.cc).
/// @pre n >= kLongSum
extern std::uint64_t (*const sum_long_bytes)(const std::byte* from, std::size_t n,
                                             std::uint64_t sum) noexcept;
inline constexpr std::size_t kLongSum = 128;

/// The last bytes of a sum, fewer than 16, without a loop.
[[nodiscard]] inline std::uint64_t sum_tail(const std::byte* from, std::size_t n,
                                            std::uint64_t sum) noexcept {
  if ((n & 8U) != 0) {
    std::uint64_t words;
    std::memcpy(&words, from, 8);
    sum += (words & 0xffffffffU) + (words >> 32U);
    from += 8;
  }
  if ((n & 4U) != 0) {
    std::uint32_t word;
    std::memcpy(&word, from, 4);
    sum += word;
    from += 4;
  }
  if ((n & 2U) != 0) {
    std::uint16_t word;
    std::memcpy(&word, from, 2);
    sum += word;
    from += 2;
  }
  if ((n & 1U) != 0) sum += static_cast<std::uint8_t>(*from);
  return sum;
}

/// The portable sum. Sixteen bytes a step: adds of 32-bit words into 64-bit lanes cannot carry out.
[[nodiscard]] inline std::uint64_t sum_short_bytes(const std::byte* from, std::size_t n,
                                                   std::uint64_t sum) noexcept {
  if (n >= 16) {
    const __m128i zero = _mm_setzero_si128();
    __m128i low = zero, high = zero;
    const std::byte* const end = from + (n & ~std::size_t{15});
    for (; from != end; from += 16) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      low = _mm_add_epi64(low, _mm_unpacklo_epi32(block, zero));
      high = _mm_add_epi64(high, _mm_unpackhi_epi32(block, zero));
    }
    const __m128i lanes = _mm_add_epi64(low, high);
    sum += static_cast<std::uint64_t>(_mm_cvtsi128_si64(lanes)) +
           static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(lanes, lanes)));
  }
  return sum_tail(from, n & 15U, sum);
}

/// @p sum plus all 16-bit words of @p n bytes; an odd last byte is padded with zero. Safe for any
/// alignment and any length a packet can have.
[[nodiscard]] inline std::uint64_t sum_bytes(const std::byte* from, std::size_t n,
                                             std::uint64_t sum = 0) noexcept {
  return n < kLongSum ? sum_short_bytes(from, n, sum) : sum_long_bytes(from, n, sum);
}

/// The one's complement sum as 16 bits in memory order. 0xffff when all is well and the checksum
/// itself was among the bytes. A number plus itself with its halves swapped has in its upper half
/// the sum of both halves with the carry already added back.
[[nodiscard]] inline std::uint16_t folded(std::uint64_t sum) noexcept {
  const auto half = static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32U);
  return static_cast<std::uint16_t>((half + std::rotl(half, 16)) >> 16U);
}

/// What goes into a checksum field, by memcpy.
[[nodiscard]] inline std::uint16_t checksum_of(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~folded(sum));
}
/// The same for UDP, where zero would mean "none".
[[nodiscard]] inline std::uint16_t udp_checksum_of(std::uint64_t sum) noexcept {
  const std::uint16_t value = checksum_of(sum);
  return value == 0 ? std::uint16_t{0xffff} : value;
}

/// The pseudo-header of UDP, TCP and ICMPv6.
/// @param addresses      source then destination, as they lie in an IP header
/// @param address_bytes  both together: 8 or 32
/// @param length         of the upper-layer packet
[[nodiscard]] inline std::uint64_t pseudo_header_sum(const std::byte* addresses,
                                                     std::size_t address_bytes,
                                                     std::uint8_t protocol,
                                                     std::uint16_t length) noexcept {
  return sum_bytes(addresses, address_bytes) + (std::uint64_t{protocol} << 8U) +
         __builtin_bswap16(length);
}

}  // namespace dataplane
