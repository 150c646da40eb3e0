// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/link_send.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include "tests/support/link_rig.h"

namespace dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::Bytes;
using tests::LinkRig;
using tests::look_at;
using tests::SeenFrame;
using wire::reload::TrafficClass;
using wire::shm::EventKind;
using wire::shm::LinkState;

/// Message number @p n, of @p size bytes.
Bytes message(std::uint32_t n, std::size_t size = 60) {
  Bytes out(size, std::byte{0x55});
  std::memcpy(out.data(), &n, sizeof n);
  return out;
}
std::uint32_t number_of(const Bytes& content) {
  std::uint32_t n = 0;
  std::memcpy(&n, content.data(), sizeof n);
  return n;
}
std::vector<Bytes> messages(std::uint32_t from, std::uint32_t count) {
  std::vector<Bytes> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(message(from + i));
  return out;
}
std::vector<std::uint32_t> numbers(const std::vector<Bytes>& frames) {
  std::vector<std::uint32_t> out;
  for (const Bytes& frame : frames) out.push_back(number_of(look_at(frame).message));
  return out;
}
Bytes ack_frame(std::uint32_t sequence) {
  Bytes out(wire::reload::kAckFrameBytes);
  wire::reload::write_ack_frame(sequence, 0, out);
  return out;
}

TEST(LinkSend, PutsFrameAndHeadersInFrontOfAMessage) {
  for (const std::uint8_t family : {std::uint8_t{4}, std::uint8_t{6}}) {
    LinkRig rig({.family = family});
    rig.add_link(3, 9);
    // Odd and even lengths, through all tails of the checksum.
    for (std::uint32_t size = 30; size < 70; ++size) rig.send(3, {message(size, size)});
    const auto frames = rig.take_frames();
    ASSERT_EQ(frames.size(), 10U) << "the initial window";
    for (std::uint32_t i = 0; i < frames.size(); ++i) {
      const SeenFrame seen = look_at(frames[i]);
      EXPECT_TRUE(seen.checksums_right) << i;
      EXPECT_FALSE(seen.frame.is_ack);
      EXPECT_EQ(seen.frame.sequence, i);  // C-04
      EXPECT_EQ(seen.message, message(30 + i, 30 + i));
      EXPECT_EQ(seen.source, tests::link_address(family, 1));
      EXPECT_EQ(seen.destination, tests::link_address(family, 9));
      EXPECT_EQ(seen.destination_mac, LinkRig::mac_of(9));
    }
    EXPECT_EQ(rig.counters.transmitted.get(), 10U);
    EXPECT_EQ(rig.status(3).messages_out.get(), 10U);
    EXPECT_EQ(rig.links->held(), 30U);
    EXPECT_EQ(rig.unaccounted(), 0);
  }
}

TEST(LinkSend, ServesWaitingMessagesInTheOrderOfTheirClass) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 10));
  (void)rig.take_frames();
  rig.send(3, messages(100, 2), TrafficClass::kBulk);
  rig.send(3, messages(200, 2), TrafficClass::kMedia);
  rig.send(3, messages(300, 2), TrafficClass::kTopology);
  rig.send(3, messages(400, 2), TrafficClass::kLiveness);
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  for (std::uint32_t i = 0; i < 10; ++i) (void)rig.receive_datagram(9, ack_frame(i));
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(400, 401, 300, 301, 200, 201, 100, 101));
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, AcksNeitherWaitForTheWindowNorUseIt) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 64));
  rig.send(3, messages(64, 64));
  EXPECT_THAT(rig.take_frames(), SizeIs(10));
  Bytes frame(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(0, 0, frame);
  (void)rig.receive_datagram(9, frame);
  const auto acks = rig.take_frames();
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_TRUE(look_at(acks[0]).frame.is_ack);
}

