// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/counters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "wire/shm/link_status.h"

namespace wire::shm {
namespace {

TEST(Ledger, IsEvenWhenAllThatCameInIsExplained) {
  LcoreCounters counters;
  EXPECT_EQ(ledger_difference(counters), 0);
  counters.received.add(10);
  counters.injected.add(3);
  counters.handed_in.add(2);
  counters.transmitted.add(4);
  counters.delivered.add(1);
  counters.punted.add(1);
  counters.absorbed.add(2);
  counters.handed_out.add(3);
  counters.held.set(2);
  counters.drops.front().add(1);
  counters.drops.back().add(1);
  EXPECT_EQ(ledger_difference(counters), 0);
}

TEST(Ledger, SaysWhatIsMissingAndWhatIsTooMuch) {
  LcoreCounters counters;
  counters.received.add(5);
  counters.transmitted.add(3);
  EXPECT_EQ(ledger_difference(counters), 2);
  counters.transmitted.add(4);
  EXPECT_EQ(ledger_difference(counters), -2);
}

TEST(Ledger, LeavesOutWhatTheLcoreMadeItself) {
  LcoreCounters counters;
  counters.generated.add(7);
  counters.acks_sent.add(7);
  counters.retransmitted.add(1);
  EXPECT_EQ(ledger_difference(counters), 0);
}

TEST(DropReason, HasANameOfItsOwnAndAStageThatExists) {
  std::set<std::string> stages;
  for (const StageInfo& stage : kStages) stages.insert(stage.name);
  std::set<std::string> names;
  for (const DropReasonInfo& reason : kDropReasons) {
    EXPECT_TRUE(names.insert(reason.name).second) << reason.name;
    EXPECT_TRUE(stages.contains(reason.stage)) << reason.name;
  }
}

LinkRecord numbered(std::uint16_t number) {
  LinkRecord record;
  record.slot = number;
  record.mtu = number;
  record.local.port = number;
  record.remote.port = number;
  record.peer.bytes.fill(static_cast<std::byte>(number));
  return record;
}
bool is_whole(const LinkRecord& record) {
  return record.mtu == record.slot && record.local.port == record.slot &&
         record.remote.port == record.slot && record.peer == numbered(record.slot).peer;
}

TEST(LinkIdentity, IsReadAsItWasWritten) {
  LinkStatus status;
  write_identity(status, numbered(7));
  LinkRecord record;
  ASSERT_TRUE(read_identity(status, record));
  EXPECT_EQ(record.slot, 7);
  EXPECT_TRUE(is_whole(record));
}

TEST(LinkIdentity, IsUnknownWhenItsWriterDiedInTheMiddle) {
  LinkStatus status;
  status.identity_version = 3;
  LinkRecord record;
  EXPECT_FALSE(read_identity(status, record));
  write_identity(status, numbered(1));  // the next writer puts it right
  EXPECT_TRUE(read_identity(status, record));
}

TEST(LinkIdentity, IsWholeWhileItChanges) {
  LinkStatus status;
  write_identity(status, numbered(0));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint16_t number = 0; !stop; ++number) write_identity(status, numbered(number));
  });
  for (int i = 0; i < 20000; ++i) {
    LinkRecord record;
    if (read_identity(status, record)) {
      EXPECT_TRUE(is_whole(record));
    }
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace wire::shm
