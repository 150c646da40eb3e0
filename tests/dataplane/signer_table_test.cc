// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "crypto/signing_key.h"
#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "tests/crypto/key_table_pool_rig.h"
#include "tests/support/unpinned_thread.h"

namespace dataplane {
namespace {

using wire::reload::SignerIdentityType;
using wire::reload::SignerKey;
using wire::shm::SignatureAlgorithm;
using wire::shm::SignerRecord;

SignerKey key(std::uint32_t n) {
  SignerKey out;
  std::memcpy(out.hash.data(), &n, sizeof n);
  out.type = SignerIdentityType::kCertHash;
  return out;
}

/// A refused signer needs no public key; @p expires tells versions of it apart.
SignerRecord refused(std::uint32_t n, std::uint64_t expires = 0) {
  SignerRecord out;
  out.key = key(n);
  out.refused = 1;
  out.expires_unix_s = expires;
  return out;
}

SignerRecord accepted(std::uint32_t n, const crypto::SigningKey& signing,
                      SignatureAlgorithm algorithm) {
  SignerRecord out;
  out.key = key(n);
  out.algorithm = algorithm;
  const auto spki = signing.public_spki();
  out.public_key_length = static_cast<std::uint16_t>(spki.size());
  std::memcpy(out.public_key.data(), spki.data(), spki.size());
  return out;
}

const SignerEntry* look_up(const SignerTable& table, const SignerKey& wanted) {
  const SignerKey* keys[1] = {&wanted};
  const SignerEntry* entries[1] = {nullptr};
  table.find(keys, entries);
  return entries[0];
}

class SignerTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(2);
  std::unique_ptr<SignerTable> table_ = SignerTable::create(16, *quiescence_);
  std::string why_;
};

TEST_F(SignerTableTest, DecodesTheKeyOfAnAcceptedSigner) {
  const auto signing = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  ASSERT_TRUE(table_->upsert(accepted(1, *signing, SignatureAlgorithm::kEd25519), why_)) << why_;
  const SignerEntry* entry = look_up(*table_, key(1));
  ASSERT_NE(entry, nullptr);
  ASSERT_NE(entry->key, nullptr);
  EXPECT_EQ(entry->key->algorithm(), crypto::Algorithm::kEd25519);
  EXPECT_EQ(look_up(*table_, key(2)), nullptr);
}

TEST_F(SignerTableTest, KeepsARefusedSignerWithoutAKey) {
  ASSERT_TRUE(table_->upsert(refused(1), why_)) << why_;
  const SignerEntry* entry = look_up(*table_, key(1));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->key, nullptr);
}

TEST_F(SignerTableTest, TellsIdentityTypesOfOneCertificateApart) {
  SignerRecord other = refused(1);
  other.key.type = SignerIdentityType::kCertHashNodeId;
  ASSERT_TRUE(table_->upsert(other, why_));
  EXPECT_EQ(look_up(*table_, key(1)), nullptr);
  EXPECT_NE(look_up(*table_, other.key), nullptr);
}

TEST_F(SignerTableTest, RefusesKeysThatDoNotDecodeOrAreOfAnotherKind) {
  SignerRecord garbage = refused(1);
  garbage.refused = 0;
  garbage.public_key_length = 44;
  EXPECT_FALSE(table_->upsert(garbage, why_));
  EXPECT_FALSE(why_.empty());
  garbage.public_key_length = wire::shm::kMaxPublicKeyBytes + 1;
  EXPECT_FALSE(table_->upsert(garbage, why_));
  const auto signing = crypto::SigningKey::generate(crypto::Algorithm::kEcdsaP256Sha256);
  EXPECT_FALSE(table_->upsert(accepted(1, *signing, SignatureAlgorithm::kEd25519), why_));
  EXPECT_EQ(why_, "public key is not of the algorithm the record names");
  EXPECT_EQ(table_->size(), 0U);
  EXPECT_EQ(table_->version(), 0U);
}

