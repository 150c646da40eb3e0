// SPDX-License-Identifier: Apache-2.0
// Comparing numbers of configuration documents (RFC 6940 section 6.3.2.1; requirements B-43 to
// B-47, X-17).

#pragma once

#include <cstdint>

namespace controlplane::overlay {

/// A header with this number, on a ConfigUpdate, is accepted whatever our own number is (B-47).
inline constexpr std::uint16_t kAnySequence = 65535;

enum class SequenceOrder : std::uint8_t { kSame, kOlder, kNewer };

/// How @p theirs stands to @p ours. Numbers rise modulo 65535, so 0 follows 65534; newer is
/// whatever lies 1 to 32767 steps ahead.
[[nodiscard]] constexpr SequenceOrder compare_sequence(std::uint16_t theirs,
                                                       std::uint16_t ours) noexcept {
  constexpr std::uint32_t kModulus = 65535;
  const std::uint32_t ahead = (theirs % kModulus + kModulus - ours % kModulus) % kModulus;
  if (ahead == 0) return SequenceOrder::kSame;
  return ahead <= 32767 ? SequenceOrder::kNewer : SequenceOrder::kOlder;
}

}  // namespace controlplane::overlay
