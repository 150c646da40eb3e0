// SPDX-License-Identifier: Apache-2.0
// Signers: a hash from SignerKey to an index, and an array of entries by index. An index belongs to
// a key until the key is removed and every worker has let go of it, so per-lcore buckets named by
// it never change hands while in use.

#include <array>
#include <cassert>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/retired_entries.h"

namespace dataplane {

namespace {

using wire::reload::SignerKey;
using wire::shm::SignerRecord;

static_assert(sizeof(SignerKey) == 40);

/// A key as the hash reads it: in 64-bit words, which SignerKey is not aligned for.
using AlignedKey = std::array<std::uint64_t, 5>;
static_assert(sizeof(AlignedKey) == sizeof(SignerKey));
AlignedKey aligned(const SignerKey& key) {
  AlignedKey out;
  std::memcpy(out.data(), &key, sizeof out);
  return out;
}

bool same_key(const SignerRecord& a, const SignerRecord& b) {
  return a.algorithm == b.algorithm && a.public_key_length == b.public_key_length &&
         a.public_key == b.public_key;
}

bool same_record(const SignerRecord& a, const SignerRecord& b) {
  return a.key == b.key && a.node_id == b.node_id && a.expires_unix_s == b.expires_unix_s &&
         a.refused == b.refused && same_key(a, b);
}

void* index_as_data(std::uint32_t index) { return reinterpret_cast<void*>(std::uintptr_t{index}); }
std::uint32_t data_as_index(const void* data) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data));
}

}  // namespace

struct SignerTable::Impl {
  /// A removed entry on its way out takes its index with it.
  struct Leaving {
    std::uint64_t token;
    std::uint32_t index;
  };
  Quiescence& quiescence;
  crypto::KeyTablePool* tables;
  std::vector<std::uint32_t> free_indices{};  ///< lowest last
  std::vector<bool> stale{};
  RetiredEntries<SignerEntry> retired{};
  std::deque<Leaving> leaving{};

  /// Gives @p entry its key: that of @p old when it is the same, with its table.
  [[nodiscard]] bool take_key(SignerEntry& entry, const SignerEntry* old, std::string& why) const;
  /// Once no new reader can find @p old.
  void retire(const SignerEntry* old, const SignerEntry* successor, std::int32_t position);
};

bool SignerTable::Impl::take_key(SignerEntry& entry, const SignerEntry* old,
                                 std::string& why) const {
  const SignerRecord& record = entry.record;
  if (record.refused != 0) return true;
  if (old != nullptr && old->key != nullptr && same_key(old->record, record)) {
    entry.key = old->key;
    entry.table_id = old->table_id;
    return true;
  }
  entry.key = crypto::PublicKey::from_spki(
      std::span(record.public_key).first(record.public_key_length), why);
  if (entry.key == nullptr) return false;
  if (static_cast<int>(entry.key->algorithm()) != static_cast<int>(record.algorithm)) {
    return why = "public key is not of the algorithm the record names", false;
  }
  return true;
}

void SignerTable::Impl::retire(const SignerEntry* old, const SignerEntry* successor,
                               std::int32_t position) {
  const bool keeps_key = successor != nullptr && successor->key == old->key;
  if (tables != nullptr && !keeps_key) tables->remove(old->table_id);
  retired.retire(quiescence, old, position);
}

std::unique_ptr<SignerTable> SignerTable::create(std::uint32_t max_signers, Quiescence& quiescence,
                                                 crypto::KeyTablePool* tables) {
  rte_hash* hash = create_key_hash("signers", max_signers);
  if (hash == nullptr) return nullptr;
  std::unique_ptr<SignerTable> table(new SignerTable);
  table->by_key_ = hash;
  table->capacity_ = max_signers;
  table->entries_.reset(new std::atomic<const SignerEntry*>[max_signers]());
  table->impl_.reset(new Impl{quiescence, tables});
  table->impl_->stale.resize(max_signers);
  table->impl_->free_indices.reserve(max_signers);
  for (std::uint32_t index = max_signers; index > 0; --index) {
    table->impl_->free_indices.push_back(index - 1);
  }
  return table;
}

SignerTable::~SignerTable() {
  if (impl_ == nullptr) return;
  for (std::uint32_t i = 0; i < capacity_; ++i) delete entries_[i].load(std::memory_order_relaxed);
  impl_->retired.clear(by_key_);
  rte_hash_free(by_key_);
}

