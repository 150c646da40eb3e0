// SPDX-License-Identifier: Apache-2.0
// The admit stage: what is refused before it costs a signature check, cheapest first.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/replay_filter.h"
#include "dataplane/token_bucket.h"
#include "dataplane/tracer.h"
#include "dataplane/turn.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// What admit remembers between bursts. One per worker; a link is admitted by its owner alone, so
/// nothing here is shared. 128 KiB of link buckets, 8 bytes a signer, and the replay filter (1
/// MiB).
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

  AdmitState() = default;
  void follow(const wire::shm::PolicyTable& policy) noexcept;

  std::uint64_t tsc_hz_ = 0;
  std::uint64_t secret_ = 0;
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

/// Drops what this node must not, or has agreed not to, spend anything on. Runs on the lcore that
/// owns the packets' links. Injected messages do not pass here.
///
/// Position  after parse, before verify
/// Reads     PacketContext::header, message_code, traffic_class, option_flags, identity_*, link_in
///           @p policy overlay, initial_ttl, rates, verify policy, replay window
///           @p links standing; @p signers
/// Writes    PacketContext::signer  when its key or its rate is asked for (all but unverified
///                                  classes and fragments); valid until the next quiescent report
///           PacketContext::traced, by @p tracer
/// Drops     wrong_overlay, ttl_too_large, flag_in_response, duplicate_entry (B-37), unknown_link
/// (the
///           link went while the packet waited), link_standing, link_rate, signer_rate, duplicate
/// Cost      one line of link buckets and one of the replay filter per message; one bulk lookup of
///           signers per burst; a multiplication per 16 bytes of message for the replay hash
void admit(Burst& burst, const wire::shm::PolicyTable& policy, const LinkTable& links,
           const SignerTable& signers, Tracer& tracer, AdmitState& state,
           const Turn& turn) noexcept;

}  // namespace dataplane
