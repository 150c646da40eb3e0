// SPDX-License-Identifier: Apache-2.0
// Packets that cross from one worker to another: one SPSC ring for each ordered pair. Their
// PacketContext, which lives in the mbuf, says where they go on.

#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "wire/shm/counters.h"

namespace dataplane {

class HandOff {
 public:
  static constexpr unsigned kDepth = 1024;

  /// nullptr when out of memory.
  static std::unique_ptr<HandOff> create(std::uint32_t workers);
  ~HandOff();

  /// Worker @p from only. Gives as many as fit, from the front; returns how many. Those now belong
  /// to @p to, the rest still to the caller.
  unsigned give(std::uint32_t from, std::uint32_t to, std::span<rte_mbuf*> mbufs) noexcept;
  /// Worker @p to only. Fills @p mbufs from the front with what @p from gave, oldest first.
  unsigned take(std::uint32_t to, std::uint32_t from, std::span<rte_mbuf*> mbufs) noexcept;
  [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }

 private:
  explicit HandOff(std::uint32_t workers) noexcept : workers_(workers) {}
  std::uint32_t workers_;
  std::vector<rte_ring*> rings_;  // [to * workers_ + from]
};

/// Moves every live packet with a wanted worker other than @p self to that worker.
///
/// @param wanted  by burst slot; only live slots are read
/// @param resume  where it goes on over there
/// Drops          kHandOffFull
/// Counts         handed_out
void hand_over(Burst& burst, std::span<const std::uint8_t> wanted, Resume resume,
               std::uint32_t self, HandOff& hand_off, wire::shm::LcoreCounters& counters) noexcept;

}  // namespace dataplane
