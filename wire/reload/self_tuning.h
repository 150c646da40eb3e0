// SPDX-License-Identifier: Apache-2.0
// The message extension self_tuning_data of Probe requests and answers (RFC 7363 sections 6.5 and
// 9.1; requirement N1-13).
//
//   SelfTuningData   network_size(4)  join_rate(4)  leave_rate(4)

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/bytes.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

inline constexpr std::uint16_t kSelfTuningExtension = 0x3;

/// Rates are for 24 hours, rounded up.
struct SelfTuningData {
  std::uint32_t network_size = 0;
  std::uint32_t join_rate = 0;   ///< joins of the whole overlay
  std::uint32_t leave_rate = 0;  ///< failures of one peer
};

[[nodiscard]] Bytes self_tuning_contents(const SelfTuningData& data);
/// Faults: kBadExtension for any length but 12.
[[nodiscard]] ParseError parse_self_tuning(std::span<const std::byte> contents,
                                           SelfTuningData& out) noexcept;

}  // namespace wire::reload
