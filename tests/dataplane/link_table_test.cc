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

/// A table with room for keys and one secure link in slot 2.
class SecureLinks : public ::testing::Test {
 protected:
  SecureLinks() {
    wire::shm::LinkRecord secure;
    secure.slot = 2;
    secure.protocol = wire::shm::LinkProtocol::kDtls;
    secure.local.family = secure.remote.family = 4;
    EXPECT_TRUE(table_->upsert(secure, why_)) << why_;
  }
  bool install(std::uint32_t number, std::uint64_t now_ns = 0, std::uint16_t slot = 2,
               std::uint8_t generation = 0) {
    wire::shm::AssociationRecord record;
    record.slot = slot;
    record.generation = generation;
    record.association = number;
    return table_->install(record, now_ns, why_);
  }
  const LinkEntry& entry() { return *table_->by_slot(2); }
  void quiet() {
    quiescence_->report(0);
    table_->reclaim();
  }

  std::string why_;
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(1);
  std::unique_ptr<AssociationStore> keys_ = AssociationStore::create(8, why_);
  std::unique_ptr<LinkTable> table_ = LinkTable::create(8, 1, *quiescence_, keys_.get());
};

TEST_F(SecureLinks, KeepTheirStateWhenTheyGetKeys) {
  const std::uint64_t version = entry().version, revision = entry().revision;
  ASSERT_TRUE(install(1)) << why_;
  EXPECT_EQ(entry().version, version);
  EXPECT_NE(entry().revision, revision) << "but their owner looks again";
  EXPECT_EQ(entry().current->number, 1U);
  EXPECT_EQ(entry().previous, nullptr);
  ASSERT_TRUE(install(2)) << why_;
  EXPECT_EQ(entry().current->number, 2U);
  EXPECT_EQ(entry().previous->number, 1U);
}

TEST_F(SecureLinks, RefuseKeysOfAnotherLinkOrAnotherTime) {
  EXPECT_FALSE(install(0)) << "0 is no number";
  EXPECT_FALSE(install(1, 0, 3));
  EXPECT_FALSE(install(1, 0, 2, 1));
  EXPECT_FALSE(install(1, 0, wire::shm::kNoLink));
  ASSERT_TRUE(install(5));
  EXPECT_FALSE(install(5)) << "its numbers would be used twice";
  EXPECT_FALSE(install(4));
  wire::shm::AssociationRecord used_up;
  used_up.slot = 2;
  used_up.association = 6;
  used_up.write_sequence = wire::dtls::kMaxSequence + 1;
  EXPECT_FALSE(table_->install(used_up, 0, why_));
  wire::shm::LinkRecord lab;
  lab.slot = 4;
  lab.local.family = lab.remote.family = 4;
  lab.remote.port = 9;
  ASSERT_TRUE(table_->upsert(lab, why_));
  EXPECT_FALSE(install(7, 0, 4)) << "a lab link has none";
}

TEST_F(SecureLinks, ForgetTheirPreviousKeysAfterAMinuteOrWithTheNext) {
  ASSERT_TRUE(install(1, 0));
  ASSERT_TRUE(install(2, 10));
  table_->expire(LinkTable::kPreviousNs + 9);
  EXPECT_NE(entry().previous, nullptr);
  ASSERT_TRUE(install(3, 20));
  EXPECT_EQ(entry().previous->number, 2U);
  table_->expire(LinkTable::kPreviousNs + 10);
  EXPECT_NE(entry().previous, nullptr) << "that was the first's time, which is gone already";
  table_->expire(LinkTable::kPreviousNs + 20);
  EXPECT_EQ(entry().previous, nullptr);
  EXPECT_EQ(entry().current->number, 3U);
  quiet();
  EXPECT_EQ(keys_->in_use(), 1U);
}

TEST_F(SecureLinks, LetGoOfKeysOnlyWhenNoWorkerCanSeeThem) {
  quiescence_->online(0);
  ASSERT_TRUE(install(1));
  ASSERT_TRUE(table_->forget(2, 0, why_));
  table_->reclaim();
  EXPECT_EQ(keys_->in_use(), 1U);
  quiet();
  EXPECT_EQ(keys_->in_use(), 0U);
  EXPECT_FALSE(table_->forget(2, 1, why_));
  EXPECT_TRUE(table_->forget(2, 0, why_)) << "twice is once";
  quiescence_->offline(0);
}

TEST_F(SecureLinks, RefuseMoreKeysThanThereIsRoomFor) {
  quiescence_->online(0);
  std::uint32_t number = 1;
  while (install(number)) ++number;
  EXPECT_EQ(number, 9U) << why_;
  quiet();
  EXPECT_TRUE(install(number));
  quiescence_->offline(0);
}

}  // namespace
}  // namespace dataplane
