// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_table_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "crypto/kernels/select.h"
#include "tests/crypto/key_table_pool_rig.h"

namespace crypto::test {
namespace {

using SignerId = KeyTablePool::SignerId;
constexpr SignerId kNoSigner = KeyTablePool::kNoSigner;

unsigned below(std::mt19937& generator, std::size_t end) {
  return static_cast<unsigned>(generator() % end);
}

/// A pool whose readers are quiescent when the test says so.
class Pool : public testing::Test {
 protected:
  static constexpr std::uint32_t kReaders = 2;
  static constexpr std::size_t kSlots = 4;
  static constexpr std::uint32_t kSigners = 64;

  SignerId add(const std::shared_ptr<const PublicKey>& key) { return pool_.add(key); }
  SignerId add() { return pool_.add(keys_.make()); }
  void use(SignerId id, unsigned times, std::uint32_t reader = 0) {
    for (unsigned i = 0; i < times; ++i) (void)pool_.table(id, reader);
  }
  /// Everything that can be done now, with one sweep in it. Readers do not become quiescent.
  void settle() {
    now_ms_ += KeyTablePool::kSweepMs;
    while (pool_.step(now_ms_)) {
    }
  }
  void pass_ms(std::uint64_t ms) {
    for (std::uint64_t passed = 0; passed < ms; passed += KeyTablePool::kSweepMs) settle();
  }
  /// What a reader gets, without counting for anybody who matters.
  const std::byte* table_of(SignerId id) { return pool_.table(id, kReaders - 1); }
  /// Signers with tables, in every slot.
  std::vector<SignerId> fill() {
    std::vector<SignerId> ids;
    for (std::size_t i = 0; i < kSlots; ++i) {
      ids.push_back(add());
      use(ids.back(), 1000);
    }
    settle();
    for (const SignerId id : ids) EXPECT_NE(table_of(id), nullptr);
    return ids;
  }

