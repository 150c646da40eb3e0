// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace wire::shm {
namespace {

TraceRecord numbered(std::uint64_t number) {
  TraceRecord record;
  record.tsc = number;
  record.transaction_id = ~number;
  record.cycles = static_cast<std::uint16_t>(number);
  return record;
}
bool is_whole(const TraceRecord& record) {
  return record.transaction_id == ~record.tsc &&
         record.cycles == static_cast<std::uint16_t>(record.tsc);
}

class Trace : public ::testing::Test {
 protected:
  void write(std::uint64_t from, std::uint64_t upto) {
    for (std::uint64_t i = from; i < upto; ++i) ring_->write(numbered(i));
  }
  /// Reads up to @p most from where the last read ended.
  std::vector<TraceRecord> read(std::size_t most) {
    std::vector<TraceRecord> out(most);
    std::size_t count = 0;
    next_ = ring_->read(next_, out, count);
    out.resize(count);
    return out;
  }
  std::unique_ptr<TraceRing> ring_ = std::make_unique<TraceRing>();
  std::uint64_t next_ = 0;
};

TEST_F(Trace, HasNothingToReadAtFirst) { EXPECT_TRUE(read(10).empty()); }

TEST_F(Trace, ReadsEachRecordOnceInOrder) {
  write(0, 10);
  const auto first = read(4);
  const auto rest = read(100);
  ASSERT_EQ(first.size(), 4U);
  ASSERT_EQ(rest.size(), 6U);
  EXPECT_EQ(first[3].tsc, 3U);
  EXPECT_EQ(rest[0].tsc, 4U);
  EXPECT_TRUE(read(100).empty());
}

TEST_F(Trace, SkipsToTheOldestKeptRecordWhenItWasLapped) {
  write(0, 5);
  EXPECT_EQ(read(5).size(), 5U);
  write(5, 5 + 3 * kTraceRecords);
  const auto records = read(2 * kTraceRecords);
  ASSERT_EQ(records.size(), kTraceRecords);
  EXPECT_EQ(records.front().tsc, 5 + 2 * kTraceRecords);
  EXPECT_EQ(records.back().tsc, 5 + 3 * kTraceRecords - 1);
}

TEST_F(Trace, BeginsAgainWhenTheWriterDid) {
  write(0, 50);
  EXPECT_EQ(read(100).size(), 50U);
  ring_ = std::make_unique<TraceRing>();
  write(0, 3);
  EXPECT_EQ(read(100).size(), 3U);
}

TEST_F(Trace, NeverShowsAReaderHalfOfARecord) {
  constexpr std::uint64_t kRecords = 300000;
  std::thread writer([this] { write(0, kRecords); });
  std::uint64_t last = 0;
  std::uint64_t seen = 0;
  while (last + 1 < kRecords) {
    for (const TraceRecord& record : read(64)) {
      ASSERT_TRUE(is_whole(record));
      ASSERT_TRUE(seen == 0 || record.tsc > last);
      last = record.tsc;
      ++seen;
    }
  }
  writer.join();
  EXPECT_GT(seen, 0U);
}

}  // namespace
}  // namespace wire::shm
