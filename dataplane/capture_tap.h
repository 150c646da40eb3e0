// SPDX-License-Identifier: Apache-2.0
// The workers' side of a packet capture: copies frames as they come and, once their fate is known,
// hands copy and verdict to the main lcore, which writes the file (capture.h).

#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <atomic>
#include <cstdint>

#include "dataplane/packet_context.h"
#include "wire/shm/counters.h"

namespace dataplane {

/// How a captured packet ended.
enum class Fate : std::uint8_t { kDropped, kAbsorbed, kDelivered, kForwarded };

/// What travels with a copy, in its private area.
struct CaptureVerdict {
  std::uint64_t rx_tsc;
  std::uint16_t port;
  std::uint16_t original_length;  ///< of the frame; the copy may be cut
  std::uint16_t link_out;         ///< kForwarded
  std::uint8_t lcore;
  Fate fate;
  wire::shm::DropReason reason;  ///< kDropped
  bool verified;
};

/// The operator's setting, written by the main lcore and read by every worker.
struct CaptureSwitch {
  std::atomic<std::uint32_t> sample_one_in{0};  ///< 0: off
  std::atomic<std::uint32_t> snap_bytes{2048};
};

/// One per lcore.
class CaptureTap {
 public:
  /// @param pool   for the copies
  /// @param ring   to the main lcore; this lcore is its only producer
  CaptureTap(std::uint8_t lcore, const CaptureSwitch& setting, rte_mempool* pool, rte_ring* ring,
             wire::shm::LcoreCounters& counters) noexcept
      : lcore_(lcore), setting_(setting), pool_(pool), ring_(ring), counters_(counters) {}

  /// Once per turn.
  void refresh() noexcept {
    sample_one_in_ = setting_.sample_one_in.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool on() const noexcept { return sample_one_in_ != 0; }
  /// receive, when on(): keeps a copy in context.capture, or counts capture_lost.
  void copy(rte_mbuf* mbuf, PacketContext& context) noexcept;
  /// When context.capture is set: gives the copy away with its verdict.
  void finish(PacketContext& context, Fate fate, wire::shm::DropReason reason,
              std::uint16_t link_out) noexcept {
    if (context.capture != nullptr) [[unlikely]]
      give(context, fate, reason, link_out);
  }

 private:
  void give(PacketContext& context, Fate fate, wire::shm::DropReason reason,
            std::uint16_t link_out) noexcept;

  std::uint8_t lcore_;
  std::uint32_t sample_one_in_ = 0;
  std::uint32_t countdown_ = 0;
  const CaptureSwitch& setting_;
  rte_mempool* pool_;
  rte_ring* ring_;
  wire::shm::LcoreCounters& counters_;
};

}  // namespace dataplane
