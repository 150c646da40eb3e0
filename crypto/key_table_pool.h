// SPDX-License-Identifier: Apache-2.0
// Tables of known signers in a bounded piece of memory: who deserves one, built off the packet
// path, found without locks.
//
// One writer thread adds and removes signers and calls step(), which does a bounded piece of work:
// look at the uses of some signers, or build one slice of a table. Reader threads call table() for
// each job. A table changes nothing but the time a check takes, so a reader that gets nullptr, or
// the last table of a signer that is just leaving, is never wrong.
//
// Slots are all of one size, that of the kernel's largest table, so that algorithms compete for
// memory by use alone. Who gets one is decided by scores: uses that decay with a time constant of
// about 25 s. A free slot goes to anyone used kAdmitUses times; a taken one only to a signer whose
// score is more than twice the victim's and kAdmitUses above it. So signers heard once, however
// many, never cost a hot one its table, and two of similar rate do not take it from each other.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "crypto/kernels/kernel_table.h"
#include "crypto/public_key.h"

namespace crypto {

/// The owner's quiescent states: when readers have let go of what they could have got before.
class GracePeriods {
 public:
  virtual ~GracePeriods() = default;
  /// Names this moment. Tokens pass in the order in which they were given.
  [[nodiscard]] virtual std::uint64_t start() noexcept = 0;
  /// True when every reader has been quiescent since start() gave @p token. What readers did before
  /// then happens before what the caller does after this.
  [[nodiscard]] virtual bool passed(std::uint64_t token) noexcept = 0;
};

struct KeyTableStatistics {
  std::uint64_t capacity_bytes = 0;  ///< of all slots
  std::uint64_t used_bytes = 0;  ///< of slots not free: in use, being built, waiting for readers
  std::uint64_t tables = 0;      ///< that readers get
  std::uint64_t builds = 0;      ///< completed; only rises, as the next two
  std::uint64_t evictions = 0;   ///< of tables for the sake of other signers
  std::uint64_t abandoned = 0;   ///< builds given up because the signer was removed
};

class KeyTablePool {
 public:
  using SignerId = std::uint32_t;
  static constexpr SignerId kNoSigner = ~SignerId{0};
  static constexpr std::uint32_t kAdmitUses = 8;
  static constexpr std::uint64_t kSweepMs = 100;  ///< scores are brought up to date this often

  struct Setup {
    const KernelTable& kernel;    ///< the readers' kernel
    std::span<std::byte> memory;  ///< for tables; at kTableAlignment; outlives the pool
    std::uint32_t max_signers = 0;
    std::uint32_t readers = 0;  ///< numbered from 0
    GracePeriods& grace;        ///< outlives the pool
  };
  /// Besides setup.memory it takes about 50 + 4 * readers bytes for each of max_signers.
  explicit KeyTablePool(const Setup& setup);
  ~KeyTablePool();
  KeyTablePool(const KeyTablePool&) = delete;
  KeyTablePool& operator=(const KeyTablePool&) = delete;

  /// Readers. The signer's table or nullptr, and counts one use. The table stays until the reader's
  /// next quiescent state. @p id may be kNoSigner. Cost: two cache lines, one of them the reader's
  /// own.
  [[nodiscard]] const std::byte* table(SignerId id, std::uint32_t reader) noexcept {
    if (id == kNoSigner) return nullptr;
    std::atomic<std::uint32_t>& uses = uses_[reader][id];
    uses.store(uses.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return tables_[id].load(std::memory_order_acquire);
  }

  /// Writer. A name for this signer. kNoSigner when it cannot have a table or all names are taken.
  [[nodiscard]] SignerId add(std::shared_ptr<const PublicKey> key);
  /// Writer. Readers that still hold @p id may go on using it until they are quiescent; no other
  /// signer gets the name or the table's memory before that. For a new key of the same signer,
  /// remove and add. @p id may be kNoSigner.
  void remove(SignerId id);
  /// Writer, whenever it has time. Does one piece of work, the longest of which is one build_slice
  /// of the kernel or a look at kSignersPerStep signers. False: nothing to do before the next
  /// sweep.
  /// @param now_ms  of a clock that does not go back
  bool step(std::uint64_t now_ms);
  /// Writer.
  [[nodiscard]] const KeyTableStatistics& statistics() const noexcept { return statistics_; }

 private:
  static constexpr std::uint32_t kSignersPerStep = 512;
  /// Builds that are waiting. Larger fills an empty pool faster; smaller follows the scores closer.
  static constexpr std::size_t kMaxQueued = 64;
  static constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

  enum class State : std::uint8_t { kFree, kCold, kQueued, kBuilding, kKnown, kLeaving };
  struct Signer {
    std::shared_ptr<const PublicKey> key;
    std::uint32_t score = 0;  ///< uses times kOneUse, decayed
    std::uint32_t seen = 0;   ///< sum of the readers' counts at the last visit
    std::uint32_t slot = kNoSlot;
    State state = State::kFree;
  };
  struct Scored {
    std::uint32_t score;
    SignerId id;
  };
  struct Retired {
    std::uint64_t token;
    std::uint32_t slot;  ///< or kNoSlot
    SignerId id;         ///< or kNoSigner
  };

  [[nodiscard]] std::uint32_t uses_of(SignerId id) const noexcept;
  [[nodiscard]] std::byte* slot_memory(std::uint32_t slot) const noexcept;
  void free_slot(std::uint32_t slot);
  void take_table_from(SignerId id);
  void reclaim();
  void visit(SignerId id);
  void sweep_some();
  void admit();
  void build_some();

  const Setup setup_;
  std::size_t slot_bytes_ = 0;

  // Shared with readers.
  std::unique_ptr<std::atomic<const std::byte*>[]> tables_;
  std::vector<std::unique_ptr<std::atomic<std::uint32_t>[]>> uses_;  ///< by reader, then by signer

  // The writer's.
  std::vector<Signer> signers_;
  std::vector<SignerId> free_ids_;
  std::vector<std::uint32_t> free_slots_;
  std::deque<Retired> retired_;
  std::deque<SignerId> queue_;  ///< to be built; the front one may be under way
  std::uint32_t next_slice_ = 0;

  SignerId sweep_at_ = 0;  ///< signers from here on have not been visited in this sweep
  SignerId highest_ = 0;   ///< no name from here on was ever given
  bool sweeping_ = false;
  bool build_next_ = false;  ///< of a build and a sweep, the build's turn
  bool swept_once_ = false;
  std::uint64_t sweep_began_ms_ = 0;
  std::vector<Scored> candidates_;  ///< heap of the best without a table, the worst in front
  std::vector<Scored> victims_;     ///< heap of the worst with one, the best in front

  KeyTableStatistics statistics_;
};

}  // namespace crypto