  KeyMaker keys_{Algorithm::kEd25519};
  TableMemory memory_{kSlots};
  Epochs epochs_{kReaders};
  KeyTablePool pool_{{rig_kernel(), memory_.span(), kSigners, kReaders, epochs_}};
  std::uint64_t now_ms_ = 1'000'000;
};

TEST_F(Pool, GivesATableToASignerThatIsUsedOftenEnough) {
  const auto often = keys_.make();
  const auto seldom = keys_.make();
  const SignerId often_id = add(often);
  const SignerId seldom_id = add(seldom);
  use(often_id, KeyTablePool::kAdmitUses);
  use(seldom_id, KeyTablePool::kAdmitUses - 1);
  settle();
  const std::byte* const table = table_of(often_id);
  ASSERT_NE(table, nullptr);
  EXPECT_TRUE(is_table_of(*often, table));
  EXPECT_EQ(table_of(seldom_id), nullptr);
  EXPECT_EQ(pool_.statistics().tables, 1U);
  EXPECT_EQ(pool_.statistics().builds, 1U);
  EXPECT_EQ(pool_.statistics().used_bytes, kRigTableBytes);
  EXPECT_EQ(pool_.statistics().capacity_bytes, kSlots * kRigTableBytes);
}

TEST_F(Pool, AddsTheUsesOfAllReaders) {
  const SignerId id = add();
  use(id, KeyTablePool::kAdmitUses / 2, 0);
  use(id, KeyTablePool::kAdmitUses / 2, 1);
  settle();
  EXPECT_NE(table_of(id), nullptr);
}

TEST_F(Pool, ForgetsUsesThatLieLongBack) {
  const SignerId id = add();
  for (int minute = 0; minute < 20; ++minute) {
    use(id, KeyTablePool::kAdmitUses / 2);
    pass_ms(60'000);
    ASSERT_EQ(table_of(id), nullptr);  // and this is a use as well
  }
}

TEST_F(Pool, BuildsAtMostOneSliceInAStep) {
  for (const std::size_t i : {0U, 1U, 2U}) use(add(), 10 + static_cast<unsigned>(i));
  const std::uint64_t before = slices_built();
  now_ms_ += KeyTablePool::kSweepMs;
  bool more = true;
  while (more) {
    const std::uint64_t built = slices_built();
    more = pool_.step(now_ms_);
    EXPECT_LE(slices_built(), built + 1);
  }
  EXPECT_EQ(slices_built(), before + 3 * kSlices);
}

TEST_F(Pool, ShowsNoTableBeforeItIsComplete) {
  const auto key = keys_.make();
  const SignerId id = add(key);
  use(id, 20);
  now_ms_ += KeyTablePool::kSweepMs;
  const std::uint64_t before = slices_built();
  for (bool more = true; more;) {
    const std::byte* const table = table_of(id);
    EXPECT_EQ(table != nullptr, slices_built() == before + kSlices);
    more = pool_.step(now_ms_);
  }
  EXPECT_TRUE(is_table_of(*key, table_of(id)));
}

TEST_F(Pool, HasNothingForSignersThatCannotHaveTables) {
  const KeyMaker rsa(Algorithm::kRsaPkcs1Sha256);
  EXPECT_EQ(add(rsa.make()), kNoSigner);
  EXPECT_EQ(pool_.table(kNoSigner, 0), nullptr);
  pool_.remove(kNoSigner);
  KeyTablePool without({*all_kernels().back(), memory_.span(), kSigners, kReaders, epochs_});
  EXPECT_EQ(without.add(keys_.make()), kNoSigner);
  EXPECT_EQ(without.statistics().capacity_bytes, 0U);
  (void)without.step(1);
  EXPECT_FALSE(without.step(2));
}

TEST_F(Pool, LivesWithMemoryTooSmallForATable) {
  KeyTablePool tiny(
      {rig_kernel(), memory_.span().first(kRigTableBytes - 1), kSigners, kReaders, epochs_});
  EXPECT_EQ(tiny.add(keys_.make()), kNoSigner);
  (void)tiny.step(1);
  EXPECT_FALSE(tiny.step(2));
}

TEST_F(Pool, StaysWithinItsMemoryAndGivesEachItsOwn) {
  std::map<SignerId, std::shared_ptr<const PublicKey>> keys;
  for (std::size_t i = 0; i < 3 * kSlots; ++i) {
    auto key = keys_.make();
    const SignerId id = add(key);
    keys.emplace(id, std::move(key));
  }
  for (const auto& [id, key] : keys) use(id, 100 + id);
  settle();
  std::set<const std::byte*> tables;
  for (const auto& [id, key] : keys) {
    const std::byte* const table = table_of(id);
    if (table == nullptr) continue;
    EXPECT_TRUE(is_table_of(*key, table));
    EXPECT_GE(table, memory_.span().data());
    EXPECT_LE(table + kRigTableBytes, memory_.span().data() + memory_.span().size());
    EXPECT_EQ((table - memory_.span().data()) % static_cast<std::ptrdiff_t>(kRigTableBytes), 0);
    tables.insert(table);
  }
  EXPECT_EQ(tables.size(), kSlots);
  EXPECT_EQ(pool_.statistics().tables, kSlots);
  EXPECT_EQ(pool_.statistics().used_bytes, pool_.statistics().capacity_bytes);
}

TEST_F(Pool, LetsAlgorithmsShareTheMemory) {
  const KeyMaker ecdsa(Algorithm::kEcdsaP256Sha256);
  const auto key = ecdsa.make();
  const SignerId id = add(key);
  use(id, 20);
  settle();
  ASSERT_NE(table_of(id), nullptr);
  EXPECT_TRUE(is_table_of(*key, table_of(id)));
}

TEST_F(Pool, PrefersTheMostUsedWhenNotAllFit) {
  std::vector<SignerId> ids;
  for (unsigned i = 0; i < 3 * kSlots; ++i) {
    ids.push_back(add());
    use(ids.back(), 20 * (i + 1));
  }
  settle();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(table_of(ids[i]) != nullptr, i >= ids.size() - kSlots) << i;
  }
}

TEST_F(Pool, KeepsHotTablesInAFloodOfSignersHeardOnce) {
  const auto hot = fill();
  const std::uint64_t builds = pool_.statistics().builds;
  std::vector<std::shared_ptr<const PublicKey>> keys;  // new names each time; making keys is slow
  for (std::size_t i = 0; i < kSigners - kSlots; ++i) keys.push_back(keys_.make());
  for (int second = 0; second < 120; ++second) {
    for (const SignerId id : hot) use(id, 5);
    std::vector<SignerId> flood;
    for (const auto& key : keys) {
      flood.push_back(add(key));
      ASSERT_NE(flood.back(), kNoSigner);
      use(flood.back(), 1);
    }
    pass_ms(1000);
    for (const SignerId id : flood) pool_.remove(id);
    epochs_.all_quiescent();
  }
  for (const SignerId id : hot) EXPECT_NE(table_of(id), nullptr);
  EXPECT_EQ(pool_.statistics().evictions, 0U);
  EXPECT_EQ(pool_.statistics().builds, builds);
}

TEST_F(Pool, DoesNotSwapTablesBetweenSignersOfSimilarRate) {
  std::vector<SignerId> ids;
  for (std::size_t i = 0; i < 2 * kSlots; ++i) ids.push_back(add());
  std::mt19937 generator(7);
  for (int round = 0; round < 600; ++round) {
    for (const SignerId id : ids) use(id, 40 + below(generator, 20));
    settle();
    epochs_.all_quiescent();
  }
  EXPECT_EQ(pool_.statistics().evictions, 0U);
}

TEST_F(Pool, EvictsTheLeastUsedForOneThatIsUsedMuchMore) {
  const auto ids = fill();
  for (std::size_t i = 0; i < ids.size(); ++i) use(ids[i], 10 * static_cast<unsigned>(i));
  const auto key = keys_.make();
  const SignerId hotter = add(key);
  use(hotter, 2100);
  settle();
  EXPECT_EQ(table_of(ids[0]), nullptr);
  for (std::size_t i = 1; i < ids.size(); ++i) EXPECT_NE(table_of(ids[i]), nullptr);
  EXPECT_EQ(table_of(hotter), nullptr);  // readers may still use that memory
  epochs_.all_quiescent();
  settle();
  ASSERT_NE(table_of(hotter), nullptr);
  EXPECT_TRUE(is_table_of(*key, table_of(hotter)));
  EXPECT_EQ(pool_.statistics().evictions, 1U);
  EXPECT_EQ(pool_.statistics().tables, kSlots);
}

TEST_F(Pool, LeavesAnEvictedTableAloneUntilEveryReaderWasQuiescent) {
  auto loser = keys_.make();
  const SignerId loser_id = add(loser);
  use(loser_id, 100);
  for (std::size_t i = 1; i < kSlots; ++i) use(add(), 1000);
  settle();
  const std::byte* const held = table_of(loser_id);
  ASSERT_NE(held, nullptr);
  use(add(), 5000);
  settle();
  ASSERT_EQ(table_of(loser_id), nullptr);
  epochs_.quiescent(0);
  settle();
  EXPECT_TRUE(is_table_of(*loser, held));
  epochs_.quiescent(1);
  settle();
  EXPECT_FALSE(is_table_of(*loser, held));
}

TEST_F(Pool, GivesAnUnusedTableAwayOnceItsScoreHasDecayed) {
  const auto old = fill();
  const SignerId fresh = add();
  for (int second = 0; second < 120; ++second) {
    use(fresh, 20);
    pass_ms(1000);
    epochs_.all_quiescent();
  }
  EXPECT_NE(table_of(fresh), nullptr);
  EXPECT_EQ(pool_.statistics().evictions, 1U);
}

TEST_F(Pool, TakesTheTableOfARemovedSignerAndKeepsItsMemoryForReaders) {
  auto key = keys_.make();
  const SignerId id = add(key);
  use(id, 20);
  settle();
  const std::byte* const held = table_of(id);
  ASSERT_NE(held, nullptr);
  pool_.remove(id);
  EXPECT_EQ(table_of(id), nullptr);
  EXPECT_EQ(pool_.statistics().tables, 0U);
  EXPECT_EQ(key.use_count(), 1);  // the pool lets go of the key at once
  EXPECT_EQ(pool_.statistics().used_bytes, kRigTableBytes);
  for (std::size_t i = 0; i < kSlots; ++i) use(add(), 50);
  settle();
  EXPECT_TRUE(is_table_of(*key, held));
  EXPECT_EQ(pool_.statistics().tables, kSlots - 1);
  epochs_.all_quiescent();
  settle();
  EXPECT_EQ(pool_.statistics().tables, kSlots);
  EXPECT_EQ(pool_.statistics().evictions, 0U);
}

TEST_F(Pool, DoesNotGiveANameToAnotherSignerWhileAReaderMayUseIt) {
  std::vector<SignerId> ids;
  for (std::uint32_t i = 0; i < kSigners; ++i) ids.push_back(add());
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), kSigners);
  EXPECT_EQ(add(), kNoSigner);
  pool_.remove(ids[5]);
  EXPECT_EQ(add(), kNoSigner);
  use(ids[5], 50);  // a reader that has not heard of it
  epochs_.quiescent(0);
  EXPECT_EQ(add(), kNoSigner);
  epochs_.quiescent(1);
  const SignerId again = add();
  EXPECT_EQ(again, ids[5]);
  settle();
  EXPECT_EQ(table_of(again), nullptr) << "the uses were the old signer's";
}

