// SPDX-License-Identifier: Apache-2.0
#include "dataplane/admit_state.h"

#include <cstring>
#include <new>

namespace dataplane {

using wire::reload::kTrafficClassCount;
using wire::shm::PolicyTable;

std::unique_ptr<AdmitState> AdmitState::create(std::uint32_t max_signers, std::uint64_t tsc_hz,
                                               std::uint64_t secret) noexcept {
  std::unique_ptr<AdmitState> state(new (std::nothrow) AdmitState(secret));
  if (state == nullptr) return nullptr;
  state->tsc_hz_ = tsc_hz;
  state->max_signers_ = max_signers;
  state->signer_buckets_.reset(new (std::nothrow) TokenBucket[max_signers]);
  state->replay_ = ReplayFilter::create(ReplayFilter::kDefaultEntries, tsc_hz);
  if (state->signer_buckets_ == nullptr || state->replay_ == nullptr) return nullptr;
  return state;
}

void AdmitState::follow(const PolicyTable& policy) noexcept {
  const auto differs = [](const auto& a, const auto& b) {
    static_assert(sizeof a == sizeof b);
    return std::memcmp(&a, &b, sizeof a) != 0;
  };
  for (std::size_t cls = 0; cls < wire::shm::kLinkClassCount; ++cls) {
    if (!differs(seen_rates_[cls], policy.classes[cls].rate)) continue;
    seen_rates_[cls] = policy.classes[cls].rate;
    for (std::size_t t = 0; t < kTrafficClassCount; ++t) {
      rates_[cls][t] = BucketRate::from(seen_rates_[cls][t], tsc_hz_);
    }
  }
  if (differs(seen_signer_rate_, policy.signer_rate)) {
    seen_signer_rate_ = policy.signer_rate;
    signer_rate_ = BucketRate::from(seen_signer_rate_, tsc_hz_);
  }
}

}  // namespace dataplane
