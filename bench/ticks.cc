// SPDX-License-Identifier: Apache-2.0
#include "bench/ticks.h"

#include <time.h>

#include <chrono>
#include <thread>

namespace bench {

double cycles_per_second() {
  static const double kRate = [] {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    const std::uint64_t before = ticks();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::uint64_t after = ticks();
    return static_cast<double>(after - before) /
           std::chrono::duration<double>(Clock::now() - began).count();
  }();
  return kRate;
}

double cpu_cycles() noexcept {
  timespec had{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &had);
  return (static_cast<double>(had.tv_sec) + 1e-9 * static_cast<double>(had.tv_nsec)) *
         cycles_per_second();
}

}  // namespace bench
