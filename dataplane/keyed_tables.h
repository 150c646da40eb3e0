// SPDX-License-Identifier: Apache-2.0
// The tables the dataplane owns: links and signers. The main lcore changes them on command; worker
// lcores read them without locks.
//
// An entry never changes once it is visible: a change makes a new entry and frees the old one after
// every worker has reported a quiescent state (rte_rcu_qsbr). A worker may keep a pointer until its
// next report, once per turn of the loop, and not longer.

#pragma once

#include <rte_hash.h>
#include <rte_rcu_qsbr.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "crypto/public_key.h"
#include "wire/shm/commands.h"

namespace dataplane {

/// Reported by each worker once per turn; waited for by the main lcore, never by a worker.
class Quiescence {
 public:
  static std::unique_ptr<Quiescence> create(std::uint32_t workers);  ///< nullptr: out of memory
  ~Quiescence();
  void online(std::uint32_t worker) noexcept;   ///< before the first turn
  void offline(std::uint32_t worker) noexcept;  ///< after the last
  void report(std::uint32_t worker) noexcept;   ///< holds no pointer into the tables now
  /// Main lcore: a token to be checked later with passed().
  [[nodiscard]] std::uint64_t start() noexcept;
  [[nodiscard]] bool passed(std::uint64_t token) noexcept;  ///< does not wait
  [[nodiscard]] rte_rcu_qsbr* handle() noexcept { return qsbr_; }

 private:
  explicit Quiescence(rte_rcu_qsbr* qsbr) noexcept : qsbr_(qsbr) {}
  rte_rcu_qsbr* qsbr_;
};

struct LinkEntry {
  wire::shm::LinkRecord record;
  std::uint8_t owner = 0;       ///< worker that owns this link's sender and receiver state
  std::uint64_t version = 0;    ///< new with every change; the owner resets its state by it
};

class LinkTable {
 public:
  static std::unique_ptr<LinkTable> create(std::uint32_t max_links, std::uint32_t workers,
                                           Quiescence& quiescence);
  ~LinkTable();

  /// Workers. nullptr when absent.
  [[nodiscard]] const LinkEntry* by_slot(std::uint16_t slot) const noexcept {
    return slot < slots_.size() ? slots_[slot].load(std::memory_order_acquire) : nullptr;
  }
  /// Workers. Looks up to kBurstSize address pairs at once; entries[i] is nullptr for a miss.
  void by_address(std::span<const wire::shm::Endpoint> local,
                  std::span<const wire::shm::Endpoint> remote,
                  std::span<const LinkEntry*> entries) const noexcept;

  /// Main lcore only. False with @p why when refused (slot out of range, address pair taken, full).
  [[nodiscard]] bool upsert(const wire::shm::LinkRecord& record, std::string& why);
  void remove(std::uint16_t slot, std::uint8_t generation);
  void mark_all_stale();         ///< kResyncBegin
  void sweep_stale();            ///< kResyncEnd
  void reclaim();                ///< frees what quiescence allows; every housekeeping turn
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  LinkTable() = default;
  struct Impl;
  std::array<std::atomic<const LinkEntry*>, wire::shm::kMaxLinks> slots_{};
  std::uint32_t size_ = 0;
  std::unique_ptr<Impl> impl_;
};

struct SignerEntry {
  wire::shm::SignerRecord record;           ///< public_key bytes as given
  std::unique_ptr<crypto::PublicKey> key;   ///< null when refused
  std::uint32_t index = 0;                  ///< 0..max_signers-1, stable: names per-lcore buckets
};

class SignerTable {
 public:
  static std::unique_ptr<SignerTable> create(std::uint32_t max_signers, Quiescence& quiescence);
  ~SignerTable();

  /// Workers. Looks up to kBurstSize keys at once; nullptr for a miss.
  void find(std::span<const wire::reload::SignerKey* const> keys,
            std::span<const SignerEntry*> entries) const noexcept;
  /// Rises with every change, so that held messages are looked at again only when it did.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  /// Main lcore only. False with @p why: full, or the key does not decode.
  [[nodiscard]] bool upsert(const wire::shm::SignerRecord& record, std::string& why);
  void remove(const wire::reload::SignerKey& key);
  void mark_all_stale();
  void sweep_stale();
  void reclaim();
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

 private:
  SignerTable() = default;
  struct Impl;
  std::atomic<std::uint64_t> version_{0};
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dataplane
