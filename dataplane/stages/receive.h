// SPDX-License-Identifier: Apache-2.0
// The receive stage: takes packets from the RX queues of one lcore.

#pragma once

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/capture_tap.h"
#include "dataplane/port_table.h"
#include "wire/shm/counters.h"

namespace dataplane {

/// The RX queues one worker polls, and where it goes on polling.
struct ReceiveState {
  struct Queue {
    std::uint16_t port_id = 0;  ///< ethdev
    std::uint16_t port = 0;     ///< index in the PortTable
    std::uint16_t queue = 0;
  };
  std::array<Queue, wire::shm::kMaxPorts * wire::shm::kMaxLcores> queues{};
  unsigned count = 0;
  unsigned next = 0;

  /// Every queue q of every port with q % workers == worker.
  void assign(const PortTable& ports, std::uint32_t worker, std::uint32_t workers) noexcept;
};

/// Fills @p burst from the queues in turn, so that a busy port cannot starve another.
///
/// Position  first
/// Reads     nothing
/// Writes    PacketContext by reset_context(), port, capture
/// Drops     nothing
/// Counts    received, capture_lost
/// Cost      one rte_eth_rx_burst per queue; touches the first cache line of each context
void receive(Burst& burst, ReceiveState& state, CaptureTap& capture, std::uint64_t now_tsc,
             wire::shm::LcoreCounters& counters) noexcept;

}  // namespace dataplane
