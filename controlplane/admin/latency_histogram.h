// SPDX-License-Identifier: Apache-2.0
// Latencies in log-linear buckets: exact below 128, then 64 buckets per doubling (1.6 % wide).

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace controlplane::admin {

class LatencyHistogram {
 public:
  void add(std::uint64_t value) {
    const std::size_t bucket = bucket_of(value);
    if (bucket >= counts_.size()) counts_.resize(bucket + 1);
    ++counts_[bucket];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  /// The smallest bucket's top below which @p percent of the values lie; 0 when there are none.
  [[nodiscard]] std::uint64_t percentile(double percent) const {
    std::uint64_t seen = 0;
    const double wanted = static_cast<double>(count_) * percent / 100.0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (counts_[bucket] != 0 && static_cast<double>(seen) >= wanted) {
        return std::min(top_of(bucket), max_);
      }
    }
    return max_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

 private:
  static constexpr std::uint64_t kExact = 128;
  static constexpr unsigned kPerOctave = 64;

  // 128 has width 8: its octave starts at bucket 128, and the bits below the top seven are dropped.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kExact) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 7;
    return kExact + (shift - 1) * kPerOctave + static_cast<std::size_t>((value >> shift) - 64);
  }
  static std::uint64_t top_of(std::size_t bucket) {
    if (bucket < kExact) return bucket;
    const std::size_t shift = (bucket - kExact) / kPerOctave + 1;
    const std::uint64_t top = (bucket - kExact) % kPerOctave + 64;
    return ((top + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace controlplane::admin
