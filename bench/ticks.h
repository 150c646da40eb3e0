// SPDX-License-Identifier: Apache-2.0
// Clocks of benches, all in ticks of the time-stamp counter.

#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <chrono>
#endif

namespace bench {

/// The time-stamp counter.
[[nodiscard]] inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

/// Ticks in a second, measured over 50 ms when first called.
[[nodiscard]] double cycles_per_second();

/// Ticks in which the calling thread had the CPU: what other programs take meanwhile does not
/// count. A system call.
[[nodiscard]] double cpu_cycles() noexcept;

}  // namespace bench
