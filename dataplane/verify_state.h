// SPDX-License-Identifier: Apache-2.0
// What the verify stage keeps between bursts: the batch verifier, what it holds, where it reports.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/key_table_pool.h"
#include "wire/shm/link_status.h"
#include "wire/shm/region.h"

namespace dataplane {

/// One per worker. About 550 KiB, half of it room to put fragmented messages together, and the
/// digest cache. Owns the mbufs it holds.
class VerifyState {
 public:
  struct Setup {
    const crypto::KernelTable* kernel = nullptr;
    crypto::KeyTablePool* tables = nullptr;  ///< of known signers, built by that kernel
    wire::shm::LcoreRings* rings = nullptr;  ///< of this lcore; must outlive the state
    std::span<wire::shm::LinkStatus> links;  ///< bad_signatures of the links it owns
    std::uint8_t lcore = 0;                  ///< also its number as a reader of the tables
    std::uint64_t tsc_hz = 0;
    std::uint64_t secret = 0;                ///< random; keys the choice of samples
    std::uint32_t digest_cache_entries = 0;  ///< 0: off
  };
  /// nullptr when out of memory.
  [[nodiscard]] static std::unique_ptr<VerifyState> create(const Setup& setup);
  ~VerifyState();
  VerifyState(const VerifyState&) = delete;
  VerifyState& operator=(const VerifyState&) = delete;

  /// Packets here now: part of the ledger's `held`.
  [[nodiscard]] std::size_t held() const noexcept;

  /// Copies what is counted elsewhere. At housekeeping turns.
  void publish(wire::shm::LcoreCounters& counters) const noexcept;

  struct Parts;  ///< verify_parts.h: for the functions of the stage
  [[nodiscard]] Parts& parts() noexcept { return *parts_; }

 private:
  explicit VerifyState(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dataplane