TEST_F(SignerTableTest, KeepsTheIndexOfASignerWhenItChanges) {
  ASSERT_TRUE(table_->upsert(refused(1), why_));
  ASSERT_TRUE(table_->upsert(refused(2), why_));
  const std::uint32_t index = look_up(*table_, key(2))->index;
  ASSERT_TRUE(table_->upsert(refused(2, 99), why_));
  EXPECT_EQ(look_up(*table_, key(2))->index, index);
  EXPECT_EQ(look_up(*table_, key(2))->record.expires_unix_s, 99U);
  EXPECT_NE(look_up(*table_, key(1))->index, index);
}

TEST_F(SignerTableTest, TheVersionRisesWithChangesOnly) {
  ASSERT_TRUE(table_->upsert(refused(1), why_));
  const std::uint64_t before = table_->version();
  ASSERT_TRUE(table_->upsert(refused(1), why_));
  EXPECT_EQ(table_->version(), before);
  ASSERT_TRUE(table_->upsert(refused(1, 5), why_));
  EXPECT_GT(table_->version(), before);
}

TEST_F(SignerTableTest, FillsUpRefusesMoreAndTakesMoreAfterRemovals) {
  for (std::uint32_t n = 0; n < 16; ++n) ASSERT_TRUE(table_->upsert(refused(n), why_)) << why_;
  EXPECT_FALSE(table_->upsert(refused(16), why_));
  EXPECT_EQ(why_, "signer table is full");
  table_->remove(key(3));
  EXPECT_EQ(look_up(*table_, key(3)), nullptr);
  table_->reclaim();
  EXPECT_TRUE(table_->upsert(refused(16), why_)) << why_;
  std::set<std::uint32_t> indices;
  for (std::uint32_t n = 0; n <= 16; ++n) {
    if (const SignerEntry* entry = look_up(*table_, key(n))) indices.insert(entry->index);
  }
  EXPECT_EQ(indices.size(), 16U) << "no index is given twice";
  EXPECT_LT(*indices.rbegin(), table_->capacity());
}

TEST_F(SignerTableTest, AnIndexIsNotReusedWhileAWorkerMayStillCountUnderIt) {
  quiescence_->online(0);
  for (std::uint32_t n = 0; n < 16; ++n) ASSERT_TRUE(table_->upsert(refused(n), why_));
  table_->remove(key(3));
  table_->reclaim();
  EXPECT_FALSE(table_->upsert(refused(16), why_));
  quiescence_->report(0);
  table_->reclaim();
  EXPECT_TRUE(table_->upsert(refused(16), why_)) << why_;
  quiescence_->offline(0);
}

TEST_F(SignerTableTest, AResyncSweepsWhatWasNotRepeated) {
  for (std::uint32_t n = 0; n < 4; ++n) ASSERT_TRUE(table_->upsert(refused(n), why_));
  table_->mark_all_stale();
  ASSERT_TRUE(table_->upsert(refused(2), why_));
  EXPECT_EQ(table_->size(), 4U);
  table_->sweep_stale();
  EXPECT_EQ(table_->size(), 1U);
  EXPECT_NE(look_up(*table_, key(2)), nullptr);
  EXPECT_EQ(look_up(*table_, key(1)), nullptr);
  table_->sweep_stale();
  EXPECT_EQ(table_->size(), 1U);
}

