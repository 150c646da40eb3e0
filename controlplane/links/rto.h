// SPDX-License-Identifier: Apache-2.0
// The retransmission timeout of RFC 6298 section 2, here a failure timeout only: TCP retransmits
// (C-24).

#pragma once

#include <algorithm>
#include <cstdint>

#include "controlplane/links/io.h"

namespace controlplane::links {

class Rto {
 public:
  static constexpr std::uint64_t kInitialNs = kSecond;   // (2.1)
  static constexpr std::uint64_t kMinNs = kSecond;       // (2.4)
  static constexpr std::uint64_t kMaxNs = 60 * kSecond;  // (2.5)
  static constexpr std::uint64_t kGranularityNs = kMillisecond;

  /// A measured round trip.
  void note(std::uint64_t rtt_ns) noexcept {
    if (srtt_ns_ == 0) {  // (2.2)
      srtt_ns_ = std::max<std::uint64_t>(rtt_ns, 1);
      variation_ns_ = rtt_ns / 2;
    } else {  // (2.3)
      const std::uint64_t off = srtt_ns_ > rtt_ns ? srtt_ns_ - rtt_ns : rtt_ns - srtt_ns_;
      variation_ns_ = (3 * variation_ns_ + off) / 4;
      srtt_ns_ = std::max<std::uint64_t>((7 * srtt_ns_ + rtt_ns) / 8, 1);
    }
    rto_ns_ = std::clamp(srtt_ns_ + std::max(kGranularityNs, 4 * variation_ns_), kMinNs, kMaxNs);
  }
  [[nodiscard]] std::uint64_t rto_ns() const noexcept { return rto_ns_; }
  [[nodiscard]] std::uint64_t srtt_ns() const noexcept { return srtt_ns_; }  ///< 0: none measured

 private:
  std::uint64_t srtt_ns_ = 0;
  std::uint64_t variation_ns_ = 0;
  std::uint64_t rto_ns_ = kInitialNs;
};

}  // namespace controlplane::links
