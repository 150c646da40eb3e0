// SPDX-License-Identifier: Apache-2.0
// A burst of packets on its way through the stages, and what the stages know about each.
//
// Stages walk the set bits of `live`, lowest first, so order is kept and nothing is compacted:
//
//   for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
//     const auto i = static_cast<unsigned>(std::countr_zero(left));
//
// A packet leaves a burst through exactly one door: drop(), absorb(), deliver(), or take() by
// whoever becomes its owner (a hold table, a ring, a link queue, the TX buffer). The ledger counts
// the doors; stages/drop.cc empties the first three.

#pragma once

#include <rte_mbuf.h>

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>

#include "dataplane/packet_context.h"
#include "wire/shm/counters.h"

namespace dataplane {

inline constexpr unsigned kBurstSize = 64;

using wire::shm::DropReason;

struct Burst {
  std::array<rte_mbuf*, kBurstSize> mbufs;
  std::uint64_t live = 0;       ///< bit i: mbufs[i] is still on its way
  std::uint64_t dropped = 0;    ///< bit i: mbufs[i] waits for stages/drop.cc
  std::uint64_t absorbed = 0;   ///< bit i: mbufs[i] was consumed here and waits to be freed
  std::uint64_t delivered = 0;  ///< bit i: mbufs[i] was copied to the control plane, likewise
  unsigned size = 0;            ///< slots used since clear()
  std::array<DropReason, kBurstSize> reason;

  void clear() noexcept {
    live = dropped = absorbed = delivered = 0;
    size = 0;
  }
  [[nodiscard]] bool full() const noexcept { return size == kBurstSize; }
  [[nodiscard]] unsigned count() const noexcept {
    return static_cast<unsigned>(std::popcount(live));
  }

  /// @pre !full()
  void add(rte_mbuf* mbuf) noexcept {
    assert(!full());
    mbufs[size] = mbuf;
    live |= std::uint64_t{1} << size;
    ++size;
  }
  void drop(unsigned i, DropReason why) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << i;
    assert((live & bit) != 0);
    live &= ~bit;
    dropped |= bit;
    reason[i] = why;
  }
  void absorb(unsigned i) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << i;
    assert((live & bit) != 0);
    live &= ~bit;
    absorbed |= bit;
  }
  void deliver(unsigned i) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << i;
    assert((live & bit) != 0);
    live &= ~bit;
    delivered |= bit;
  }
  /// Gives the packet to the caller, who owns the mbuf from here on.
  [[nodiscard]] rte_mbuf* take(unsigned i) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << i;
    assert((live & bit) != 0);
    live &= ~bit;
    return mbufs[i];
  }
  [[nodiscard]] PacketContext& context(unsigned i) const noexcept { return context_of(mbufs[i]); }
};

}  // namespace dataplane
