// SPDX-License-Identifier: Apache-2.0
// Frames of one lcore on their way to the TX queues: collected through a turn, sent at its end.

#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/packet_context.h"
#include "dataplane/port_table.h"
#include "wire/shm/counters.h"

namespace dataplane {

class Doors;
class HandOff;

class TransmitQueues {
 public:
  TransmitQueues(std::uint32_t worker, const PortTable& ports, HandOff& hand_off, Doors& doors,
                 wire::shm::LcoreCounters& counters) noexcept;

  /// Takes one reference to a complete Ethernet frame for the port with this index. A reference
  /// kept besides it must leave the frame's bytes alone while rte_mbuf_refcnt_read() is above 1.
  ///
  /// What leaves counts as transmitted, unless PacketContext::unledgered: whoever makes such a
  /// frame counts it as generated. What the PMD refuses is dropped as tx_queue_full. When this
  /// worker has no TX queue on the port the frame goes to the worker that has one.
  void put(std::uint16_t port, rte_mbuf* mbuf) noexcept {
    Queue& queue = queues_[port];
    if (queue.size == kDepth) [[unlikely]]
      send(port);
    queue.mbufs[queue.size++] = mbuf;
    pending_ |= 1U << port;
  }
  /// Sends everything that was put. Once per turn. Returns frames sent.
  unsigned flush() noexcept;

 private:
  static constexpr std::uint16_t kDepth = 64;
  struct Queue {
    std::uint16_t size = 0;
    std::array<rte_mbuf*, kDepth> mbufs;
  };
  void send(std::uint16_t port) noexcept;
  void pass_on(std::uint16_t port, std::span<rte_mbuf*> frames, std::uint64_t ledgered) noexcept;

  std::uint32_t worker_;
  std::uint32_t pending_ = 0;  // bit p: queues_[p] is not empty
  unsigned sent_ = 0;
  const PortTable& ports_;
  HandOff& hand_off_;
  Doors& doors_;
  wire::shm::LcoreCounters& counters_;
  std::array<Queue, wire::shm::kMaxPorts> queues_{};
  std::array<PacketContext, kDepth> notes_;  // of traced and captured frames while the PMD has them
};

}  // namespace dataplane
