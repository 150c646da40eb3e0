// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hand_off.h"

#include <rte_lcore.h>

#include <atomic>
#include <string>

namespace dataplane {

std::unique_ptr<HandOff> HandOff::create(std::uint32_t workers) {
  static std::atomic<unsigned> serial{0};  // ring names are global in the EAL
  std::unique_ptr<HandOff> made(new HandOff(workers));
  made->rings_.assign(std::size_t{workers} * workers, nullptr);
  const unsigned mine = serial.fetch_add(1, std::memory_order_relaxed);
  for (std::uint32_t to = 0; to < workers; ++to) {
    for (std::uint32_t from = 0; from < workers; ++from) {
      if (from == to) continue;
      const std::string name = "hand_off_" + std::to_string(mine) + "_" + std::to_string(from) +
                               "_" + std::to_string(to);
      rte_ring* ring = rte_ring_create(name.c_str(), kDepth, static_cast<int>(rte_socket_id()),
                                       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
      if (ring == nullptr) return nullptr;
      made->rings_[to * workers + from] = ring;
    }
  }
  return made;
}

HandOff::~HandOff() {
  for (rte_ring* ring : rings_) rte_ring_free(ring);
}

unsigned HandOff::give(std::uint32_t from, std::uint32_t to, std::span<rte_mbuf*> mbufs) noexcept {
  return rte_ring_sp_enqueue_burst(rings_[to * workers_ + from],
                                   reinterpret_cast<void**>(mbufs.data()),
                                   static_cast<unsigned>(mbufs.size()), nullptr);
}

unsigned HandOff::take(std::uint32_t to, std::uint32_t from, std::span<rte_mbuf*> mbufs) noexcept {
  return rte_ring_sc_dequeue_burst(rings_[to * workers_ + from],
                                   reinterpret_cast<void**>(mbufs.data()),
                                   static_cast<unsigned>(mbufs.size()), nullptr);
}

void hand_over(Burst& burst, std::span<const std::uint8_t> wanted, Resume resume,
               std::uint32_t self, HandOff& hand_off, wire::shm::LcoreCounters& counters) noexcept {
  std::array<rte_mbuf*, kBurstSize> leaving;
  std::array<std::uint8_t, kBurstSize> slot;
  for (std::uint32_t to = 0; to < hand_off.workers(); ++to) {
    if (to == self) continue;
    unsigned count = 0;
    std::uint64_t unledgered = 0;  // bit k: leaving[k] is
    for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      if (wanted[i] != to) continue;
      burst.context(i).resume = resume;
      if (burst.context(i).unledgered) unledgered |= std::uint64_t{1} << count;
      slot[count] = static_cast<std::uint8_t>(i);
      leaving[count++] = burst.mbufs[i];
    }
    if (count == 0) continue;
    // Whoever takes the mbuf may be at work on it before give() returns, so it leaves the burst by
    // slot, without being looked at again.
    const unsigned given = hand_off.give(self, to, {leaving.data(), count});
    for (unsigned k = 0; k < given; ++k) (void)burst.take(slot[k]);
    for (unsigned k = given; k < count; ++k) burst.drop(slot[k], DropReason::kHandOffFull);
    const std::uint64_t first =
        given == kBurstSize ? ~std::uint64_t{0} : (std::uint64_t{1} << given) - 1;
    counters.handed_out.add(given - static_cast<unsigned>(std::popcount(unledgered & first)));
  }
}

}  // namespace dataplane