void SignerTable::find(std::span<const SignerKey* const> keys,
                       std::span<const SignerEntry*> entries) const noexcept {
  assert(keys.size() <= kBurstSize && entries.size() >= keys.size());
  if (keys.empty()) return;
  std::array<AlignedKey, kBurstSize> copies;
  std::array<const void*, kBurstSize> wanted;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    copies[i] = aligned(*keys[i]);
    wanted[i] = &copies[i];
  }
  std::array<void*, kBurstSize> found;
  std::uint64_t hits = 0;
  rte_hash_lookup_bulk_data(by_key_, wanted.data(), static_cast<std::uint32_t>(keys.size()), &hits,
                            found.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    entries[i] = nullptr;
    if ((hits >> i & 1U) == 0) continue;
    const SignerEntry* entry = entries_[data_as_index(found[i])].load(std::memory_order_acquire);
    if (entry != nullptr && entry->record.key == *keys[i]) entries[i] = entry;
  }
}

bool SignerTable::upsert(const SignerRecord& record, std::string& why) {
  if (record.public_key_length > record.public_key.size()) {
    return why = "public key length exceeds its field", false;
  }
  const AlignedKey key = aligned(record.key);
  void* found = nullptr;
  const bool known = rte_hash_lookup_data(by_key_, &key, &found) >= 0;
  const SignerEntry* old =
      known ? entries_[data_as_index(found)].load(std::memory_order_relaxed) : nullptr;
  if (old != nullptr && same_record(old->record, record)) {
    impl_->stale[old->index] = false;
    return true;
  }
  if (impl_->retired.size() >= capacity_) {
    return why = "changes come faster than workers let go of old entries", false;
  }
  auto entry = std::make_unique<SignerEntry>();
  entry->record = record;
  if (!impl_->take_key(*entry, old, why)) return false;
  if (old != nullptr) {
    entry->index = old->index;
  } else {
    if (impl_->free_indices.empty()) return why = "signer table is full", false;
    entry->index = impl_->free_indices.back();
    if (rte_hash_add_key_data(by_key_, &key, index_as_data(entry->index)) != 0) {
      return why = "signer table is full", false;
    }
    impl_->free_indices.pop_back();
    ++size_;
  }
  if (impl_->tables != nullptr && entry->key != nullptr &&
      entry->table_id == crypto::KeyTablePool::kNoSigner) {
    entry->table_id = impl_->tables->add(entry->key);
  }
  entry->epoch = version_.load(std::memory_order_relaxed) + 1;
  const SignerEntry* const visible = entry.release();
  const std::uint32_t index = visible->index;
  entries_[index].store(visible, std::memory_order_release);
  impl_->stale[index] = false;
  version_.fetch_add(1, std::memory_order_release);
  if (old != nullptr) impl_->retire(old, visible, RetiredEntries<SignerEntry>::kNoPosition);
  return true;
}

void SignerTable::remove(const SignerKey& signer) {
  const AlignedKey key = aligned(signer);
  void* found = nullptr;
  if (rte_hash_lookup_data(by_key_, &key, &found) < 0) return;
  const std::uint32_t index = data_as_index(found);
  const SignerEntry* old = entries_[index].load(std::memory_order_relaxed);
  const std::int32_t position = rte_hash_del_key(by_key_, &key);
  entries_[index].store(nullptr, std::memory_order_release);
  impl_->stale[index] = false;
  version_.fetch_add(1, std::memory_order_release);
  --size_;
  impl_->retire(old, nullptr, position);
  impl_->leaving.push_back({impl_->quiescence.start(), index});
}

void SignerTable::mark_all_stale() {
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    impl_->stale[i] = entries_[i].load(std::memory_order_relaxed) != nullptr;
  }
}

void SignerTable::sweep_stale() {
  for (std::uint32_t i = 0; i < capacity_; ++i) {
    if (!impl_->stale[i]) continue;
    const SignerKey key = entries_[i].load(std::memory_order_relaxed)->record.key;
    remove(key);
  }
}

void SignerTable::reclaim() {
  impl_->retired.reclaim(impl_->quiescence, by_key_);
  while (!impl_->leaving.empty() && impl_->quiescence.passed(impl_->leaving.front().token)) {
    impl_->free_indices.push_back(impl_->leaving.front().index);
    impl_->leaving.pop_front();
  }
}

}  // namespace dataplane
