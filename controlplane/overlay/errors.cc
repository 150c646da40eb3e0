// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/errors.h"

#include <algorithm>
#include <string_view>

namespace controlplane::overlay {

using wire::reload::ErrorCode;

std::optional<ErrorCode> answer_to(wire::shm::DropReason reason) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  if (index >= wire::shm::kDropReasonCount) return std::nullopt;
  const std::string_view wanted = wire::shm::kDropReasons[index].answer;
#define ERROR_CODE(Name, value, name) \
  if (wanted == name) return ErrorCode::k##Name;
#include "wire/reload/error_code.def"
#undef ERROR_CODE
  return std::nullopt;
}

bool ErrorMeter::allow(const Now& now, std::uint16_t slot) {
  constexpr std::uint64_t kRefillNs = 1'000'000'000 / kPerSecond;
  auto [found, fresh] = buckets_.try_emplace(slot);
  Bucket& bucket = found->second;
  if (fresh) bucket.filled_ns = now.ns;
  const std::uint64_t earned = (now.ns - bucket.filled_ns) / kRefillNs;
  bucket.tokens = std::min(kBurst, bucket.tokens + earned);
  bucket.filled_ns += earned * kRefillNs;
  if (bucket.tokens == 0) return false;
  --bucket.tokens;
  return true;
}

}  // namespace controlplane::overlay
