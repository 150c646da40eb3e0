// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/configuration_sequence.h"

namespace controlplane::overlay {

SequenceOrder compare_sequence(std::uint16_t theirs, std::uint16_t ours) noexcept {
  constexpr std::uint32_t kModulus = 65535;
  const std::uint32_t ahead = (theirs % kModulus + kModulus - ours % kModulus) % kModulus;
  if (ahead == 0) return SequenceOrder::kSame;
  return ahead <= 32767 ? SequenceOrder::kNewer : SequenceOrder::kOlder;
}

}  // namespace controlplane::overlay
