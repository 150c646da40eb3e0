// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/wire/shm_region_fixture.h"

namespace wire::shm {
namespace {

TEST(SpscRing, RefusesWhatDoesNotFitAndKeepsTheOrder) {
  SpscRing<std::uint64_t, 4> ring;
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(4));
  std::uint64_t expected = 0;
  EXPECT_EQ(ring.consume(3, [&](std::uint64_t value) { EXPECT_EQ(value, expected++); }), 3U);
  EXPECT_TRUE(ring.push(4));
  EXPECT_EQ(ring.consume(9, [&](std::uint64_t value) { EXPECT_EQ(value, expected++); }), 2U);
  EXPECT_EQ(ring.consume(1, [](std::uint64_t) {}), 0U);
}

TEST(SpscRing, LeavesNoByteOfARecordThatItConsumedWiping) {
  // Its padding and its spare place hold what the memory held before: only whole runs are a secret.
  SpscRing<AssociationRecord, 2> ring;
  AssociationRecord secret;
  secret.write.key.fill(std::byte{0xa5});
  secret.read.iv.fill(std::byte{0xa5});
  const auto holds_secret = [&] {
    const auto* const bytes = reinterpret_cast<const std::byte*>(&ring);
    const auto* const end = bytes + sizeof ring;
    return std::search_n(bytes, end, secret.read.iv.size(), std::byte{0xa5}) != end;
  };
  EXPECT_TRUE(ring.push(secret));
  EXPECT_TRUE(ring.push(secret));
  EXPECT_TRUE(holds_secret());
  unsigned seen = 0;
  EXPECT_EQ(ring.consume_wiping(2,
                                [&](const AssociationRecord& record) {
                                  seen += record.write.key[31] == std::byte{0xa5} ? 1 : 0;
                                }),
            2U);
  EXPECT_EQ(seen, 2U);
  EXPECT_FALSE(holds_secret());
}

/// An event all of whose parts follow from its number.
Event numbered(std::uint64_t number) {
  Event event;
  event.count = number;
  event.transaction_id = ~number;
  event.sample.fill(static_cast<std::byte>(number));
  return event;
}
bool is_whole(const Event& event) {
  return event.transaction_id == ~event.count &&
         std::all_of(event.sample.begin(), event.sample.end(),
                     [&](std::byte byte) { return byte == static_cast<std::byte>(event.count); });
}

using RingBetweenProcesses = RegionTest;

TEST_F(RingBetweenProcesses, KeepsWhatAProducerPushedBeforeItWasKilledAnywhere) {
  constexpr std::uint64_t kRounds = 60;
  const auto controlplane = attach(Role::kControlplane);
  EventRing& events = (*controlplane)->rings.lcores[0].events;
  std::uint64_t total = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t first = round << 32U;
    Child producer([&] {
      const AttachResult attached = Region::attach(path_, Role::kDataplane);
      if (attached.state != AttachState::kAttached) return 1;
      EventRing& ring = (*attached.region)->rings.lcores[0].events;
      for (std::uint64_t number = first;;) {
        if (ring.push(numbered(number))) ++number;
      }
      return 0;
    });
    std::uint64_t next = first;
    const auto take = [&](const Event& event) {
      EXPECT_TRUE(is_whole(event));
      EXPECT_EQ(event.count, next);
      ++next;
    };
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::microseconds(500 * (round % 9));
    // The first must have come, or the kill would hit a producer that has not begun.
    while (next == first || std::chrono::steady_clock::now() < end) events.consume(64, take);
    producer.kill();
    events.consume(EventRing::capacity(), take);
    EXPECT_EQ(events.size(), 0U);
    total += next - first;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GE(total, kRounds);
}

TEST_F(RingBetweenProcesses, GivesARecordAgainThatAKilledConsumerHadNotFinished) {
  const auto dataplane = attach(Role::kDataplane);
  EventRing& events = (*dataplane)->rings.lcores[0].events;
  EXPECT_TRUE(events.push(numbered(1)));
  EXPECT_TRUE(events.push(numbered(2)));
  Signal in_the_middle;
  Child consumer([&] {
    const AttachResult attached = Region::attach(path_, Role::kControlplane);
    (*attached.region)->rings.lcores[0].events.consume(2, [&](const Event& event) {
      if (event.count == 1) return;
      in_the_middle.give();
      for (;;) ::pause();
    });
    return 0;
  });
  in_the_middle.await();
  consumer.kill();
  const auto again = attach(Role::kControlplane);
  std::uint64_t seen = 0;
  (*again)->rings.lcores[0].events.consume(9, [&](const Event& event) { seen = event.count; });
  EXPECT_EQ(seen, 2U);
}

TEST(SpscRing, PassesRecordsWholeBetweenThreads) {
  static SpscRing<Event, 16> ring;
  constexpr std::uint64_t kRecords = 20000;
  std::thread producer([] {
    for (std::uint64_t number = 0; number < kRecords;) {
      if (ring.push(numbered(number))) {
        ++number;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t next = 0;
  while (next < kRecords) {
    const std::size_t taken = ring.consume(8, [&](const Event& event) {
      EXPECT_TRUE(is_whole(event));
      EXPECT_EQ(event.count, next++);
    });
    if (taken == 0) std::this_thread::yield();
  }
  producer.join();
}

}  // namespace
}  // namespace wire::shm