TEST_F(Pool, ChangesAKeyByAnotherName) {
  const auto before = keys_.make();
  const SignerId old_id = add(before);
  use(old_id, 20);
  settle();
  const auto after = keys_.make();
  pool_.remove(old_id);
  const SignerId new_id = add(after);
  EXPECT_NE(new_id, old_id);
  use(new_id, 20);
  settle();
  ASSERT_NE(table_of(new_id), nullptr);
  EXPECT_TRUE(is_table_of(*after, table_of(new_id)));
  EXPECT_EQ(table_of(old_id), nullptr);
}

TEST_F(Pool, AbandonsTheTableOfASignerRemovedWhileItIsBuilt) {
  for (std::uint32_t steps = 0; steps < 12; ++steps) {
    const auto key = keys_.make();
    const SignerId id = add(key);
    use(id, 20);
    now_ms_ += KeyTablePool::kSweepMs;
    for (std::uint32_t i = 0; i < steps; ++i) (void)pool_.step(now_ms_);
    pool_.remove(id);
    EXPECT_EQ(key.use_count(), 1);
    EXPECT_EQ(table_of(id), nullptr);
    epochs_.all_quiescent();
    settle();
    EXPECT_EQ(table_of(id), nullptr);
    EXPECT_EQ(pool_.statistics().used_bytes, 0U) << steps;
    EXPECT_EQ(pool_.statistics().tables, 0U);
  }
  EXPECT_GT(pool_.statistics().abandoned, 0U);
  EXPECT_GT(pool_.statistics().builds, 0U);
}

