// SPDX-License-Identifier: Apache-2.0
// What time it is, read once per turn of the loop: stages never read a clock.

#pragma once

#include <cstdint>

namespace dataplane {

struct Turn {
  std::uint64_t tsc = 0;     ///< rte_rdtsc() when the turn began
  std::uint64_t unix_s = 0;  ///< wall clock, for certificate dates; a second behind does not matter
};

/// @p ms in TSC cycles; exact enough for timers, no overflow below 584 years at any clock.
[[nodiscard]] constexpr std::uint64_t cycles_of_ms(std::uint32_t ms,
                                                   std::uint64_t tsc_hz) noexcept {
  return tsc_hz / 1000 * ms;
}

}  // namespace dataplane
