// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "tests/support/unpinned_thread.h"

namespace dataplane {
namespace {

using wire::shm::Endpoint;
using wire::shm::LinkRecord;

Endpoint endpoint(std::uint8_t last, std::uint16_t port) {
  Endpoint out;
  out.family = 4;
  out.address[12] = 10;
  out.address[15] = last;
  out.port = port;
  return out;
}

/// Link @p slot to 10.0.0.(slot mod 250) with UDP port 1000 + @p salt.
LinkRecord record(std::uint16_t slot, std::uint16_t salt = 0) {
  LinkRecord out;
  out.slot = slot;
  out.local = endpoint(1, 6084);
  out.remote = endpoint(static_cast<std::uint8_t>(slot % 250),
                        static_cast<std::uint16_t>(1000 + salt + slot / 250 * 1000));
  out.peer.bytes[0] = static_cast<std::byte>(slot);
  out.peer.bytes[1] = static_cast<std::byte>(salt);
  return out;
}

const LinkEntry* look_up(const LinkTable& table, const LinkRecord& link) {
  const Endpoint pair[2] = {link.local, link.remote};
  const Endpoint* pairs[1] = {pair};
  const LinkEntry* entries[1] = {nullptr};
  table.by_address(pairs, entries);
  return entries[0];
}

class LinkTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(2);
  std::unique_ptr<LinkTable> table_ = LinkTable::create(64, 2, *quiescence_);
  std::string why_;
};

TEST_F(LinkTableTest, FindsALinkBySlotAndByAddressPair) {
  ASSERT_TRUE(table_->upsert(record(5), why_)) << why_;
  const LinkEntry* entry = table_->by_slot(5);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(look_up(*table_, record(5)), entry);
  EXPECT_EQ(look_up(*table_, record(6)), nullptr);
  EXPECT_EQ(table_->by_slot(6), nullptr);
  EXPECT_EQ(table_->by_slot(wire::shm::kNoLink), nullptr);
  EXPECT_EQ(table_->size(), 1U);
}

TEST_F(LinkTableTest, LooksUpAWholeBurstWithMissesInBetween) {
  for (std::uint16_t slot = 0; slot < 64; slot += 2)
    ASSERT_TRUE(table_->upsert(record(slot), why_));
  std::array<std::array<Endpoint, 2>, kBurstSize> pair;
  std::array<const Endpoint*, kBurstSize> pairs;
  std::array<const LinkEntry*, kBurstSize> entries;
  for (std::uint16_t i = 0; i < kBurstSize; ++i) {
    pair[i] = {record(i).local, record(i).remote};
    pairs[i] = pair[i].data();
  }
  table_->by_address(pairs, entries);
  for (std::uint16_t i = 0; i < kBurstSize; ++i) {
    EXPECT_EQ(entries[i], i % 2 == 0 ? table_->by_slot(i) : nullptr) << i;
  }
}

TEST_F(LinkTableTest, GivesLinksToWorkersInTurn) {
  for (std::uint16_t slot = 0; slot < 4; ++slot) {
    ASSERT_TRUE(table_->upsert(record(slot), why_));
    EXPECT_EQ(table_->by_slot(slot)->owner, slot % 2);
  }
}

TEST_F(LinkTableTest, UpsertingTheSameRecordAgainChangesNothing) {
  ASSERT_TRUE(table_->upsert(record(5), why_));
  const LinkEntry* entry = table_->by_slot(5);
  const std::uint64_t version = table_->version();
  ASSERT_TRUE(table_->upsert(record(5), why_));
  EXPECT_EQ(table_->by_slot(5), entry);
  EXPECT_EQ(table_->version(), version);
}

TEST_F(LinkTableTest, ClassStandingAndMtuChangeWithoutANewAssociation) {
  LinkRecord link = record(5);
  ASSERT_TRUE(table_->upsert(link, why_));
  const std::uint64_t association = table_->by_slot(5)->version;
  link.barred = 1;
  link.mtu = 1280;
  ASSERT_TRUE(table_->upsert(link, why_));
  EXPECT_EQ(table_->by_slot(5)->version, association);
  EXPECT_EQ(table_->by_slot(5)->record.barred, 1);
  link.generation = 1;
  ASSERT_TRUE(table_->upsert(link, why_));
  EXPECT_NE(table_->by_slot(5)->version, association);
}

TEST_F(LinkTableTest, AMovedLinkIsFoundByItsNewAddressOnly) {
  ASSERT_TRUE(table_->upsert(record(5), why_));
  ASSERT_TRUE(table_->upsert(record(5, 7), why_));
  EXPECT_EQ(look_up(*table_, record(5)), nullptr);
  EXPECT_EQ(look_up(*table_, record(5, 7)), table_->by_slot(5));
  EXPECT_EQ(table_->size(), 1U);
}

TEST_F(LinkTableTest, RefusesAnAddressPairThatAnotherLinkHas) {
  ASSERT_TRUE(table_->upsert(record(5), why_));
  LinkRecord thief = record(5);
  thief.slot = 6;
  EXPECT_FALSE(table_->upsert(thief, why_));
  EXPECT_EQ(why_, "address pair belongs to slot 5");
  EXPECT_EQ(look_up(*table_, record(5)), table_->by_slot(5));
  // Unless that link is one nobody has repeated since the resync began.
  table_->mark_all_stale();
  EXPECT_TRUE(table_->upsert(thief, why_)) << why_;
  EXPECT_EQ(table_->by_slot(5), nullptr);
  EXPECT_EQ(look_up(*table_, record(5)), table_->by_slot(6));
}

TEST_F(LinkTableTest, RefusesRecordsThatMakeNoSense) {
  const auto refused = [&](auto change) {
    LinkRecord link = record(5);
    change(link);
    why_.clear();
    return !table_->upsert(link, why_) && !why_.empty();
  };
  EXPECT_TRUE(refused([](LinkRecord& link) { link.slot = 64; }));
  EXPECT_TRUE(refused([](LinkRecord& link) { link.slot = wire::shm::kNoLink; }));
  EXPECT_TRUE(refused([](LinkRecord& link) { link.generation = 8; }));
  EXPECT_TRUE(refused([](LinkRecord& link) { link.local.family = 6; }));
  EXPECT_TRUE(refused([](LinkRecord& link) { link.local.family = link.remote.family = 0; }));
  EXPECT_TRUE(refused([](LinkRecord& link) { link.mtu = 575; }));
  EXPECT_TRUE(
      refused([](LinkRecord& link) { link.protocol = static_cast<wire::shm::LinkProtocol>(9); }));
  EXPECT_TRUE(
      refused([](LinkRecord& link) { link.link_class = static_cast<wire::shm::LinkClass>(3); }));
  EXPECT_EQ(table_->size(), 0U);
}

TEST_F(LinkTableTest, RemovesOnlyTheGenerationThatIsMeant) {
  LinkRecord link = record(5);
  link.generation = 3;
  ASSERT_TRUE(table_->upsert(link, why_));
  table_->remove(5, 2);
  EXPECT_NE(table_->by_slot(5), nullptr);
  table_->remove(5, 3);
  EXPECT_EQ(table_->by_slot(5), nullptr);
  EXPECT_EQ(look_up(*table_, link), nullptr);
  table_->remove(5, 3);
  EXPECT_EQ(table_->size(), 0U);
}

TEST_F(LinkTableTest, AResyncSweepsWhatWasNotRepeated) {
  for (std::uint16_t slot = 0; slot < 4; ++slot) ASSERT_TRUE(table_->upsert(record(slot), why_));
  const LinkEntry* kept = table_->by_slot(1);
  table_->mark_all_stale();
  ASSERT_TRUE(table_->upsert(record(1), why_));
  ASSERT_TRUE(table_->upsert(record(9), why_));
  EXPECT_EQ(table_->size(), 5U) << "stale links stay in service until the end";
  table_->sweep_stale();
  EXPECT_EQ(table_->size(), 2U);
  EXPECT_EQ(table_->by_slot(1), kept);
  EXPECT_NE(table_->by_slot(9), nullptr);
  EXPECT_EQ(look_up(*table_, record(0)), nullptr);
}

TEST_F(LinkTableTest, FreesAnOldEntryOnlyAfterEveryOnlineWorkerHasReported) {
  quiescence_->online(0);
  quiescence_->online(1);
  // One slot changes more often than there is room for retired entries.
  std::uint16_t salt = 0;
  while (table_->upsert(record(5, salt), why_)) ASSERT_LT(++salt, 1000);
  EXPECT_EQ(why_, "changes come faster than workers let go of old entries");
  quiescence_->report(0);
  table_->reclaim();
  EXPECT_FALSE(table_->upsert(record(5, salt), why_)) << "worker 1 may still look";
  quiescence_->report(1);
  table_->reclaim();
  EXPECT_TRUE(table_->upsert(record(5, salt), why_)) << why_;
  quiescence_->offline(0);
  quiescence_->offline(1);
}

TEST_F(LinkTableTest, HoldsAsManyLinksAsItWasMadeForAgainAndAgain) {
  for (std::uint16_t round = 0; round < 50; ++round) {
    for (std::uint16_t slot = 0; slot < 64; ++slot) {
      ASSERT_TRUE(table_->upsert(record(slot, round), why_)) << why_ << " in round " << round;
      table_->reclaim();
    }
  }
  EXPECT_EQ(table_->size(), 64U);
  for (std::uint16_t slot = 0; slot < 64; ++slot) {
    EXPECT_EQ(look_up(*table_, record(slot, 49)), table_->by_slot(slot));
  }
}

TEST_F(LinkTableTest, AReaderSeesOnlyWholeEntriesWhileTheyChange) {
  // The peer's first byte repeats the slot and its second the salt, which the UDP port also tells.
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> looked_up{0};
  std::atomic<std::uint64_t> wrong{0};
  std::thread reader = tests::unpinned_thread([&] {
    quiescence_->online(1);
    for (std::uint16_t turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
      const std::uint16_t slot = turn % 8;
      const auto check = [&](const LinkEntry* entry, bool by_slot) {
        if (entry == nullptr) return;
        looked_up.fetch_add(1, std::memory_order_relaxed);
        const LinkRecord& link = entry->record;
        const auto salt = static_cast<std::uint16_t>(link.peer.bytes[1]);
        if ((by_slot && link.slot != slot) || link.remote != record(link.slot, salt).remote) {
          wrong.fetch_add(1, std::memory_order_relaxed);
        }
      };
      check(table_->by_slot(slot), true);
      check(look_up(*table_, record(slot, turn / 8 % 4)), false);
      quiescence_->report(1);
    }
    quiescence_->offline(1);
  });
  std::uint64_t changed = 0;
  // Until both sides have done enough; the bound only ends a test that hangs.
  for (std::uint32_t i = 0; (i < 20'000 || looked_up.load() < 20'000) && i < 50'000'000; ++i) {
    const auto slot = static_cast<std::uint16_t>(i % 8);
    if (i % 5 == 4) {
      table_->remove(slot, 0);
    } else if (table_->upsert(record(slot, static_cast<std::uint16_t>(i / 8 % 4)), why_)) {
      ++changed;
    } else {
      std::this_thread::yield();
    }
    table_->reclaim();
  }
  stop = true;
  reader.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_GT(changed, 100U);
  EXPECT_GE(looked_up.load(), 20'000U);
}

}  // namespace
}  // namespace dataplane