TEST_F(SignerTableTest, AReaderSeesOnlyWholeEntriesWhileTheyChange) {
  // expires_unix_s repeats the key, so a torn or recycled entry shows.
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> looked_up{0};
  std::atomic<std::uint64_t> wrong{0};
  std::thread reader = tests::unpinned_thread([&] {
    quiescence_->online(1);
    for (std::uint32_t turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
      const std::uint32_t n = turn % 24;
      if (const SignerEntry* entry = look_up(*table_, key(n))) {
        looked_up.fetch_add(1, std::memory_order_relaxed);
        if (entry->record.expires_unix_s % 24 != n || entry->record.key != key(n)) {
          wrong.fetch_add(1, std::memory_order_relaxed);
        }
      }
      quiescence_->report(1);
    }
    quiescence_->offline(1);
  });
  std::uint64_t changed = 0;
  // Until both sides have done enough; the bound only ends a test that hangs.
  for (std::uint32_t i = 0; (i < 20'000 || looked_up.load() < 20'000) && i < 50'000'000; ++i) {
    const std::uint32_t n = i % 24;
    if (i % 3 == 2) {
      table_->remove(key((i * 7) % 24));
    } else if (table_->upsert(refused(n, n + 24ULL * i), why_)) {
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

/// A signer table that tells a pool of its keys; the tables are made by a kernel that only
/// pretends.
class KnownSignersTest : public ::testing::Test {
 protected:
  KnownSignersTest() { quiescence_->online(kReader); }
  ~KnownSignersTest() override { quiescence_->offline(kReader); }

  static constexpr std::uint32_t kSigners = 8;
  static constexpr std::size_t kSlots = 4;

  /// Uses @p n's table @p times and lets the pool do what there is to do.
  void use(std::uint32_t n, unsigned times) {
    for (unsigned i = 0; i < times; ++i) {
      if (const SignerEntry* entry = look_up(table_, key(n))) {
        (void)pool_.table(entry->table_id, kReader);
      }
    }
    quiescence_->report(kReader);
    now_ms_ += crypto::KeyTablePool::kSweepMs;
    while (pool_.step(now_ms_)) {
    }
    table_.reclaim();
  }
  const std::byte* table_of(std::uint32_t n) {
    const SignerEntry* entry = look_up(table_, key(n));
    return entry == nullptr ? nullptr : pool_.table(entry->table_id, kReader);
  }
  [[nodiscard]] bool has_its_table(std::uint32_t n) {
    const std::byte* table = table_of(n);
    return table != nullptr && crypto::test::is_table_of(*look_up(table_, key(n))->key, table);
  }
  void upsert(const SignerRecord& record) { ASSERT_TRUE(table_.upsert(record, why_)) << why_; }

  static constexpr std::uint32_t kReader = 0;
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(1);
  crypto::test::TableMemory memory_{kSlots};
  crypto::KeyTablePool pool_{{.kernel = crypto::test::rig_kernel(),
                              .memory = memory_.span(),
                              .max_signers = 2 * kSigners,
                              .readers = 1,
                              .grace = *quiescence_}};
  std::unique_ptr<SignerTable> owned_ = SignerTable::create(kSigners, *quiescence_, &pool_);
  SignerTable& table_ = *owned_;
  std::unique_ptr<crypto::SigningKey> signing_ =
      crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  std::uint64_t now_ms_ = 1000;
  std::string why_;
};

TEST_F(KnownSignersTest, ASignerThatIsUsedGetsItsTable) {
  upsert(accepted(1, *signing_, SignatureAlgorithm::kEd25519));
  upsert(accepted(2, *signing_, SignatureAlgorithm::kEd25519));
  use(1, 20);
  EXPECT_TRUE(has_its_table(1));
  EXPECT_EQ(table_of(2), nullptr) << "heard never";
  EXPECT_EQ(pool_.statistics().tables, 1U);
}

TEST_F(KnownSignersTest, AnotherEntryOfTheSameKeyKeepsTheTable) {
  SignerRecord record = accepted(1, *signing_, SignatureAlgorithm::kEd25519);
  upsert(record);
  use(1, 20);
  const std::byte* const before = table_of(1);
  ASSERT_NE(before, nullptr);
  record.expires_unix_s = 99;
  upsert(record);
  EXPECT_EQ(look_up(table_, key(1))->record.expires_unix_s, 99U);
  EXPECT_EQ(table_of(1), before);
  EXPECT_TRUE(has_its_table(1));
  EXPECT_EQ(pool_.statistics().builds, 1U);
}

TEST_F(KnownSignersTest, ANewKeyOfASignerHasNoTableUntilItsOwnIsBuilt) {
  upsert(accepted(1, *signing_, SignatureAlgorithm::kEd25519));
  use(1, 20);
  const SignerEntry* const old = look_up(table_, key(1));
  const std::byte* const old_table = table_of(1);
  const auto other = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  upsert(accepted(1, *other, SignatureAlgorithm::kEd25519));
  EXPECT_EQ(table_of(1), nullptr);
  // A worker in the middle of a turn still has the old entry: key and table stay what they were.
  EXPECT_TRUE(crypto::test::is_table_of(*old->key, old_table));
  for (unsigned n = 0; n < 20; ++n) (void)pool_.step(now_ms_ += crypto::KeyTablePool::kSweepMs);
  EXPECT_TRUE(crypto::test::is_table_of(*old->key, old_table));
  use(1, 20);
  use(1, 20);
  EXPECT_TRUE(has_its_table(1));
  EXPECT_EQ(pool_.statistics().builds, 2U);
  EXPECT_EQ(pool_.statistics().used_bytes, crypto::test::kRigTableBytes) << "the old one is free";
}

TEST_F(KnownSignersTest, ARemovedOrRefusedSignerGivesItsTableBack) {
  for (std::uint32_t n = 1; n <= 2; ++n) {
    upsert(accepted(n, *signing_, SignatureAlgorithm::kEd25519));
    use(n, 20);
  }
  EXPECT_EQ(pool_.statistics().tables, 2U);
  table_.remove(key(1));
  upsert(refused(2));
  EXPECT_EQ(pool_.statistics().tables, 0U);
  EXPECT_EQ(look_up(table_, key(2))->table_id, crypto::KeyTablePool::kNoSigner);
  use(3, 0);
  EXPECT_EQ(pool_.statistics().used_bytes, 0U);
}

TEST_F(KnownSignersTest, NamesLastForAsManyChangesAsTheTableTakes) {
  for (std::uint32_t n = 0; n < kSigners; ++n) {
    upsert(accepted(n, *signing_, SignatureAlgorithm::kEd25519));
  }
  // Every signer changes its key while the worker lets go of nothing: each has a name all the same.
  const auto other = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
  for (std::uint32_t n = 0; n < kSigners; ++n) {
    upsert(accepted(n, *other, SignatureAlgorithm::kEd25519));
    EXPECT_NE(look_up(table_, key(n))->table_id, crypto::KeyTablePool::kNoSigner) << n;
  }
}

TEST_F(KnownSignersTest, ManySignersHeardOnceTakeNoTableFromTheHotOnes) {
  for (std::uint32_t n = 0; n < kSigners; ++n) {
    upsert(accepted(n, *signing_, SignatureAlgorithm::kEd25519));
  }
  for (std::uint32_t n = 0; n < kSlots; ++n) use(n, 100);
  ASSERT_EQ(pool_.statistics().tables, kSlots);
  for (unsigned round = 0; round < 200; ++round) {
    // A signer comes, says one thing, and goes for the next one.
    const std::uint32_t stranger = kSlots + round % (kSigners - kSlots);
    use(stranger, 1);
    table_.remove(key(stranger));
    use(0, 1);  // also lets the reader forget it
    upsert(accepted(stranger, *signing_, SignatureAlgorithm::kEd25519));
    for (std::uint32_t n = 0; n < kSlots; ++n) use(n, 1);
  }
  for (std::uint32_t n = 0; n < kSlots; ++n) EXPECT_TRUE(has_its_table(n)) << n;
  EXPECT_EQ(pool_.statistics().evictions, 0U);
  EXPECT_EQ(pool_.statistics().builds, kSlots);
}

}  // namespace
}  // namespace dataplane
