// SPDX-License-Identifier: Apache-2.0
// The identifiers of RFC 6940 as types that do not mix.

#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "wire/byte_order.h"

namespace wire::reload {

/// RFC 6940 section 6.3.1.1 lets an overlay choose 16 to 20 bytes; CHORD-RELOAD fixes 128-bit
/// Resource-IDs (section 10.2), so this node supports exactly 16 and refuses other overlays.
inline constexpr std::size_t kNodeIdBytes = 16;
/// A Resource-ID has at most 254 bytes behind its length byte (section 6.3.1.1).
inline constexpr std::size_t kMaxResourceIdBytes = 254;

/// A Node-ID: a point on the ring, most significant byte first. Orders as an unsigned integer.
struct NodeId {
  std::array<std::byte, kNodeIdBytes> bytes{};

  /// @pre from holds kNodeIdBytes bytes.
  [[nodiscard]] static NodeId from(std::span<const std::byte, kNodeIdBytes> from) noexcept {
    NodeId id;
    std::memcpy(id.bytes.data(), from.data(), kNodeIdBytes);
    return id;
  }
  /// All ones: addresses whichever peer receives it (RFC 6940 section 3).
  [[nodiscard]] static constexpr NodeId wildcard() noexcept {
    NodeId id;
    id.bytes.fill(std::byte{0xff});
    return id;
  }
  /// All zeros is never sent (RFC 6940 section 3); used here for "no Node-ID".
  [[nodiscard]] bool is_invalid() const noexcept { return high() == 0 && low() == 0; }
  [[nodiscard]] bool is_wildcard() const noexcept { return (high() & low()) == ~std::uint64_t{0}; }
  [[nodiscard]] std::uint64_t high() const noexcept { return load_be64(bytes.data()); }
  [[nodiscard]] std::uint64_t low() const noexcept { return load_be64(bytes.data() + 8); }

  friend bool operator==(const NodeId& a, const NodeId& b) noexcept {
    return a.high() == b.high() && a.low() == b.low();
  }
  friend std::strong_ordering operator<=>(const NodeId& a, const NodeId& b) noexcept {
    if (const auto order = a.high() <=> b.high(); order != 0) return order;
    return a.low() <=> b.low();
  }
};
static_assert(sizeof(NodeId) == kNodeIdBytes);

/// True when @p id lies in the half-open ring interval (@p after, @p upto], walking upwards and
/// wrapping at zero. With after == upto the interval is the whole ring (RFC 6940 section 10.1).
[[nodiscard]] inline bool in_interval(const NodeId& id, const NodeId& after,
                                      const NodeId& upto) noexcept {
  if (after < upto) return after < id && id <= upto;
  return after < id || id <= upto;
}

/// Random 64-bit value chosen by the requester; also the reassembly key (section 6.3.2).
enum class TransactionId : std::uint64_t {};
/// Last four bytes of SHA-1 over the overlay name (section 6.3.2, requirement A-15).
enum class OverlayHash : std::uint32_t {};
enum class KindId : std::uint32_t {};

}  // namespace wire::reload
