// SPDX-License-Identifier: Apache-2.0
// The tables the dataplane owns: links and signers. The main lcore changes them on command; worker
// lcores read them without locks.
//
// An entry never changes once it is visible: a change makes a new entry and frees the old one after
// every worker has reported a quiescent state (rte_rcu_qsbr). A worker may keep a pointer until its
// next report, once per turn of the loop, and not longer.

#pragma once

#include <rte_hash.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "crypto/key_table_pool.h"
#include "crypto/public_key.h"
#include "dataplane/association_store.h"
#include "dataplane/quiescence.h"
#include "wire/shm/commands.h"

namespace dataplane {

struct LinkEntry {
  wire::shm::LinkRecord record;
  std::uint8_t owner =
      0;  ///< worker that owns this link's sender and receiver state: slot % workers
  /// New when the slot gets another association (peer, generation, port or addresses): the owner
  /// then resets its state. Kept when only class, barred or mtu change.
  std::uint64_t version = 0;
  /// New with every version, and when the keys change.
  std::uint64_t revision = 0;
  /// Keys of a secure link: those that seal, and those that may still open what comes late. Workers
  /// read what they point to, the pointers are the main lcore's.
  std::shared_ptr<const Association> current;
  std::shared_ptr<const Association> previous;
  std::uint32_t last_association = 0;  ///< highest number that was installed
};

/// Lab links must be enabled by name; the others need no leave.
[[nodiscard]] inline bool may_serve(wire::shm::LinkProtocol protocol,
                                    const wire::shm::PolicyTable& policy) noexcept {
  return protocol != wire::shm::LinkProtocol::kLab || policy.lab_links != 0;
}

class LinkTable {
 public:
  /// How long the previous keys of a link open what comes late.
  static constexpr std::uint64_t kPreviousNs = 60'000'000'000;

  /// @param keys  must outlive the table; nullptr: no association is ever installed
  static std::unique_ptr<LinkTable> create(std::uint32_t max_links, std::uint32_t workers,
                                           Quiescence& quiescence,
                                           AssociationStore* keys = nullptr);
  ~LinkTable();

  /// Workers. nullptr when absent.
  [[nodiscard]] const LinkEntry* by_slot(std::uint16_t slot) const noexcept {
    return slot < slots_.size() ? slots_[slot].load(std::memory_order_acquire) : nullptr;
  }
  /// Workers. Looks up to kBurstSize address pairs at once; entries[i] is nullptr for a miss. Each
  /// pointer names a local endpoint that has the remote one right behind it, as they lie in
  /// PacketContext: &context.local. Cost: 25 to 40 cycles a key while the table fits in L2.
  void by_address(std::span<const wire::shm::Endpoint* const> pairs,
                  std::span<const LinkEntry*> entries) const noexcept;
  /// Workers. Rises with every change, so that owners look for removed links only when it did.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  /// Main lcore only. False with @p why when refused: a field out of range, address pair taken by a
  /// link that is not stale, table full. Upserting the same record again changes nothing.
  [[nodiscard]] bool upsert(const wire::shm::LinkRecord& record, std::string& why);
  void remove(std::uint16_t slot, std::uint8_t generation);
  /// Gives a secure link new keys; those it had become the previous ones. False with @p why: no
  /// such link, a number that is not above the last one, no room. The caller wipes @p record.
  [[nodiscard]] bool install(const wire::shm::AssociationRecord& record, std::uint64_t now_ns,
                             std::string& why);
  /// Takes all keys from a link. False with @p why when there is no such link.
  [[nodiscard]] bool forget(std::uint16_t slot, std::uint8_t generation, std::string& why);
  /// Takes previous keys whose time is over. Every housekeeping turn.
  void expire(std::uint64_t now_ns);
  void mark_all_stale();  ///< kResyncBegin
  void sweep_stale();     ///< kResyncEnd
  void reclaim();         ///< frees what quiescence allows; every housekeeping turn
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  LinkTable() = default;
  struct Impl;
  /// Puts @p entry in the place of @p old, which has the same slot and address pair.
  void replace(const LinkEntry* old, const LinkEntry* entry);
  [[nodiscard]] const LinkEntry* secure(std::uint16_t slot, std::uint8_t generation) const noexcept;
  std::array<std::atomic<const LinkEntry*>, wire::shm::kMaxLinks> slots_{};
  std::atomic<std::uint64_t> version_{0};
  std::uint32_t size_ = 0;
  rte_hash* by_pair_ = nullptr;  ///< address pair -> slot
  std::unique_ptr<Impl> impl_;
};

struct SignerEntry {
  wire::shm::SignerRecord record;                ///< public_key bytes as given
  std::shared_ptr<const crypto::PublicKey> key;  ///< null when refused
  std::uint32_t index = 0;  ///< 0..max_signers-1, stable: names per-lcore buckets
  std::uint64_t epoch = 0;  ///< no other entry of this table ever had it
  crypto::KeyTablePool::SignerId table_id = crypto::KeyTablePool::kNoSigner;  ///< of this key
};

class SignerTable {
 public:
  /// @param tables  told of each key that comes and goes; nullptr: nobody is
  static std::unique_ptr<SignerTable> create(std::uint32_t max_signers, Quiescence& quiescence,
                                             crypto::KeyTablePool* tables = nullptr);
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
  rte_hash* by_key_ = nullptr;  ///< SignerKey -> index into entries_
  std::unique_ptr<std::atomic<const SignerEntry*>[]> entries_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dataplane
