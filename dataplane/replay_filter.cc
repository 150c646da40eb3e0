// SPDX-License-Identifier: Apache-2.0
#include "dataplane/replay_filter.h"

#include <smmintrin.h>

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
  const std::uint64_t tag = tag_of(hash);
  Bucket& bucket = buckets_[hash & bucket_mask_];

  // All eight entries at once, two in each vector, because no branch predictor knows which is the
  // oldest. The rank of an entry is 0xffff - age, or 0 when it is empty: the lowest goes first.
  const __m128i time_mask = _mm_set1_epi64x(static_cast<std::int64_t>(kTimeMask));
  const __m128i tags = _mm_set1_epi64x(static_cast<std::int64_t>(tag));
  const __m128i minus_now = _mm_set1_epi16(static_cast<std::int16_t>(~now_ms & kTimeMask));
  __m128i hits = _mm_setzero_si128();
  const auto ranks_of = [&](std::size_t way) noexcept {  // in the low word of each half, else zero
    const __m128i two = _mm_load_si128(reinterpret_cast<const __m128i*>(&bucket.entries[way]));
    hits = _mm_or_si128(hits, _mm_cmpeq_epi64(_mm_andnot_si128(time_mask, two), tags));
    const __m128i is_empty = _mm_cmpeq_epi64(two, _mm_setzero_si128());
    const __m128i ranks = _mm_and_si128(_mm_add_epi16(two, minus_now), time_mask);
    return _mm_andnot_si128(is_empty, ranks);
  };
  const __m128i lower = _mm_packus_epi32(ranks_of(0), ranks_of(2));
  const __m128i upper = _mm_packus_epi32(ranks_of(4), ranks_of(6));
  if (_mm_movemask_epi8(hits) != 0) [[unlikely]]
    return seen_before(bucket, tag, now_ms, window_ms);
  const __m128i lowest_first = _mm_minpos_epu16(_mm_packus_epi32(lower, upper));
  const auto lowest = static_cast<std::uint32_t>(_mm_cvtsi128_si32(lowest_first));
  bucket.entries[lowest >> 16U & (kWays - 1)] = tag | (now_ms & kTimeMask);
  return false;
}

bool ReplayFilter::seen_before(Bucket& bucket, std::uint64_t tag, std::uint64_t now_ms,
                               std::uint32_t window_ms) noexcept {
  std::uint64_t* const entry =
      std::find_if(bucket.entries.begin(), bucket.entries.end(),
                   [=](std::uint64_t each) { return (each & ~kTimeMask) == tag; });
  if (((now_ms - *entry) & kTimeMask) < std::min(window_ms, kLongestWindowMs)) return true;
  *entry = tag | (now_ms & kTimeMask);
  return false;
}

}  // namespace dataplane
