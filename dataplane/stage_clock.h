// SPDX-License-Identifier: Apache-2.0
// Cycles per stage: the TSC is read once behind each stage, so the stages of a turn share the
// boundaries between them and their sum is the turn.

#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "wire/shm/counters.h"

namespace dataplane {

class StageClock {
 public:
  explicit StageClock(wire::shm::LcoreCounters& counters) noexcept : counters_(counters) {}

  /// What passes until the next lap() belongs to that lap's stage.
  std::uint64_t start() noexcept { return last_ = rte_rdtsc(); }
  void lap(wire::shm::Stage stage, std::uint64_t packets) noexcept {
    const std::uint64_t now = rte_rdtsc();
    wire::shm::StageCounters& counters = counters_.stages[static_cast<std::size_t>(stage)];
    counters.packets.add(packets);
    counters.cycles.add(now - last_);
    last_ = now;
  }
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }

 private:
  std::uint64_t last_ = 0;
  wire::shm::LcoreCounters& counters_;
};

}  // namespace dataplane
