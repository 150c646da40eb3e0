// SPDX-License-Identifier: Apache-2.0
#include "dataplane/replay_filter.h"

#include <algorithm>
#include <bit>
#include <new>

namespace dataplane {

namespace {

constexpr std::uint64_t kTimeMask = 0xffff;

/// The upper 48 bits of the hash stay; a tag of zero would read as empty.
constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept {
  const std::uint64_t tag = hash & ~kTimeMask;
  return tag != 0 ? tag : kTimeMask + 1;
}

}  // namespace

std::unique_ptr<ReplayFilter> ReplayFilter::create(std::uint32_t entries,
                                                   std::uint64_t tsc_hz) noexcept {
  std::unique_ptr<ReplayFilter> filter(new (std::nothrow) ReplayFilter);
  if (filter == nullptr) return nullptr;
  const std::uint32_t buckets = std::bit_ceil(std::max<std::uint32_t>(entries, kWays)) / kWays;
  filter->buckets_.reset(new (std::nothrow) Bucket[buckets]);
  if (filter->buckets_ == nullptr) return nullptr;
  filter->bucket_mask_ = buckets - 1;
  filter->cycles_per_ms_ = std::max<std::uint64_t>(tsc_hz / 1000, 1);
  return filter;
}

bool ReplayFilter::seen(std::uint64_t hash, std::uint64_t now_ms,
                        std::uint32_t window_ms) noexcept {
  const std::uint32_t window = std::min(window_ms, kLongestWindowMs);
  now_ms &= kTimeMask;
  const std::uint64_t tag = tag_of(hash);
  Bucket& bucket = buckets_[hash & bucket_mask_];

  unsigned place = 0;
  std::uint64_t oldest_age = 0;
  for (unsigned way = 0; way < kWays; ++way) {
    const std::uint64_t entry = bucket.entries[way];
    const std::uint64_t age = entry == 0 ? kTimeMask + 1 : (now_ms - entry) & kTimeMask;
    if ((entry & ~kTimeMask) == tag) {
      if (age < window) return true;
      place = way;
      break;
    }
    if (age > oldest_age) {
      oldest_age = age;
      place = way;
    }
  }
  bucket.entries[place] = tag | now_ms;
  return false;
}

}  // namespace dataplane
