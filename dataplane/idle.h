// SPDX-License-Identifier: Apache-2.0
// What a worker does when there is nothing to do.

#pragma once

#include <cstdint>

#include "wire/shm/counters.h"

namespace dataplane {

/// poll: busy spins. poll: adaptive sleeps after kSpinTurns idle turns in a row, a microsecond at
/// first, twice as long each time, at most the configured time; so several nodes share a core, and
/// a busy one never sleeps. One per lcore.
class Idle {
 public:
  static constexpr std::uint32_t kSpinTurns = 64;

  Idle(bool adaptive, std::uint32_t longest_sleep_us, wire::shm::LcoreCounters& counters) noexcept
      : adaptive_(adaptive), longest_ns_(longest_sleep_us * 1000U), counters_(counters) {}

  void worked() noexcept {
    idle_turns_ = 0;
    sleep_ns_ = kFirstSleepNs;
  }
  /// May sleep.
  void rest() noexcept {
    counters_.idle_turns.add(1);
    if (!adaptive_ || ++idle_turns_ < kSpinTurns) return;
    sleep();
  }

 private:
  static constexpr std::uint32_t kFirstSleepNs = 1000;
  void sleep() noexcept;

  bool adaptive_;
  std::uint32_t longest_ns_;
  std::uint32_t idle_turns_ = 0;
  std::uint32_t sleep_ns_ = kFirstSleepNs;
  wire::shm::LcoreCounters& counters_;
};

}  // namespace dataplane
