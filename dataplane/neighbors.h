// SPDX-License-Identifier: Apache-2.0
// Whose MAC address is whose: the ARP (RFC 826) and Neighbor Discovery (RFC 4861) cache.
//
// The main lcore adds an entry for every link's next hop before the link becomes visible and takes
// entries away; worker 0 resolves and refreshes them; every worker reads the MAC as one 64-bit
// atomic. Only next hops of links are in the table, so nobody can fill it from the network.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/keyed_tables.h"
#include "dataplane/port_table.h"
#include "wire/shm/commands.h"

namespace dataplane {

class Neighbor {
 public:
  /// The six bytes in memory order, in the low 48 bits: memcpy(to, &mac, 6) writes them into a
  /// frame. 0 while unresolved. Any worker.
  [[nodiscard]] std::uint64_t mac() const noexcept { return mac_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const wire::shm::Endpoint& address() const noexcept { return address_; }

 private:
  friend class NeighborTable;
  friend class NeighborResolver;
  std::atomic<std::uint64_t> mac_{0};    // worker 0: rw, others: ro
  std::atomic<std::uint32_t> state_{0};  // main lcore: rw, others: ro
  std::uint16_t port_ = 0;               // constant while in use
  std::uint16_t unanswered_ = 0;         // worker 0
  std::uint64_t confirmed_tsc_ = 0;      // worker 0: last heard from
  std::uint64_t next_request_tsc_ = 0;   // worker 0
  std::uint64_t freed_at_ = 0;           // main lcore: quiescence token
  bool wanted_ = false;                  // main lcore
  wire::shm::Endpoint address_{};        // constant while in use
};

class NeighborTable {
 public:
  /// @p capacity  entries; a link needs at most one
  static std::unique_ptr<NeighborTable> create(std::uint32_t capacity, Quiescence& quiescence);
  ~NeighborTable();

  /// Any worker. The entry for @p next_hop (see next_hop_on) on @p port, or nullptr. The pointer
  /// stays good as long as the link it was looked up for is in the link table, so a link's owner
  /// may keep it with the link's other state. Cost: a hash and a probe or two.
  [[nodiscard]] const Neighbor* find(std::uint16_t port,
                                     const wire::shm::Endpoint& next_hop) const noexcept;

  /// Main lcore, before the link is upserted. False when the table is full.
  [[nodiscard]] bool require(std::uint16_t port, const wire::shm::Endpoint& next_hop);
  /// Main lcore, after links changed: frees what no link of @p links uses any more.
  void sweep(const LinkTable& links, const PortTable& ports);

  [[nodiscard]] std::uint32_t capacity() const noexcept { return size_; }
  /// Worker 0: entry @p index when in use, else nullptr.
  [[nodiscard]] Neighbor* at(std::uint32_t index) noexcept;

 private:
  explicit NeighborTable(Quiescence& quiescence) noexcept : quiescence_(quiescence) {}
  [[nodiscard]] std::uint32_t start_of(std::uint16_t port,
                                       const wire::shm::Endpoint& address) const noexcept;
  Quiescence& quiescence_;
  std::unique_ptr<Neighbor[]> entries_;
  std::uint32_t size_ = 0;  // power of two, at least twice the capacity asked for
};

}  // namespace dataplane