TEST(LinkSend, DropsWhatComesWhenTheQueueOfItsClassIsFull) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 10 + 1024 + 30), TrafficClass::kBulk);
  EXPECT_EQ(rig.drops(DropReason::kLinkQueueFull), 30U);
  EXPECT_EQ(rig.links->held(), 1024U);
  rig.send(3, messages(5000, 1), TrafficClass::kLiveness);
  EXPECT_EQ(rig.drops(DropReason::kLinkQueueFull), 30U) << "other classes have room of their own";
  EXPECT_EQ(rig.status(3).queue_drops.get(), 30U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, DropsTheHeadOfAQueueWhenItHasWaitedTooLong) {
  LinkRig rig;
  rig.policy.queue_age_ms = 100;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 15));
  rig.run_ms(60);
  rig.send(3, messages(100, 3));
  rig.run_ms(60);
  EXPECT_EQ(rig.drops(DropReason::kLinkQueueAge), 5U);
  EXPECT_EQ(rig.links->held(), 3U);
  (void)rig.take_frames();
  for (std::uint32_t i = 0; i < 10; ++i) (void)rig.receive_datagram(9, ack_frame(i));
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(100, 101, 102));
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, LetsAFewMessagesWaitForTheNeighboursMacAddress) {
  LinkRig rig;
  rig.add_link(3, 9, false);
  rig.send(3, messages(0, LinkLayer::kResolvingLimit + 4));
  EXPECT_THAT(rig.take_frames(), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kNeighborUnresolved), 4U);
  rig.run_ms(10);
  EXPECT_EQ(rig.state(3), LinkState::kResolving);
  rig.resolve(9);
  rig.run_ms(10);
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(rig.state(3), LinkState::kIdle);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, GivesUpOnANeighbourThatNeverAnswers) {
  LinkRig rig;
  rig.add_link(3, 9, false);
  rig.send(3, messages(0, 5));
  rig.run_ms(rig.policy.queue_age_ms + 20);
  EXPECT_EQ(rig.drops(DropReason::kNeighborUnresolved), 5U);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, DropsMessagesForASlotWithoutALink) {
  LinkRig rig;
  rig.send(3, messages(0, 2));
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 2U);
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
}

TEST(LinkSend, SendsALostMessageAgainUnderANewNumber) {
  for (const bool shares_buffers : {false, true}) {
    LinkRig rig({.shares_buffers = shares_buffers});
    rig.add_link(3, 9);
    rig.send(3, messages(0, 1));
    ASSERT_THAT(rig.take_frames(), SizeIs(1));
    rig.run_ms(520);
    const auto again = rig.take_frames();
    ASSERT_EQ(again.size(), 1U);
    const SeenFrame seen = look_at(again[0]);
    EXPECT_TRUE(seen.checksums_right);
    EXPECT_EQ(seen.frame.sequence, 1U);
    EXPECT_EQ(seen.message, message(0));
    EXPECT_EQ(rig.counters.transmitted.get(), 1U);
    EXPECT_EQ(rig.counters.retransmitted.get(), 1U);
    EXPECT_EQ(rig.counters.generated.get(), 1U);
    (void)rig.receive_datagram(9, ack_frame(0));
    rig.run_ms(10'000);
    EXPECT_THAT(rig.take_frames(), IsEmpty()) << "an ack of either number ends it";
    EXPECT_EQ(rig.mbufs_in_use(), 0U);
    EXPECT_EQ(rig.unaccounted(), 0);
  }
}

TEST(LinkSend, NeverChangesAFrameThatSomebodyElseStillHolds) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 1));
  // The first frame is not read until the second has been made.
  rig.run_ms(520);
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(look_at(frames[0]).frame.sequence, 0U);
  EXPECT_EQ(look_at(frames[1]).frame.sequence, 1U);
  EXPECT_TRUE(look_at(frames[0]).checksums_right);
  EXPECT_TRUE(look_at(frames[1]).checksums_right);
}

TEST(LinkSend, RetransmitsTransitMessagesOnlyWhenPolicySaysSoOurOwnAlways) {  // C-21, X-03
  LinkRig rig;
  rig.policy.retransmit_transit = 0;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 1));
  rig.send(3, messages(1, 1), TrafficClass::kBulk, true);
  (void)rig.take_frames();
  rig.run_ms(600);
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(1));
  EXPECT_EQ(rig.status(3).lost.get(), 1U);
}

