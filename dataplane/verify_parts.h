// SPDX-License-Identifier: Apache-2.0
// What VerifyState is made of. For verify_state.cc and the stage only.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/burst.h"
#include "dataplane/evidence.h"
#include "dataplane/hold_table.h"
#include "dataplane/mbuf_queue.h"
#include "dataplane/reassembly.h"
#include "dataplane/verify_batch.h"
#include "dataplane/verify_state.h"
#include "wire/reload/security_block.h"

namespace dataplane {

struct VerifyState::Parts {
  Parts(const Setup& given, std::unique_ptr<HoldTable> hold_table,
        std::unique_ptr<Reassembly> fragments, std::unique_ptr<Evidence> reports,
        std::unique_ptr<VerifyBatch> checks, std::unique_ptr<std::byte[]> scratch_memory);

  /// A whole message that reassembled fragments make up may be this long.
  static constexpr std::size_t kScratchBytes = crypto::kMaxSignedBytes;
  static constexpr std::size_t kScratchSlots = 4;

  const Setup setup;
  std::unique_ptr<HoldTable> hold;
  std::unique_ptr<Reassembly> reassembly;
  std::unique_ptr<Evidence> evidence;
  std::unique_ptr<VerifyBatch> batch;
  MbufQueue to_verify;  ///< messages (heads of chains) whose signer is known by now
  std::size_t to_verify_packets = 0;
  MbufQueue leaving;  ///< packets for route, and condemned ones

  std::unique_ptr<std::byte[]> scratch;
  std::size_t scratch_used = 0;  ///< slots that checks of the running batch point into

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
