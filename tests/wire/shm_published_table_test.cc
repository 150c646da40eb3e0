// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/published_table.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "tests/wire/shm_region_fixture.h"
#include "wire/byte_order.h"

namespace wire::shm {
namespace {

using Clock = std::chrono::steady_clock;
/// At least this long, and longer where other programs leave too little of the machine for
/// kLeastPublished.
constexpr auto kLoad = std::chrono::milliseconds(500);
constexpr std::uint32_t kLeastPublished = 100;

/// Whole when all numbers are equal.
struct Numbers {
  std::array<std::uint64_t, 512> values{};
  void fill(std::uint64_t value) { values.fill(value); }
  [[nodiscard]] bool is_whole() const {
    return std::all_of(values.begin(), values.end(),
                       [this](std::uint64_t value) { return value == values[0]; });
  }
};

TEST(PublishedTable, GivesTheNewestCopy) {
  PublishedTable<Numbers> table;
  std::array<LcoreProgress, 1> lcores;
  TableWriter writer(table, lcores);
  TableReader reader(table, lcores[0]);
  reader.online();
  for (std::uint64_t value = 1; value < 5; ++value) {
    Numbers* const spare = writer.try_begin();
    ASSERT_NE(spare, nullptr);
    spare->fill(value);
    writer.publish();
    EXPECT_EQ(reader.pin().values[0], value);
  }
}

TEST(PublishedTable, HasNoSpareCopyWhileAnLcoreMayReadIt) {
  PublishedTable<Numbers> table;
  std::array<LcoreProgress, 2> lcores;
  TableWriter writer(table, lcores);
  TableReader reader(table, lcores[1]);
  reader.online();
  (void)reader.pin();
  ASSERT_NE(writer.try_begin(), nullptr);
  writer.publish();
  EXPECT_EQ(writer.try_begin(), nullptr);
  (void)reader.pin();
  EXPECT_NE(writer.try_begin(), nullptr);
}

TEST(PublishedTable, DoesNotWaitForAnLcoreThatIsOffline) {
  PublishedTable<Numbers> table;
  std::array<LcoreProgress, 1> lcores;
  TableWriter writer(table, lcores);
  TableReader reader(table, lcores[0]);
  reader.online();
  (void)reader.pin();
  writer.publish();
  EXPECT_EQ(writer.try_begin(), nullptr);
  reader.offline();
  EXPECT_NE(writer.try_begin(), nullptr);
}

TEST(PublishedTable, DoesNotWaitForLcoresOfADeadProcess) {
  PublishedTable<Numbers> table;
  std::array<LcoreProgress, 1> lcores;
  TableWriter writer(table, lcores);
  TableReader(table, lcores[0]).online();
  writer.publish();
  EXPECT_EQ(writer.try_begin(), nullptr);
  EXPECT_NE(writer.try_begin(false), nullptr);
}

TEST(PublishedTable, IsWholeToThreadsThatReadUnderLoad) {
  PublishedTable<Numbers> table;
  std::array<LcoreProgress, 2> lcores;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> torn{0};
  std::atomic<std::uint64_t> backwards{0};
  const auto read = [&](LcoreProgress& lcore) {
    TableReader reader(table, lcore);
    std::uint64_t last = 0;
    std::uint64_t turns = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      if (turns++ % 64 == 0) {  // also through the race that online() speaks of
        reader.offline();
        reader.online();
      }
      const Numbers& numbers = reader.pin();
      if (!numbers.is_whole()) ++torn;
      if (numbers.values[0] < last) ++backwards;
      last = numbers.values[0];
    }
    reader.offline();
  };
  std::thread one([&] { read(lcores[0]); });
  std::thread other([&] { read(lcores[1]); });

  TableWriter writer(table, lcores);
  std::uint64_t published = 0;
  const auto end = Clock::now() + kLoad;
  while (published < kLeastPublished || Clock::now() < end) {
    Numbers* const spare = writer.try_begin();
    if (spare == nullptr) {
      std::this_thread::yield();
      continue;
    }
    spare->fill(++published);
    writer.publish();
  }
  stop = true;
  one.join();
  other.join();
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(backwards, 0U);
}

using PublishedTableBetweenProcesses = RegionTest;

void fill(RouteTable& table, std::uint32_t value) {
  table.peer_count = kMaxLinks;
  for (RouteEntry& entry : table.peers) {
    store_be32(entry.id.bytes.data(), value);
    entry.link_slot = static_cast<std::uint16_t>(value);
  }
}

/// Its value, or nothing when it is torn.
std::optional<std::uint32_t> whole_value(const RouteTable& table) {
  const std::uint32_t value = load_be32(table.peers[0].id.bytes.data());
  for (const RouteEntry& entry : table.routing()) {
    if (load_be32(entry.id.bytes.data()) != value ||
        entry.link_slot != static_cast<std::uint16_t>(value)) {
      return {};
    }
  }
  return value;
}

constexpr std::uint32_t kLast = 0xffffffff;

TEST_F(PublishedTableBetweenProcesses, IsWholeToAProcessThatMayOnlyReadIt) {
  const auto controlplane = attach(Role::kControlplane);
  Signal reading;
  Child dataplane([&] {
    const AttachResult attached = Region::attach(path_, Role::kDataplane);
    if (attached.state != AttachState::kAttached) return 2;
    NodeRegion& node = **attached.region;
    TableReader reader(node.tables.routes, node.dataplane.routes_progress[0]);
    reader.online();
    reading.give();
    for (std::uint32_t last = 0;;) {
      const auto value = whole_value(reader.pin());
      if (!value) return 1;
      if (*value < last) return 3;
      if (*value == kLast) return 0;
      last = *value;
    }
  });
  reading.await();
  TableWriter writer((*controlplane)->tables.routes, (*controlplane)->dataplane.routes_progress);
  std::uint32_t published = 0;
  const auto end = Clock::now() + kLoad;
  for (bool done = false; !done;) {
    RouteTable* const spare = writer.try_begin();
    if (spare == nullptr) {
      ASSERT_TRUE(controlplane->role_is_held(Role::kDataplane)) << dataplane.wait();
      std::this_thread::yield();
      continue;
    }
    done = published >= kLeastPublished && Clock::now() >= end;
    fill(*spare, done ? kLast : ++published);
    writer.publish();
  }
  EXPECT_EQ(dataplane.wait(), 0);
}

TEST_F(PublishedTableBetweenProcesses, OutlivesAReaderThatWasKilledWhileItHadACopyPinned) {
  const auto controlplane = attach(Role::kControlplane);
  NodeRegion& node = **controlplane;
  Signal reading;
  Child dataplane([&] {
    const AttachResult attached = Region::attach(path_, Role::kDataplane);
    NodeRegion& own = **attached.region;
    TableReader reader(own.tables.routes, own.dataplane.routes_progress[0]);
    reader.online();
    (void)reader.pin();
    reading.give();
    for (;;) ::pause();
    return 0;
  });
  reading.await();
  TableWriter writer(node.tables.routes, node.dataplane.routes_progress);
  ASSERT_NE(writer.try_begin(controlplane->role_is_held(Role::kDataplane)), nullptr);
  writer.publish();
  EXPECT_EQ(writer.try_begin(controlplane->role_is_held(Role::kDataplane)), nullptr);
  dataplane.kill();
  EXPECT_NE(writer.try_begin(controlplane->role_is_held(Role::kDataplane)), nullptr);
}

}  // namespace
}  // namespace wire::shm