TEST(LinkSend, ADeadLinkIsReportedDropsItsMessagesAndLetsGoOfItsBuffers) {  // C-19
  LinkRig rig;
  rig.policy.queue_age_ms = 60'000;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 50));
  (void)rig.take_frames();
  EXPECT_EQ(rig.links->held(), 40U);
  rig.run_ms(3600);
  EXPECT_EQ(rig.state(3), LinkState::kFailed);
  const auto events = rig.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::kLinkFailed);
  EXPECT_EQ(events[0].link_slot, 3);
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 0U) << "an ack may still come";
  rig.run_ms(12'000);
  EXPECT_THAT(rig.take_events(), IsEmpty());
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 40U);
  EXPECT_EQ(rig.status(3).lost.get(), 9U);
  rig.send(3, messages(100, 1));
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 41U);
  (void)rig.take_frames();
  EXPECT_EQ(rig.mbufs_in_use(), 1U) << "the probe";
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, AFailedLinkThatHearsAnAckSendsWhatWaited) {
  LinkRig rig;
  rig.policy.queue_age_ms = 60'000;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 10));
  rig.send(3, messages(10, 1));
  rig.run_ms(3600);
  ASSERT_EQ(rig.state(3), LinkState::kFailed);
  rig.send(3, messages(11, 1));
  EXPECT_EQ(rig.links->held(), 2U);
  std::set<std::uint32_t> again;
  for (unsigned ms = 0; ms < 20'000 && rig.links->held() + again.size() != 12; ++ms) {
    for (const Bytes& frame : rig.take_frames()) {
      const SeenFrame seen = look_at(frame);
      if (ms != 0) again.insert(number_of(seen.message));
      (void)rig.receive_datagram(9, ack_frame(seen.frame.sequence));
    }
    rig.run_ms(1);
  }
  EXPECT_EQ(rig.state(3), LinkState::kUp);
  EXPECT_EQ(rig.links->held(), 0U);
  EXPECT_EQ(rig.status(3).lost.get(), 0U);
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 0U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, AFailedLinkComesBackWhenItsProbeIsAcknowledged) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 1));
  (void)rig.receive_datagram(9, ack_frame(0));
  ASSERT_THAT(rig.take_events(), SizeIs(1)) << "the first ack says that the link is up";
  EXPECT_EQ(rig.state(3), LinkState::kUp);
  rig.send(3, messages(1, 5));
  rig.run_ms(1500);
  ASSERT_EQ(rig.state(3), LinkState::kFailed);
  (void)rig.take_events();
  (void)rig.take_frames();
  rig.run_ms(9000);
  EXPECT_EQ(rig.status(3).lost.get(), 4U) << "all but the probe";
  const auto probes = rig.take_frames();
  ASSERT_GE(probes.size(), 3U);
  (void)rig.receive_datagram(9, ack_frame(look_at(probes.back()).frame.sequence));
  EXPECT_EQ(rig.state(3), LinkState::kUp);
  const auto events = rig.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::kLinkUp);
  rig.send(3, messages(50, 1));
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(50));
}

TEST(LinkSend, ARemovedLinkGivesEverythingBackAtTheNextHousekeeping) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 30));
  rig.remove_link(3);
  rig.run_ms(1);
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 20U);
  EXPECT_EQ(rig.state(3), LinkState::kAbsent);
  (void)rig.take_frames();
  EXPECT_EQ(rig.mbufs_in_use(), 0U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, AReplacedLinkStartsFromNumberZeroWithNothingOfTheOldOne) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 30));
  (void)rig.take_frames();
  rig.add_link(3, 8, true, 1);
  rig.send(3, messages(100, 1));
  const auto frames = rig.take_frames();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(look_at(frames[0]).frame.sequence, 0U);
  EXPECT_EQ(look_at(frames[0]).destination, tests::link_address(4, 8));
  EXPECT_EQ(rig.drops(DropReason::kLinkDown), 20U);
  EXPECT_EQ(rig.status(3).messages_out.get(), 1U);
  EXPECT_EQ(rig.status(3).identity.generation, 1);
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, HandsPacketsToTheWorkerThatOwnsTheLink) {
  LinkRig rig({.worker = 0, .workers = 2});
  rig.add_link(2, 9);
  rig.add_link(3, 8);
  rig.send(3, messages(0, 4));
  rig.send(2, messages(10, 2));
  EXPECT_THAT(numbers(rig.take_frames()), ElementsAre(10, 11));
  EXPECT_EQ(rig.counters.handed_out.get(), 4U);
  std::array<rte_mbuf*, 8> given;
  ASSERT_EQ(rig.hand_off->take(1, 0, given), 4U);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(context_of(given[i]).resume, Resume::kLinkSend);
    EXPECT_EQ(number_of({bytes_of(given[i]).begin(), bytes_of(given[i]).end()}), i);
    rte_pktmbuf_free(given[i]);
  }
  EXPECT_EQ(rig.unaccounted(), 0);
}

