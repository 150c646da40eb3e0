// SPDX-License-Identifier: Apache-2.0
// Links: an array by slot, which is the truth, and a hash from address pair to slot.
//
// The hash gives a slot number and not a pointer, so that every entry is reached through one atomic
// in slots_. Between two steps of a change a reader can meet the old entry of a slot under its new
// address pair; it compares the pair and calls that a miss.

#include <bitset>
#include <cstring>
#include <deque>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/retired_entries.h"

namespace dataplane {

namespace {

using wire::shm::Endpoint;
using wire::shm::LinkRecord;

constexpr std::size_t kPairBytes = 2 * sizeof(Endpoint);
static_assert(kPairBytes == 40);
static_assert(offsetof(LinkRecord, remote) == offsetof(LinkRecord, local) + sizeof(Endpoint));
static_assert(offsetof(PacketContext, remote) == offsetof(PacketContext, local) + sizeof(Endpoint));
constexpr std::uint16_t kLeastMtu = 576;

/// Both endpoints as the hash reads them: in 64-bit words, which endpoints are not aligned for.
using PairKey = std::array<std::uint64_t, 5>;
static_assert(sizeof(PairKey) == kPairBytes);
PairKey key_of(const Endpoint* pair) {
  PairKey key;
  std::memcpy(key.data(), pair, kPairBytes);
  return key;
}

bool same_association(const LinkRecord& a, const LinkRecord& b) {
  return a.generation == b.generation && a.protocol == b.protocol && a.port == b.port &&
         a.local == b.local && a.remote == b.remote && a.peer == b.peer;
}

bool same_record(const LinkRecord& a, const LinkRecord& b) {
  return same_association(a, b) && a.link_class == b.link_class && a.barred == b.barred &&
         a.mtu == b.mtu;
}

/// The position to be freed when no reader can be looking at the key any more.
std::int32_t forget_pair(rte_hash* hash, const LinkEntry& entry) {
  const PairKey key = key_of(&entry.record.local);
  return rte_hash_del_key(hash, &key);
}

void* slot_as_data(std::uint16_t slot) { return reinterpret_cast<void*>(std::uintptr_t{slot}); }
std::uint16_t data_as_slot(const void* data) {
  return static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(data));
}

}  // namespace

struct LinkTable::Impl {
  Quiescence& quiescence;
  std::uint32_t max_links;
  std::uint32_t workers;
  AssociationStore* keys;
  std::uint64_t last_version = 0;
  std::uint64_t last_revision = 0;
  std::bitset<wire::shm::kMaxLinks> stale{};
  RetiredEntries<LinkEntry> retired{};
  /// Previous keys and when they go, oldest first: all have the same time.
  struct Expiry {
    std::uint64_t at_ns;
    std::uint16_t slot;
    std::uint32_t number;
  };
  std::deque<Expiry> expiries{};
};

std::unique_ptr<LinkTable> LinkTable::create(std::uint32_t max_links, std::uint32_t workers,
                                             Quiescence& quiescence, AssociationStore* keys) {
  rte_hash* hash = create_key_hash("links", max_links);
  if (hash == nullptr) return nullptr;
  std::unique_ptr<LinkTable> table(new LinkTable);
  table->by_pair_ = hash;
  table->impl_.reset(new Impl{quiescence, max_links, workers, keys});
  return table;
}

LinkTable::~LinkTable() {
  if (impl_ == nullptr) return;
  for (auto& slot : slots_) delete slot.load(std::memory_order_relaxed);
  impl_->retired.clear(by_pair_);
  rte_hash_free(by_pair_);
}

void LinkTable::by_address(std::span<const Endpoint* const> pairs,
                           std::span<const LinkEntry*> entries) const noexcept {
  assert(pairs.size() <= kBurstSize && entries.size() >= pairs.size());
  if (pairs.empty()) return;
  std::array<PairKey, kBurstSize> aligned;
  std::array<const void*, kBurstSize> keys;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    aligned[i] = key_of(pairs[i]);
    keys[i] = &aligned[i];
  }
  std::array<void*, kBurstSize> found;
  std::uint64_t hits = 0;
  rte_hash_lookup_bulk_data(by_pair_, keys.data(), static_cast<std::uint32_t>(pairs.size()), &hits,
                            found.data());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    entries[i] = nullptr;
    if ((hits >> i & 1U) == 0) continue;
    const LinkEntry* entry = by_slot(data_as_slot(found[i]));
    if (entry != nullptr && std::memcmp(&entry->record.local, pairs[i], kPairBytes) == 0) {
      entries[i] = entry;
    }
  }
}

