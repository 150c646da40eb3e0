// SPDX-License-Identifier: Apache-2.0
// ARP and Neighbor Discovery: answers for our own addresses, asks for our neighbours'.
//
// One per node, on worker 0; the others hand ARP and ND packets to it. Requests for an unresolved
// neighbour go out every kFastRetryMs at first and every kSlowRetryMs after kFastTries; a resolved
// one is asked again after kReachableMs, and forgotten after kForgetAfter unanswered requests.

#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/doors.h"
#include "dataplane/neighbors.h"
#include "dataplane/port_table.h"
#include "dataplane/transmit_queues.h"

namespace dataplane {

class NeighborResolver {
 public:
  static constexpr std::uint64_t kFastRetryMs = 100;
  static constexpr std::uint64_t kSlowRetryMs = 1000;
  static constexpr std::uint16_t kFastTries = 5;
  static constexpr std::uint64_t kReachableMs = 30'000;  // RFC 4861 section 10
  static constexpr std::uint16_t kForgetAfter = 5;

  NeighborResolver(const PortTable& ports, NeighborTable& table, rte_mempool* pool,
                   TransmitQueues& transmit, Doors& doors, wire::shm::LcoreCounters& counters,
                   std::uint64_t tsc_hz) noexcept;

  /// Takes live packet @p i, an ARP or ND packet whose frame starts at mbuf data: learns from it,
  /// turns it into its answer in place when it asks for one of our addresses, else absorbs it.
  ///
  /// Drops  kNeighborInvalid  malformed, or an ND packet with a hop limit below 255
  ///        kEthernetNotForUs neither asks for us nor tells of a neighbour of ours
  void receive(Burst& burst, unsigned i) noexcept;

  /// Sends what requests are due among the next kEntriesPerTick entries. Call about once a
  /// millisecond.
  void tick(std::uint64_t now_tsc) noexcept;

 private:
  static constexpr std::uint32_t kEntriesPerTick = 64;
  void receive_arp(Burst& burst, unsigned i) noexcept;
  void receive_nd(Burst& burst, unsigned i) noexcept;
  /// False when no neighbour of ours has this address.
  bool learn(std::uint16_t port, const wire::shm::Endpoint& address, const std::byte* mac,
             bool may_replace) noexcept;
  void request(const Neighbor& neighbor) noexcept;

  const PortTable& ports_;
  NeighborTable& table_;
  rte_mempool* pool_;
  TransmitQueues& transmit_;
  Doors& doors_;
  wire::shm::LcoreCounters& counters_;
  std::uint64_t tsc_per_ms_;
  std::uint32_t cursor_ = 0;
};

}  // namespace dataplane
