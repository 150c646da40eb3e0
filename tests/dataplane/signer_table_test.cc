// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "crypto/signing_key.h"
#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
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

}  // namespace
}  // namespace dataplane
