// SPDX-License-Identifier: Apache-2.0
// The only place where bytes change order.
//
// RELOAD puts every integer on the wire most significant byte first (RFC 6940 section 6.3). These
// functions read and write at any alignment; nothing is checked, so the caller owns the bounds
// (ReadCursor and WriteCursor do that). Above this header every integer is in host order.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wire {

static_assert(std::endian::native == std::endian::little, "swaps below assume little endian");

[[nodiscard]] inline std::uint8_t load_u8(const std::byte* from) noexcept {
  return static_cast<std::uint8_t>(*from);
}

[[nodiscard]] inline std::uint16_t load_be16(const std::byte* from) noexcept {
  std::uint16_t raw;
  std::memcpy(&raw, from, sizeof raw);
  return __builtin_bswap16(raw);
}

[[nodiscard]] inline std::uint32_t load_be24(const std::byte* from) noexcept {
  return static_cast<std::uint32_t>(load_be16(from)) << 8U | load_u8(from + 2);
}

[[nodiscard]] inline std::uint32_t load_be32(const std::byte* from) noexcept {
  std::uint32_t raw;
  std::memcpy(&raw, from, sizeof raw);
  return __builtin_bswap32(raw);
}

[[nodiscard]] inline std::uint64_t load_be64(const std::byte* from) noexcept {
  std::uint64_t raw;
  std::memcpy(&raw, from, sizeof raw);
  return __builtin_bswap64(raw);
}

inline void store_u8(std::byte* to, std::uint8_t value) noexcept {
  *to = static_cast<std::byte>(value);
}

inline void store_be16(std::byte* to, std::uint16_t value) noexcept {
  const std::uint16_t raw = __builtin_bswap16(value);
  std::memcpy(to, &raw, sizeof raw);
}

/// Writes the low 24 bits of @p value.
inline void store_be24(std::byte* to, std::uint32_t value) noexcept {
  store_be16(to, static_cast<std::uint16_t>(value >> 8U));
  store_u8(to + 2, static_cast<std::uint8_t>(value));
}

inline void store_be32(std::byte* to, std::uint32_t value) noexcept {
  const std::uint32_t raw = __builtin_bswap32(value);
  std::memcpy(to, &raw, sizeof raw);
}

inline void store_be64(std::byte* to, std::uint64_t value) noexcept {
  const std::uint64_t raw = __builtin_bswap64(value);
  std::memcpy(to, &raw, sizeof raw);
}

}  // namespace wire
