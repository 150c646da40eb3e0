// SPDX-License-Identifier: Apache-2.0
// Rate limits in eight bytes a bucket.
//
// A bucket is the time at which it will be full again ("virtual scheduling", ITU-T I.371): each
// message moves that time on by one interval, and is refused when the time would lie more than the
// burst ahead of now. No tokens are counted up, so an idle bucket costs nothing.
//
//   rate 100/s, burst 3, now = 0:   0 ms, 10 ms, 20 ms ahead: taken; 30 ms ahead: refused

#pragma once

#include <algorithm>
#include <cstdint>

#include "wire/shm/policy_table.h"

namespace dataplane {

/// A Rate in TSC cycles. Made when the policy changes, because it divides.
struct BucketRate {
  std::uint64_t interval = 0;  ///< cycles per message; 0: no limit
  std::uint64_t ahead = 0;     ///< how far the bucket may run ahead: (burst - 1) intervals

  /// A burst of 0 counts as 1: a limit that lets nothing through is what a barred link is for.
  [[nodiscard]] static BucketRate from(const wire::shm::Rate& rate, std::uint64_t tsc_hz) noexcept {
    if (rate.per_second == 0) return {};
    const std::uint64_t interval = std::max<std::uint64_t>(tsc_hz / rate.per_second, 1);
    return {interval, interval * (std::max<std::uint32_t>(rate.burst, 1) - 1)};
  }
};

class TokenBucket {
 public:
  /// True when the message may pass; then it is paid for.
  [[nodiscard]] bool take(const BucketRate& rate, std::uint64_t tsc) noexcept {
    if (rate.interval == 0) return true;
    const std::uint64_t start = std::max(full_at_, tsc);
    if (start - tsc > rate.ahead) {
      // Left over from a slower rate: the new one starts with an empty bucket, not with a ban.
      full_at_ = std::min(start, tsc + rate.ahead + rate.interval);
      return false;
    }
    full_at_ = start + rate.interval;
    return true;
  }

 private:
  std::uint64_t full_at_ = 0;
};
static_assert(sizeof(TokenBucket) == 8);

}  // namespace dataplane
