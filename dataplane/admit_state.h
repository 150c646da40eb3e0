// SPDX-License-Identifier: Apache-2.0
// What the admit stage remembers between bursts: token buckets and the replay filter.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/message_hash.h"
#include "dataplane/replay_filter.h"
#include "dataplane/token_bucket.h"
#include "dataplane/tracer.h"
#include "dataplane/turn.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// One per worker; a link is admitted by its owner alone, so nothing here is shared. 128 KiB of
/// link buckets, 8 bytes a signer, and the replay filter (4 MiB).
///
/// Limit: a signer whose messages arrive over links of several workers has its rate on each.
class AdmitState {
 public:
  /// @param secret  random, the same for all workers of a process; keys the replay hash
  /// @return nullptr when out of memory
  [[nodiscard]] static std::unique_ptr<AdmitState> create(std::uint32_t max_signers,
                                                          std::uint64_t tsc_hz,
                                                          std::uint64_t secret) noexcept;

 private:
  friend void admit(Burst&, const wire::shm::PolicyTable&, const LinkTable&, const SignerTable&,
                    Tracer&, AdmitState&, const Turn&) noexcept;
  using ClassRates = std::array<wire::shm::Rate, wire::reload::kTrafficClassCount>;

  explicit AdmitState(std::uint64_t secret) noexcept : secret_(secret), hash_(secret) {}
  void follow(const wire::shm::PolicyTable& policy) noexcept;

  std::uint64_t tsc_hz_ = 0;
  std::uint64_t secret_;
  MessageHash hash_;
  // Rates as last seen in the policy, and what they are in cycles.
  std::array<ClassRates, wire::shm::kLinkClassCount> seen_rates_{};
  wire::shm::Rate seen_signer_rate_{};
  std::array<std::array<BucketRate, wire::reload::kTrafficClassCount>, wire::shm::kLinkClassCount>
      rates_{};
  BucketRate signer_rate_{};
  std::array<std::array<TokenBucket, wire::reload::kTrafficClassCount>, wire::shm::kMaxLinks>
      link_buckets_{};
  std::unique_ptr<TokenBucket[]> signer_buckets_;
  std::uint32_t max_signers_ = 0;
  std::unique_ptr<ReplayFilter> replay_;
};

}  // namespace dataplane