bool LinkTable::upsert(const LinkRecord& given, std::string& why) {
  LinkRecord record = given;
  record.local.zero = record.remote.zero = 0;
  if (record.slot >= impl_->max_links) return why = "slot is not below max_links", false;
  if (record.generation > 7) return why = "generation is above 7", false;
  if (static_cast<std::size_t>(record.protocol) >= std::size(wire::shm::kLinkProtocolNames)) {
    return why = "unknown protocol", false;
  }
  if (static_cast<std::size_t>(record.link_class) >= wire::shm::kLinkClassCount) {
    return why = "unknown link class", false;
  }
  if ((record.local.family != 4 && record.local.family != 6) ||
      record.local.family != record.remote.family) {
    return why = "address families are not 4 and 4 or 6 and 6", false;
  }
  if (record.mtu < kLeastMtu) return why = "mtu is below 576", false;

  const LinkEntry* old = slots_[record.slot].load(std::memory_order_relaxed);
  if (old != nullptr && same_record(old->record, record)) {
    impl_->stale.reset(record.slot);
    return true;
  }
  if (impl_->retired.size() >= impl_->max_links) {
    return why = "changes come faster than workers let go of old entries", false;
  }
  const bool same_pair =
      old != nullptr && old->record.local == record.local && old->record.remote == record.remote;
  if (!same_pair) {
    const PairKey key = key_of(&record.local);
    void* found = nullptr;
    if (rte_hash_lookup_data(by_pair_, &key, &found) >= 0) {
      const std::uint16_t holder = data_as_slot(found);
      if (!impl_->stale.test(holder)) {
        return why = "address pair belongs to slot " + std::to_string(holder), false;
      }
      remove(holder, slots_[holder].load(std::memory_order_relaxed)->record.generation);
    }
    if (rte_hash_add_key_data(by_pair_, &key, slot_as_data(record.slot)) != 0) {
      return why = "link table is full", false;
    }
  }
  // What another node was given says nothing of this one.
  auto* entry =
      old != nullptr && same_association(old->record, record) ? new LinkEntry(*old) : new LinkEntry;
  entry->record = record;
  entry->owner = static_cast<std::uint8_t>(record.slot % impl_->workers);
  if (entry->version == 0) {
    entry->version = ++impl_->last_version;
    entry->revision = ++impl_->last_revision;
  }
  slots_[record.slot].store(entry, std::memory_order_release);
  impl_->stale.reset(record.slot);
  version_.fetch_add(1, std::memory_order_release);
  if (old == nullptr) {
    ++size_;
  } else {
    const std::int32_t position =
        same_pair ? RetiredEntries<LinkEntry>::kNoPosition : forget_pair(by_pair_, *old);
    impl_->retired.retire(impl_->quiescence, old, position);
  }
  return true;
}

void LinkTable::remove(std::uint16_t slot, std::uint8_t generation) {
  if (slot >= slots_.size()) return;
  const LinkEntry* old = slots_[slot].load(std::memory_order_relaxed);
  if (old == nullptr || old->record.generation != generation) return;
  slots_[slot].store(nullptr, std::memory_order_release);
  impl_->stale.reset(slot);
  version_.fetch_add(1, std::memory_order_release);
  --size_;
  impl_->retired.retire(impl_->quiescence, old, forget_pair(by_pair_, *old));
}

void LinkTable::replace(const LinkEntry* old, const LinkEntry* entry) {
  slots_[entry->record.slot].store(entry, std::memory_order_release);
  version_.fetch_add(1, std::memory_order_release);
  impl_->retired.retire(impl_->quiescence, old, RetiredEntries<LinkEntry>::kNoPosition);
}

const LinkEntry* LinkTable::secure(std::uint16_t slot, std::uint8_t generation) const noexcept {
  const LinkEntry* const entry = by_slot(slot);
  return entry != nullptr && entry->record.generation == generation &&
                 entry->record.protocol == wire::shm::LinkProtocol::kDtls
             ? entry
             : nullptr;
}

bool LinkTable::install(const wire::shm::AssociationRecord& record, std::uint64_t now_ns,
                        std::string& why) {
  const LinkEntry* const old = secure(record.slot, record.generation);
  if (old == nullptr) return why = "keys for a link that is not there", false;
  if (record.association <= old->last_association) {
    return why = "keys that were installed before", false;
  }
  if (record.write_sequence > wire::dtls::kMaxSequence) {
    return why = "keys whose record numbers are used up", false;
  }
  if (impl_->retired.size() >= impl_->max_links) {
    return why = "changes come faster than workers let go of old entries", false;
  }
  if (impl_->keys == nullptr) return why = "no room for more keys", false;
  std::shared_ptr<const Association> keys = impl_->keys->make(record, why);
  if (keys == nullptr) return false;
  auto* const entry = new LinkEntry(*old);
  entry->previous = old->current;
  entry->current = std::move(keys);
  entry->last_association = record.association;
  entry->revision = ++impl_->last_revision;
  if (entry->previous != nullptr) {
    impl_->expiries.push_back({now_ns + kPreviousNs, record.slot, entry->previous->number});
  }
  replace(old, entry);
  return true;
}

bool LinkTable::forget(std::uint16_t slot, std::uint8_t generation, std::string& why) {
  const LinkEntry* const old = secure(slot, generation);
  if (old == nullptr) return why = "no such link to take the keys from", false;
  if (old->current == nullptr) return true;
  auto* const entry = new LinkEntry(*old);
  entry->current = entry->previous = nullptr;
  entry->revision = ++impl_->last_revision;
  replace(old, entry);
  return true;
}

void LinkTable::expire(std::uint64_t now_ns) {
  for (; !impl_->expiries.empty() && impl_->expiries.front().at_ns <= now_ns;
       impl_->expiries.pop_front()) {
    const Impl::Expiry& due = impl_->expiries.front();
    const LinkEntry* const old = by_slot(due.slot);
    if (old == nullptr || old->previous == nullptr || old->previous->number != due.number) continue;
    auto* const entry = new LinkEntry(*old);
    entry->previous = nullptr;
    entry->revision = ++impl_->last_revision;
    replace(old, entry);
  }
}

void LinkTable::mark_all_stale() {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    impl_->stale.set(slot, slots_[slot].load(std::memory_order_relaxed) != nullptr);
  }
}

void LinkTable::sweep_stale() {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!impl_->stale.test(slot)) continue;
    remove(static_cast<std::uint16_t>(slot),
           slots_[slot].load(std::memory_order_relaxed)->record.generation);
  }
}

void LinkTable::reclaim() { impl_->retired.reclaim(impl_->quiescence, by_pair_); }

}  // namespace dataplane
