// SPDX-License-Identifier: Apache-2.0
// The only source of chance in a simulated world: SplitMix64 (Steele, Lea and Flood, 2014), small
// enough that every node has its own and the order of nodes changes nothing for the others.

#pragma once

#include <cstdint>

namespace tests::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// In [0, 1).
  double fraction() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool chance(double probability) noexcept { return probability > 0 && fraction() < probability; }
  /// Below @p end, which is not 0. The bias of a remainder is below 2^-32 for what worlds hold.
  std::uint64_t below(std::uint64_t end) noexcept { return next() % end; }

 private:
  std::uint64_t state_;
};

}  // namespace tests::simulation
