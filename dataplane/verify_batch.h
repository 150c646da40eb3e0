// SPDX-License-Identifier: Apache-2.0
// The signature checks of one burst: gathered one by one, then answered together, from the digest
// cache where it can and else by the batch verifier with the tables of known signers.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/batch_verify.h"
#include "crypto/key_table_pool.h"
#include "dataplane/burst.h"
#include "dataplane/digest_cache.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/turn.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// The parts of a message that a check needs, in one mbuf or in scratch. Borrowed.
struct CheckedMessage {
  std::span<const std::byte> message;
  std::span<const std::byte> contents;
  std::span<const std::byte> identity;
  std::span<const std::byte> signature;
  std::size_t certificates_length = 0;
  std::uint16_t message_code = 0;
  wire::reload::SignatureScheme scheme{};
};

/// One per worker. Nothing in it outlives the turn but the digest cache and the verifier's counts.
class VerifyBatch {
 public:
  static constexpr std::size_t kMaxJobs = crypto::BatchVerifier::kMaxJobs;
  static constexpr unsigned kChain = ~0U;

  /// What a check is about.
  struct Subject {
    rte_mbuf* mbuf;      ///< the message, or the head of a chain
    unsigned slot;       ///< in the burst; kChain for a chain
    std::uint16_t code;  ///< message code
    std::span<const std::byte> message;
    const SignerEntry* signer;  ///< this turn's
  };
  enum class Answer : std::uint8_t { kRecalled, kVerified, kBadSignature, kTooLong };

  /// @param tables  of known signers, this worker is its reader number @p lcore; nullptr: none
  /// @return nullptr when out of memory
  [[nodiscard]] static std::unique_ptr<VerifyBatch> create(const crypto::KernelTable& kernel,
                                                           crypto::KeyTablePool* tables,
                                                           std::uint32_t lcore,
                                                           std::uint32_t digest_cache_entries,
                                                           std::uint64_t tsc_hz);

  /// What was let pass under one policy is looked at anew under another. Call it for each burst.
  void follow(const wire::shm::PolicyTable& policy, const Turn& turn) noexcept;
  /// Everything borrowed must stay until clear(). @pre size() < kMaxJobs
  void add(const CheckedMessage& message, const SignerEntry& signer, rte_mbuf* mbuf,
           unsigned slot) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Answers all, in the order they were added; counts verified, digest_cache_hits, verify_batch.
  void answer(const Turn& turn, wire::shm::LcoreCounters& counters) noexcept;
  [[nodiscard]] const Subject& subject(std::size_t k) const noexcept { return subjects_[k]; }
  [[nodiscard]] Answer answer_to(std::size_t k) const noexcept { return answers_[k]; }
  void clear() noexcept { size_ = 0; }

  /// Copies what the verifier counts, how checks were made and how full lanes were.
  void publish(wire::shm::LcoreCounters& counters) const noexcept;

 private:
  VerifyBatch(const crypto::KernelTable& kernel, crypto::KeyTablePool* tables, std::uint32_t lcore,
              std::unique_ptr<DigestCache> cache);
  void recall(std::uint64_t now_ms, wire::shm::LcoreCounters& counters) noexcept;

  crypto::KeyTablePool* const tables_;
  const std::uint32_t lcore_;
  crypto::BatchVerifier verifier_;
  const std::unique_ptr<DigestCache> cache_;
  wire::reload::OverlayHash seen_overlay_{};  ///< the policy that the digest cache is good under
  std::array<wire::shm::LinkClassPolicy, wire::shm::kLinkClassCount> seen_classes_{};

  std::size_t size_ = 0;
  std::array<Subject, kMaxJobs> subjects_{};
  std::array<Answer, kMaxJobs> answers_{};
  std::array<DigestCache::Digest, kMaxJobs> digests_{};  ///< while the cache is on

  // Jobs that the cache did not answer; jobs_[n] asks about subjects_[asked_[n]].
  std::size_t asked_count_ = 0;
  std::array<crypto::VerifyJob, kMaxJobs> jobs_{};
  std::array<std::uint8_t, kMaxJobs> asked_{};
  std::array<crypto::Verdict, kMaxJobs> verdicts_{};
};

}  // namespace dataplane
