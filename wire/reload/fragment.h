// SPDX-License-Identifier: Apache-2.0
// The fragment word as named bits (RFC 6940 sections 6.3.2 and 6.7; requirements A-20, D-08..D-10).

#pragma once

#include <cstdint>

namespace wire::reload {

/// Every fragment carries at least this much of what follows the forwarding header (D-04), so no
/// fragment but the first can begin before it.
inline constexpr std::uint32_t kMinFragmentBytes = 256;

struct FragmentWord {
  static constexpr std::uint32_t kAlwaysSet = 0x80000000;
  static constexpr std::uint32_t kLast = 0x40000000;
  static constexpr std::uint32_t kOffsetMask = 0x00ffffff;
  static constexpr std::uint32_t kWhole = kAlwaysSet | kLast;

  std::uint32_t word = kWhole;

  [[nodiscard]] static constexpr FragmentWord make(std::uint32_t offset, bool last) noexcept {
    return {kAlwaysSet | (last ? kLast : 0U) | (offset & kOffsetMask)};
  }
  [[nodiscard]] constexpr bool is_well_formed() const noexcept { return (word & kAlwaysSet) != 0; }
  [[nodiscard]] constexpr bool is_last() const noexcept { return (word & kLast) != 0; }
  /// Byte offset from the end of the forwarding header.
  [[nodiscard]] constexpr std::uint32_t offset() const noexcept { return word & kOffsetMask; }
  /// The reserved bits 29-24 are ignored on receipt.
  [[nodiscard]] constexpr bool is_whole() const noexcept { return is_last() && offset() == 0; }
};

}  // namespace wire::reload