/// Any order of events: every table is its signer's, all in bounds, nothing changes under a reader.
TEST_F(Pool, KeepsItsPromisesWhateverHappens) {
  struct Member {
    SignerId id;
    std::shared_ptr<const PublicKey> key;
    unsigned weight;
  };
  struct Held {
    const std::byte* table;
    std::shared_ptr<const PublicKey> key;
  };
  std::mt19937 generator(6940);
  const auto random = [&](std::size_t end) { return below(generator, end); };
  std::vector<Member> members;
  std::array<std::vector<Held>, kReaders> held;
  const auto check = [&](const Held& one) { ASSERT_TRUE(is_table_of(*one.key, one.table)); };
  for (int event = 0; event < 30'000; ++event) {
    const unsigned what = random(100);
    const std::uint32_t reader = random(kReaders);
    if (what < 6 && members.size() < kSigners) {
      auto key = keys_.make();
      const SignerId id = add(key);
      if (id != kNoSigner) members.push_back({id, std::move(key), 1U + random(40)});
    } else if (what < 10 && !members.empty()) {
      const std::size_t at = random(members.size());
      pool_.remove(members[at].id);
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (what < 50 && !members.empty()) {
      const Member& one = members[random(members.size())];
      use(one.id, one.weight, reader);
      const std::byte* const table = pool_.table(one.id, reader);
      if (table != nullptr) held[reader].push_back({table, one.key});
    } else if (what < 54) {
      for (const Held& one : held[reader]) check(one);
      held[reader].clear();
      epochs_.quiescent(reader);
    } else {
      now_ms_ += random(40);
      (void)pool_.step(now_ms_);
    }
    for (const auto& all : held) {
      if (!all.empty()) check(all[random(all.size())]);
    }
    ASSERT_LE(pool_.statistics().used_bytes, pool_.statistics().capacity_bytes);
    ASSERT_LE(pool_.statistics().tables * kRigTableBytes, pool_.statistics().used_bytes);
  }
  EXPECT_GT(pool_.statistics().evictions, 0U);
  EXPECT_GT(pool_.statistics().abandoned, 0U);
  EXPECT_GT(pool_.statistics().builds, 100U);
}

}  // namespace
}  // namespace crypto::test
