// SPDX-License-Identifier: Apache-2.0
// What VerifyState is made of. For verify_state.cc and the stage only.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/batch_verify.h"
#include "dataplane/burst.h"
#include "dataplane/digest_cache.h"
#include "dataplane/evidence.h"
#include "dataplane/hold_table.h"
#include "dataplane/mbuf_queue.h"
#include "dataplane/reassembly.h"
#include "dataplane/verify_state.h"
#include "wire/reload/security_block.h"

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

struct VerifyState::Parts {
  Parts(const Setup& given, std::unique_ptr<HoldTable> hold_table,
        std::unique_ptr<Reassembly> fragments, std::unique_ptr<Evidence> reports,
        std::unique_ptr<DigestCache> digest_cache, std::unique_ptr<std::byte[]> scratch_memory);

  /// A whole message that reassembled fragments make up may be this long.
  static constexpr std::size_t kScratchBytes = crypto::kMaxSignedBytes;
  static constexpr std::size_t kScratchSlots = 4;

  const Setup setup;
  crypto::BatchVerifier verifier;
  std::unique_ptr<HoldTable> hold;
  std::unique_ptr<Reassembly> reassembly;
  std::unique_ptr<Evidence> evidence;
  std::unique_ptr<DigestCache> digest_cache;
  wire::reload::OverlayHash seen_overlay{};  ///< the policy that the digest cache is good under
  std::array<wire::shm::LinkClassPolicy, wire::shm::kLinkClassCount> seen_classes{};
  MbufQueue to_verify;  ///< messages (heads of chains) whose signer is known by now
  std::size_t to_verify_packets = 0;
  MbufQueue leaving;  ///< packets for route, and condemned ones

  std::unique_ptr<std::byte[]> scratch;
  std::size_t scratch_used = 0;  ///< slots that jobs of the running batch point into

  // The running batch. subject[k] is what jobs[k] is about.
  struct Subject {
    rte_mbuf* mbuf;      ///< the message, or the head of a chain
    unsigned slot;       ///< in the burst; kChain for a chain
    std::uint16_t code;  ///< message code of a chain
    std::size_t length;  ///< of the whole message at sample
    const std::byte* sample;
    std::uint64_t signer_epoch;
  };
  static constexpr unsigned kChain = ~0U;
  std::size_t job_count = 0;
  std::array<crypto::VerifyJob, crypto::BatchVerifier::kMaxJobs> jobs{};
  std::array<crypto::Verdict, crypto::BatchVerifier::kMaxJobs> verdicts{};
  std::array<Subject, crypto::BatchVerifier::kMaxJobs> subjects{};
  std::array<DigestCache::Digest, crypto::BatchVerifier::kMaxJobs>
      digests{};  ///< while the cache is on

  [[nodiscard]] std::span<std::byte> scratch_slot(std::size_t k) const noexcept {
    return {scratch.get() + k * kScratchBytes, kScratchBytes};
  }
  /// Sends @p head and what hangs behind it away as dropped.
  void condemn(rte_mbuf* head, DropReason reason) noexcept;
  /// Tells the control plane of signers it has not been told of. Uses the scratch: call it between
  /// batches.
  void punt_new_signers() noexcept;
};

/// Finds the parts of a whole message behind its forwarding header. False with @p why.
[[nodiscard]] bool find_parts(std::span<const std::byte> message, std::size_t header_bytes,
                              CheckedMessage& out, DropReason& why) noexcept;

}  // namespace dataplane
