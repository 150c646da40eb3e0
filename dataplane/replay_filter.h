// SPDX-License-Identifier: Apache-2.0
// Which messages came moments ago. One per lcore; holds hashes, never packets.
//
// Buckets of one cache line with eight entries. An entry is 48 bits of the message's hash and the
// millisecond it came, modulo 65 536: an entry that has gone round looks fresh again, which can
// only make the filter refuse a message that is, bit for bit, one it has seen.
//
// Limit: a bucket that is full of fresh entries forgets its oldest. With 524 288 entries that
// begins at about 50 000 messages a second over a window of 2 s; beyond, the window shortens.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "wire/shm/layout.h"

namespace dataplane {

class ReplayFilter {
 public:
  static constexpr std::uint32_t kDefaultEntries = 524288;  ///< 4 MiB
  static constexpr std::uint32_t kLongestWindowMs = 32768;  ///< a longer window counts as this

  /// @param entries  rounded up to a power of two, at least 8. nullptr: out of memory.
  [[nodiscard]] static std::unique_ptr<ReplayFilter> create(std::uint32_t entries,
                                                            std::uint64_t tsc_hz) noexcept;

  /// True when @p hash was noted less than @p window_ms ago; else notes it. A message that is
  /// refused keeps its first time, so that a flood of copies does not extend the window.
  /// @param now_ms  milliseconds_at() of this turn: the division is made once per burst
  [[nodiscard]] bool seen(std::uint64_t hash, std::uint64_t now_ms,
                          std::uint32_t window_ms) noexcept;
  [[nodiscard]] std::uint64_t milliseconds_at(std::uint64_t tsc) const noexcept {
    return tsc / cycles_per_ms_;
  }

  /// Brings the bucket of @p hash into the cache for a seen() to follow.
  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&buckets_[hash & bucket_mask_], 1);
  }

 private:
  static constexpr unsigned kWays = 8;
  struct alignas(wire::shm::kCacheLine) Bucket {
    std::array<std::uint64_t, kWays> entries{};  // 48 bits of hash, 16 bits of time; 0 is empty
  };
  ReplayFilter() = default;
  /// seen() when an entry of @p bucket has @p tag.
  [[nodiscard]] static bool seen_before(Bucket& bucket, std::uint64_t tag, std::uint64_t now_ms,
                                        std::uint32_t window_ms) noexcept;

  std::unique_ptr<Bucket[]> buckets_;
  std::uint64_t bucket_mask_ = 0;
  std::uint64_t cycles_per_ms_ = 1;
};

}  // namespace dataplane
