// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/demux.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/dataplane/frames.h"
#include "tests/dataplane/net_ring_port.h"

namespace dataplane {
namespace {

using tests::dataplane::at;
using tests::dataplane::Bytes;

class Demux : public ::testing::Test {
 protected:
  /// "kept" or the name of the drop reason, for a datagram with this payload.
  std::string fate_of(const Bytes& payload) {
    rte_mbuf* const mbuf = pool_.make(payload);
    context_of(mbuf).payload_offset = 0;
    context_of(mbuf).payload_length = static_cast<std::uint16_t>(payload.size());
    Burst burst;
    burst.clear();
    burst.add(mbuf);
    demux(burst, state_, counters_);
    const std::string fate =
        burst.live != 0 ? "kept"
                        : wire::shm::kDropReasons[static_cast<std::size_t>(burst.reason[0])].name;
    rte_pktmbuf_free(mbuf);
    return fate;
  }

  tests::dataplane::Pool pool_;
  wire::shm::LcoreCounters counters_;
  std::unique_ptr<HandOff> hand_off_ = HandOff::create(1);
  DemuxState state_{.worker = 0, .links = nullptr, .hand_off = hand_off_.get()};
};

TEST_F(Demux, SortsEveryFirstByteAsRfc7983Does) {
  for (unsigned first = 0; first < 256; ++first) {
    const char* expected = "demux_unknown";
    if (first == 128 || first == 129 || (first >= 20 && first <= 63)) expected = "kept";
    if (first <= 3 || (first >= 64 && first <= 79)) expected = "demux_not_served";
    EXPECT_EQ(fate_of(tests::dataplane::bytes({first, 1, 2})), expected) << first;
  }
  EXPECT_EQ(fate_of({}), "demux_unknown");
}

TEST_F(Demux, GivesFramesToTheWorkerThatOwnsTheirLink) {
  const auto quiescence = Quiescence::create(2);
  const auto links = LinkTable::create(16, 2, *quiescence);
  const auto hand_off = HandOff::create(2);
  std::string why;
  for (std::uint16_t slot = 0; slot < 2; ++slot) {
    wire::shm::LinkRecord record;
    record.slot = slot;
    record.local = at("10.0.1.1", 6084);
    record.remote = at("10.0.1.2", static_cast<std::uint16_t>(7000 + slot));
    ASSERT_TRUE(links->upsert(record, why)) << why;
  }
  ASSERT_NE(links->by_slot(0)->owner, links->by_slot(1)->owner);
  DemuxState state{.worker = 0, .links = links.get(), .hand_off = hand_off.get()};
  Burst burst;
  burst.clear();
  for (std::uint16_t i = 0; i < 3; ++i) {  // the third has no link
    rte_mbuf* const mbuf = pool_.make(tests::dataplane::bytes({128, 0}));
    PacketContext& context = context_of(mbuf);
    context.payload_offset = 0;
    context.payload_length = 2;
    context.local = at("10.0.1.1", 6084);
    context.remote = at("10.0.1.2", static_cast<std::uint16_t>(7000 + i));
    burst.add(mbuf);
  }
  demux(burst, state, counters_);
  const unsigned foreign = links->by_slot(0)->owner == 1 ? 0 : 1;
  EXPECT_EQ(burst.live, 0b111U & ~(1U << foreign));
  std::array<rte_mbuf*, 4> taken;
  ASSERT_EQ(hand_off->take(1, 0, taken), 1U);
  EXPECT_EQ(taken[0], burst.mbufs[foreign]);
  EXPECT_EQ(context_of(taken[0]).resume, Resume::kLinkReceive);
  for (unsigned i = 0; i < 3; ++i) rte_pktmbuf_free(burst.mbufs[i]);
}

}  // namespace
}  // namespace dataplane
