// SPDX-License-Identifier: Apache-2.0
#include "dataplane/idle.h"

#include <time.h>

#include <algorithm>

namespace dataplane {
namespace {

std::uint64_t monotonic_ns() noexcept {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void Idle::sleep() noexcept {
  idle_turns_ = kSpinTurns;  // asleep until something comes
  const std::uint32_t length = std::min(sleep_ns_, longest_ns_);
  sleep_ns_ = std::min(sleep_ns_ * 2, longest_ns_);
  const timespec span{static_cast<time_t>(length / 1'000'000'000U),
                      static_cast<long>(length % 1'000'000'000U)};
  const std::uint64_t before = monotonic_ns();
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
  counters_.sleep_ns.add(monotonic_ns() - before);
}

}  // namespace dataplane
