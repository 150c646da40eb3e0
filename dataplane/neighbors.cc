// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbors.h"

#include <bit>
#include <cstring>
#include <new>

namespace dataplane {

using wire::shm::Endpoint;

namespace {

// Values of Neighbor::state_. A freed entry stays in its probe chain, so that others behind it are
// still found, and is used again once every worker has let go of it.
constexpr std::uint32_t kEmpty = 0;
constexpr std::uint32_t kInUse = 1;
constexpr std::uint32_t kFreed = 2;

}  // namespace

std::unique_ptr<NeighborTable> NeighborTable::create(std::uint32_t capacity,
                                                     Quiescence& quiescence) {
  std::unique_ptr<NeighborTable> table(new NeighborTable(quiescence));
  table->size_ = std::bit_ceil(capacity * 2 + 2);
  table->entries_.reset(new (std::nothrow) Neighbor[table->size_]);
  if (table->entries_ == nullptr) return nullptr;
  return table;
}

NeighborTable::~NeighborTable() = default;

std::uint32_t NeighborTable::start_of(std::uint16_t port, const Endpoint& address) const noexcept {
  std::uint64_t high, low;
  std::memcpy(&high, address.address.data(), 8);
  std::memcpy(&low, address.address.data() + 8, 8);
  std::uint64_t hash = (high ^ (std::uint64_t{port} << 48U) ^ address.family) * 0x9e3779b97f4a7c15U;
  hash = (hash ^ (hash >> 32U) ^ low) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint32_t>(hash >> 32U) & (size_ - 1);
}

const Neighbor* NeighborTable::find(std::uint16_t port, const Endpoint& next_hop) const noexcept {
  std::uint32_t index = start_of(port, next_hop);
  for (std::uint32_t probes = 0; probes < size_; ++probes, index = (index + 1) & (size_ - 1)) {
    const Neighbor& entry = entries_[index];
    const std::uint32_t state = entry.state_.load(std::memory_order_acquire);
    if (state == kEmpty) return nullptr;
    if (state == kInUse && entry.port_ == port && entry.address_.family == next_hop.family &&
        entry.address_.address == next_hop.address) {
      return &entry;
    }
  }
  return nullptr;
}

Neighbor* NeighborTable::at(std::uint32_t index) noexcept {
  Neighbor& entry = entries_[index];
  return entry.state_.load(std::memory_order_acquire) == kInUse ? &entry : nullptr;
}

bool NeighborTable::require(std::uint16_t port, const Endpoint& next_hop) {
  if (find(port, next_hop) != nullptr) return true;
  std::uint32_t index = start_of(port, next_hop);
  for (std::uint32_t probes = 0; probes < size_; ++probes, index = (index + 1) & (size_ - 1)) {
    Neighbor& entry = entries_[index];
    const std::uint32_t state = entry.state_.load(std::memory_order_relaxed);
    if (state == kInUse) continue;
    if (state == kFreed && !quiescence_.passed(entry.freed_at_)) continue;
    entry.mac_.store(0, std::memory_order_relaxed);
    entry.port_ = port;
    entry.address_ = next_hop;
    entry.address_.port = 0;
    entry.unanswered_ = 0;
    entry.confirmed_tsc_ = 0;
    entry.next_request_tsc_ = 0;
    entry.state_.store(kInUse, std::memory_order_release);
    return true;
  }
  return false;
}

void NeighborTable::sweep(const LinkTable& links, const PortTable& ports) {
  for (std::uint32_t i = 0; i < size_; ++i) entries_[i].wanted_ = false;
  for (std::uint16_t slot = 0; slot < wire::shm::kMaxLinks; ++slot) {
    const LinkEntry* link = links.by_slot(slot);
    if (link == nullptr || link->record.protocol == wire::shm::LinkProtocol::kVirtual ||
        link->record.port >= ports.count) {
      continue;
    }
    const std::uint16_t port = link->record.port;
    const Endpoint hop = next_hop_on(ports[port], link->record.remote);
    if (auto* entry = const_cast<Neighbor*>(find(port, hop)); entry != nullptr) {
      entry->wanted_ = true;
    }
  }
  for (std::uint32_t i = 0; i < size_; ++i) {
    Neighbor& entry = entries_[i];
    if (entry.wanted_ || entry.state_.load(std::memory_order_relaxed) != kInUse) continue;
    entry.state_.store(kFreed, std::memory_order_release);
    entry.freed_at_ = quiescence_.start();
  }
}

}  // namespace dataplane
