// SPDX-License-Identifier: Apache-2.0
#include "dataplane/hand_off.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/dataplane/net_ring_port.h"

namespace dataplane {
namespace {

struct Bench {
  tests::dataplane::Pool pool{2047};
  std::unique_ptr<HandOff> hand_off = HandOff::create(3);
  wire::shm::LcoreCounters counters;

  rte_mbuf* numbered(std::uint16_t number) {
    rte_mbuf* const mbuf = pool.make(tests::dataplane::Bytes(60));
    context_of(mbuf).payload_length = number;
    return mbuf;
  }
};

TEST(HandOff, MovesEachPacketToItsWorkerInOrder) {
  Bench bench;
  Burst burst;
  burst.clear();
  std::array<std::uint8_t, kBurstSize> wanted{};
  for (std::uint16_t i = 0; i < 9; ++i) {
    burst.add(bench.numbered(i));
    wanted[i] = static_cast<std::uint8_t>(i % 3);
  }
  hand_over(burst, wanted, Resume::kLinkSend, 1, *bench.hand_off, bench.counters);
  EXPECT_EQ(burst.live, 0b010010010U) << "what is worker 1's stays";
  EXPECT_EQ(bench.counters.handed_out.get(), 6U);
  for (const std::uint32_t to : {0U, 2U}) {
    std::array<rte_mbuf*, kBurstSize> taken;
    ASSERT_EQ(bench.hand_off->take(to, 1, taken), 3U);
    for (unsigned k = 0; k < 3; ++k) {
      EXPECT_EQ(context_of(taken[k]).payload_length, to + 3 * k);
      EXPECT_EQ(context_of(taken[k]).resume, Resume::kLinkSend);
      rte_pktmbuf_free(taken[k]);
    }
  }
  for (const unsigned i : {1U, 4U, 7U}) rte_pktmbuf_free(burst.take(i));
  EXPECT_EQ(bench.pool.missing(), 0U);
}

TEST(HandOff, DropsWhatDoesNotFitAndCountsOnlyTheLedgered) {
  Bench bench;
  std::array<std::uint8_t, kBurstSize> wanted{};
  unsigned dropped = 0;
  std::uint64_t unledgered = 0;
  for (unsigned round = 0; round < 20; ++round) {
    Burst burst;
    burst.clear();
    for (unsigned i = 0; i < kBurstSize; ++i) {
      burst.add(bench.numbered(0));
      if (i % 4 == 0) {
        burst.context(i).unledgered = true;
        ++unledgered;
      }
    }
    hand_over(burst, wanted, Resume::kLinkReceive, 1, *bench.hand_off, bench.counters);
    EXPECT_EQ(burst.live, 0U);
    for (std::uint64_t left = burst.dropped; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      EXPECT_EQ(burst.reason[i], DropReason::kHandOffFull);
      if (burst.context(i).unledgered) --unledgered;
      rte_pktmbuf_free(burst.mbufs[i]);
      ++dropped;
    }
  }
  EXPECT_EQ(dropped, 20 * kBurstSize - HandOff::kDepth);
  EXPECT_EQ(bench.counters.handed_out.get() + unledgered, HandOff::kDepth);
  std::array<rte_mbuf*, kBurstSize> taken;
  while (const unsigned count = bench.hand_off->take(0, 1, taken)) {
    rte_pktmbuf_free_bulk(taken.data(), count);
  }
  EXPECT_EQ(bench.pool.missing(), 0U);
}

}  // namespace
}  // namespace dataplane