TEST(LinkSend, PublishesIdentityAndGauges) {
  LinkRig rig;
  rig.add_link(3, 9);
  rig.run_ms(10);
  const auto& status = rig.status(3);
  EXPECT_EQ(status.identity_version.load() % 2, 0U);
  EXPECT_EQ(status.identity.remote, tests::link_address(4, 9));
  EXPECT_EQ(rig.state(3), LinkState::kIdle);
  EXPECT_EQ(status.cwnd.get(), SrSender::kInitialCwnd);
  EXPECT_EQ(status.rto_us.get(), SrSender::kInitialRtoUs);
  rig.send(3, messages(0, 12));
  rig.run_ms(8);
  EXPECT_EQ(status.in_flight.get(), 10U);
  EXPECT_EQ(status.queued.get(), 2U);
  (void)rig.receive_datagram(9, ack_frame(0));
  rig.run_ms(8);
  EXPECT_EQ(status.srtt_us.get(), 8000U);
  EXPECT_EQ(status.last_ack_tsc.get(), rig.now - 8 * LinkRig::kMs);
}

TEST(LinkSend, SpreadsTheWindowOfALongLinkOverTurnsWithoutAnAck) {  // RFC 9002 section 7.7
  LinkRig rig;
  rig.add_link(3, 9);
  rig.send(3, messages(0, 10));
  (void)rig.take_frames();
  rig.run_ms(50);
  for (std::uint32_t i = 0; i < 10; ++i) (void)rig.receive_datagram(9, ack_frame(i));
  rig.run_ms(8);
  ASSERT_EQ(rig.status(3).cwnd.get(), 20U);
  ASSERT_EQ(rig.status(3).srtt_us.get(), 50'000U);

  rig.send(3, messages(100, 30));
  std::size_t sent = rig.take_frames().size();
  EXPECT_EQ(sent, SrSender::kPaceBurst) << "the window has room for ten more";
  for (unsigned ms = 0; ms < 20; ++ms) {
    rig.now += LinkRig::kMs;
    rig.end_turn();
    const std::size_t now_sent = rig.take_frames().size();
    EXPECT_LE(now_sent, 1U) << "25 messages in 50 ms";
    sent += now_sent;
  }
  EXPECT_EQ(sent, 20U) << "then the window is full";
  EXPECT_EQ(rig.links->held(), 10U);
  EXPECT_EQ(rig.unaccounted(), 0);
}

/// Two nodes and the wire between them, which loses and delays frames.
class Wire {
 public:
  Wire(unsigned seed, double loss, bool shares_buffers)
      : a({.host = 1, .shares_buffers = shares_buffers}),
        b({.host = 2}),
        random_(seed),
        loss_(loss) {
    a.add_link(0, 2);
    b.add_link(0, 1);
  }
  /// One millisecond.
  void step() {
    fly(a, to_b_);
    fly(b, to_a_);
    for (const Bytes& arrived : b.receive(land(to_b_))) {
      if (received.insert(number_of(arrived)).second) order.push_back(number_of(arrived));
    }
    (void)a.receive(land(to_a_));
    a.run_ms(1);
    b.run_ms(1);
  }

  LinkRig a, b;
  std::set<std::uint32_t> received;
  std::vector<std::uint32_t> order;
  std::map<std::uint32_t, unsigned> transmissions;

 private:
  using Air = std::multimap<std::uint64_t, Bytes>;
  void fly(LinkRig& from, Air& air) {
    for (Bytes& frame : from.take_frames()) {
      const SeenFrame seen = look_at(frame);
      ASSERT_TRUE(seen.checksums_right);
      if (!seen.frame.is_ack) ++transmissions[number_of(seen.message)];
      if (std::uniform_real_distribution<>(0, 1)(random_) < loss_) continue;
      air.emplace(from.now + (1 + random_() % 3) * LinkRig::kMs, std::move(frame));
    }
  }
  std::vector<Bytes> land(Air& air) {
    std::vector<Bytes> landed;
    while (!air.empty() && air.begin()->first <= a.now) {
      landed.push_back(std::move(air.begin()->second));
      air.erase(air.begin());
    }
    return landed;
  }
  std::mt19937 random_;
  double loss_;
  Air to_b_, to_a_;
};

TEST(LinkSend, TwoNodesDeliverEverythingOverALossyWire) {
  constexpr std::uint32_t kMessages = 1500;
  for (const bool shares_buffers : {false, true}) {
    for (unsigned seed = 1; seed <= 3; ++seed) {
      Wire wire(seed, 0.05, shares_buffers);
      wire.a.policy.queue_age_ms = 600'000;
      std::uint32_t sent = 0;
      for (unsigned ms = 0; ms < 60'000 && wire.received.size() < kMessages; ++ms) {
        if (sent < kMessages && wire.a.links->held() < 500) {
          wire.a.send(0, messages(sent, 10));
          sent += 10;
        }
        wire.step();
        ASSERT_EQ(wire.a.unaccounted(), 0);
        ASSERT_EQ(wire.b.unaccounted(), 0);
      }
      EXPECT_EQ(wire.received.size(), kMessages) << "seed " << seed;
      for (unsigned ms = 0; ms < 10'000; ++ms) wire.step();
      for (const auto& [number, times] : wire.transmissions) {
        ASSERT_LE(times, SrSender::kMaxTransmissions) << "message " << number;
      }
      EXPECT_EQ(wire.a.counters.transmitted.get(), kMessages);
      EXPECT_EQ(wire.a.mbufs_in_use(), 0U) << "seed " << seed;
      EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
    }
  }
}

TEST(LinkSend, ALinkThatLosesAFifthBothWaysGetsMessagesThrough) {  // C-16, C-17
  constexpr std::uint32_t kMessages = 60;
  std::size_t arrived = 0;
  std::uint64_t down = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Wire wire(seed, 0.2, false);
    wire.a.policy.queue_age_ms = 60'000;
    for (std::uint32_t sent = 0; sent < kMessages; ++sent) {
      wire.a.send(0, messages(sent, 1));
      for (unsigned ms = 0; ms < 67; ++ms) wire.step();
    }
    for (unsigned ms = 0; ms < 20'000; ++ms) wire.step();
    arrived += wire.received.size();
    down += wire.a.drops(DropReason::kLinkDown);
    EXPECT_EQ(wire.a.unaccounted(), 0);
  }
  EXPECT_GE(arrived, 20 * kMessages * 99 / 100);
  EXPECT_LE(down, 20 * kMessages / 100);
}

TEST(LinkSend, LivenessOvertakesAStandingBulkQueue) {
  Wire wire(1, 0, false);
  wire.a.policy.queue_age_ms = 600'000;
  wire.a.send(0, messages(0, 600), TrafficClass::kBulk);
  wire.a.send(0, messages(10'000, 5), TrafficClass::kLiveness);
  for (unsigned ms = 0; ms < 2000; ++ms) wire.step();
  ASSERT_EQ(wire.order.size(), 605U);
  const auto last = std::find(wire.order.begin(), wire.order.end(), 10'004);
  EXPECT_LT(last - wire.order.begin(), 30) << "behind the first window only";
}

}  // namespace
}  // namespace dataplane
