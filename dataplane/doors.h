// SPDX-License-Identifier: Apache-2.0
// The doors by which packets leave one lcore. Each counts for the ledger, finishes the packet's
// trace and capture, and frees the mbuf. Inside a burst use Burst::drop() and Burst::absorb(),
// which stages/drop.cc brings here; these are for packets in no burst: aged out of a queue, timed
// out of a hold, refused by a PMD, delivered.

#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/capture_tap.h"
#include "dataplane/packet_context.h"
#include "dataplane/tracer.h"
#include "wire/shm/region.h"

namespace dataplane {

class Doors {
 public:
  Doors(std::uint32_t worker, wire::shm::NodeRegion& region, Tracer& tracer, CaptureTap& capture,
        std::uint64_t tsc_hz);

  /// Counts the reason, sends a copy to the control plane when the RFC wants an answer (at most
  /// kAnswersPerSecond a link), frees. An unledgered frame is only freed.
  void drop(rte_mbuf* mbuf, wire::shm::DropReason reason) noexcept;
  /// Counts as absorbed (unless unledgered) and frees.
  void absorb(rte_mbuf* mbuf) noexcept;
  /// Counts a packet that was turned into its own answer in place (ARP, ND, echo): absorbed, and a
  /// frame generated. Does not free: it goes on to TransmitQueues.
  void answered(rte_mbuf* mbuf) noexcept;
  /// Frees a packet the control plane's ring took a copy of; deliver has counted it.
  void delivered(rte_mbuf* mbuf) noexcept;
  /// Finishes trace and capture of a frame that left on a link. @p context is a copy, because the
  /// frame is the PMD's by now.
  void transmitted(PacketContext& context) noexcept;
  /// Gives up one reference to a frame that has left already and counts nowhere.
  void let_go(rte_mbuf* mbuf) noexcept { free_later(mbuf); }
  /// Frees what the calls above collected; returns how many. Once per turn.
  unsigned flush() noexcept;

  static constexpr std::uint32_t kAnswersPerSecond = 100;

 private:
  static constexpr unsigned kDepth = 64;
  void free_later(rte_mbuf* mbuf) noexcept {
    if (pending_ == kDepth) [[unlikely]]
      flush();
    pending_mbufs_[pending_++] = mbuf;
  }
  void ask_for_answer(rte_mbuf* mbuf, wire::shm::DropReason reason) noexcept;

  std::uint32_t worker_;
  unsigned pending_ = 0;
  wire::shm::NodeRegion& region_;
  wire::shm::LcoreCounters& counters_;
  Tracer& tracer_;
  CaptureTap& capture_;
  std::uint64_t answer_gap_tsc_;
  std::array<rte_mbuf*, kDepth> pending_mbufs_;
  std::unique_ptr<std::uint64_t[]> next_answer_tsc_;  // by link slot
};

}  // namespace dataplane
