// SPDX-License-Identifier: Apache-2.0
// The ciphers of links agree with OpenSSL, refuse what was touched, and leave refused bytes as they
// came.
#include "crypto/link_cipher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "tests/support/evp_aead.h"

namespace {

using namespace crypto;
using Bytes = std::vector<std::byte>;

constexpr AeadCipher kCiphers[] = {AeadCipher::kAes128Gcm, AeadCipher::kAes256Gcm,
                                   AeadCipher::kChaCha20Poly1305};

Bytes random_bytes(std::mt19937_64& random, std::size_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// A job with everything it borrows.
struct Case {
  AeadCipher cipher;
  Bytes key;
  LinkKey expanded;
  Bytes plaintext;
  Bytes sealed;  // as OpenSSL has it
  Bytes buffer;  // with a byte on each side that nobody may touch
  AeadJob job{};

  Case(const LinkCipher& with, AeadCipher which, std::size_t bytes, std::mt19937_64& random)
      : cipher(which),
        key(random_bytes(random, tests::key_bytes(which))),
        plaintext(random_bytes(random, bytes)) {
    const Bytes nonce = random_bytes(random, kAeadNonceBytes);
    const Bytes aad = random_bytes(random, kRecordAadBytes);
    std::copy(nonce.begin(), nonce.end(), job.nonce.begin());
    std::copy(aad.begin(), aad.end(), job.aad.begin());
    EXPECT_TRUE(with.expand(which, key, std::span(nonce).first(tests::iv_bytes(which)), expanded));
    sealed = tests::evp_seal(which, key, job.nonce, job.aad, plaintext);
    buffer.assign(sealed.size() + 2, std::byte{0x5a});
    job.key = &expanded;
    job.text = buffer.data() + 1;
    job.bytes = bytes;
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  void load(const Bytes& content) { std::copy(content.begin(), content.end(), job.text); }
  [[nodiscard]] bool holds(const Bytes& content) const {
    return std::equal(content.begin(), content.end(), job.text);
  }
  [[nodiscard]] bool edges_untouched() const {
    return buffer.front() == std::byte{0x5a} && buffer.back() == std::byte{0x5a};
  }
};

class LinkCipherTest : public testing::Test {
 protected:
  LinkCipherTest() : cipher_(LinkCipher::create(error_)) {}
  void SetUp() override { ASSERT_NE(cipher_, nullptr) << error_; }
  std::uint64_t open(const AeadJob& job) { return cipher_->open({&job, 1}); }
  std::uint64_t seal(const AeadJob& job) { return cipher_->seal({&job, 1}); }

  std::string error_;
  std::unique_ptr<LinkCipher> cipher_;
  std::mt19937_64 random_{20260427};
};

TEST_F(LinkCipherTest, AgreesWithOpenSslAtEveryLength) {
  for (const AeadCipher cipher : kCiphers) {
    for (std::size_t bytes = 0; bytes <= 2000; ++bytes) {
      Case one(*cipher_, cipher, bytes, random_);
      one.load(one.plaintext);
      ASSERT_EQ(seal(one.job), 1U);
      ASSERT_TRUE(one.holds(one.sealed)) << bytes;
      ASSERT_EQ(open(one.job), 1U) << bytes;
      ASSERT_TRUE(one.holds(one.plaintext)) << bytes;
      ASSERT_TRUE(one.edges_untouched()) << bytes;
    }
  }
}

TEST_F(LinkCipherTest, RefusesEveryFlippedBitAndLeavesTheBytesAsTheyCame) {
  for (const AeadCipher cipher : kCiphers) {
    Case one(*cipher_, cipher, 45, random_);
    for (std::size_t bit = 0; bit < 8 * one.sealed.size(); ++bit) {
      Bytes touched = one.sealed;
      touched[bit / 8] ^= std::byte{1} << (bit % 8);
      one.load(touched);
      ASSERT_EQ(open(one.job), 0U) << bit;
      ASSERT_TRUE(one.holds(touched)) << bit;
    }
    one.load(one.sealed);
    for (std::size_t bit = 0; bit < 8 * (kRecordAadBytes + kAeadNonceBytes); ++bit) {
      AeadJob job = one.job;
      std::byte& byte =
          bit / 8 < kRecordAadBytes ? job.aad[bit / 8] : job.nonce[bit / 8 - kRecordAadBytes];
      byte ^= std::byte{1} << (bit % 8);
      ASSERT_EQ(open(job), 0U) << bit;
      ASSERT_TRUE(one.holds(one.sealed)) << bit;
    }
    EXPECT_EQ(open(one.job), 1U) << "refusing must not spoil it";
    EXPECT_TRUE(one.holds(one.plaintext));
  }
}

TEST_F(LinkCipherTest, AnotherKeyLeavesTheRecordForItsOwn) {
  for (const AeadCipher sealed_with : kCiphers) {
    Case one(*cipher_, sealed_with, 300, random_);
    one.load(one.sealed);
    for (const AeadCipher other : kCiphers) {
      const Case stranger(*cipher_, other, 0, random_);
      AeadJob job = one.job;
      job.key = &stranger.expanded;
      EXPECT_EQ(open(job), 0U);
      EXPECT_TRUE(one.holds(one.sealed));
    }
    EXPECT_EQ(open(one.job), 1U);
    EXPECT_TRUE(one.holds(one.plaintext));
  }
}

TEST_F(LinkCipherTest, AVerdictDependsOnItsOwnJobOnly) {
  for (unsigned round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Case>> cases;
    std::vector<AeadJob> jobs;
    std::uint64_t good = 0;
    for (std::size_t i = 0; i < LinkCipher::kMaxJobs; ++i) {
      cases.push_back(
          std::make_unique<Case>(*cipher_, kCiphers[random_() % 3], random_() % 1500, random_));
      Case& one = *cases.back();
      one.load(one.sealed);
      if (random_() % 3 != 0) {
        good |= std::uint64_t{1} << i;
      } else {
        one.sealed[random_() % one.sealed.size()] ^= std::byte{0x10};
        one.load(one.sealed);
      }
      jobs.push_back(one.job);
    }
    EXPECT_EQ(cipher_->open(jobs), good);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      EXPECT_TRUE(cases[i]->holds((good >> i & 1U) != 0 ? cases[i]->plaintext : cases[i]->sealed));
      EXPECT_TRUE(cases[i]->edges_untouched());
    }
  }
}

TEST_F(LinkCipherTest, SealsAFullBatchOfAllCiphers) {
  std::vector<std::unique_ptr<Case>> cases;
  std::vector<AeadJob> jobs;
  for (std::size_t i = 0; i < LinkCipher::kMaxJobs; ++i) {
    cases.push_back(std::make_unique<Case>(*cipher_, kCiphers[i % 3], 7 * i, random_));
    cases.back()->load(cases.back()->plaintext);
    jobs.push_back(cases.back()->job);
  }
  EXPECT_EQ(cipher_->seal(jobs), ~std::uint64_t{0});
  for (const auto& one : cases) EXPECT_TRUE(one->holds(one->sealed));
  EXPECT_EQ(cipher_->seal({}), 0U);
  EXPECT_EQ(cipher_->open({}), 0U);
}

TEST_F(LinkCipherTest, RefusesKeysOfTheWrongSize) {
  LinkKey key;
  const Bytes bytes(33, std::byte{7});
  for (const AeadCipher cipher : kCiphers) {
    const std::size_t key_bytes = tests::key_bytes(cipher);
    const std::size_t iv_bytes = tests::iv_bytes(cipher);
    const auto expand = [&](std::size_t key_size, std::size_t iv_size) {
      return cipher_->expand(cipher, std::span(bytes).first(key_size),
                             std::span(bytes).first(iv_size), key);
    };
    EXPECT_TRUE(expand(key_bytes, iv_bytes));
    EXPECT_EQ(key.cipher(), cipher);
    EXPECT_EQ(key.iv()[iv_bytes - 1], std::byte{7});
    EXPECT_EQ(key.iv()[kAeadNonceBytes - 1], iv_bytes == 12 ? std::byte{7} : std::byte{0});
    for (const std::size_t wrong : {std::size_t{0}, key_bytes - 1, key_bytes + 1}) {
      EXPECT_FALSE(expand(wrong, iv_bytes)) << wrong;
    }
    EXPECT_FALSE(expand(key_bytes, iv_bytes + 1));
    EXPECT_EQ(key.cipher(), cipher) << "a refusal changes nothing";
  }
  EXPECT_FALSE(cipher_->expand(static_cast<AeadCipher>(3), bytes, bytes, key));
}

TEST_F(LinkCipherTest, AKeyIsWipedWhenItGoes) {
  alignas(LinkKey) std::array<std::byte, sizeof(LinkKey)> storage;
  storage.fill(std::byte{0});
  auto* const key = new (storage.data()) LinkKey;
  const Bytes bytes = random_bytes(random_, 16);
  ASSERT_TRUE(cipher_->expand(AeadCipher::kAes128Gcm, bytes, std::span(bytes).first(4), *key));
  EXPECT_NE(std::search(storage.begin(), storage.end(), bytes.begin(), bytes.end()), storage.end());
  key->~LinkKey();
  constexpr std::size_t kSecret = sizeof(LinkKey) - 4;  // the rest names the cipher
  EXPECT_EQ(std::count(storage.begin(), storage.begin() + kSecret, std::byte{0}), kSecret);
}

TEST_F(LinkCipherTest, KeysOfOneCipherServeAnother) {
  Case one(*cipher_, AeadCipher::kAes128Gcm, 100, random_);
  std::string error;
  const auto second = LinkCipher::create(error);
  ASSERT_NE(second, nullptr) << error;
  one.load(one.sealed);
  EXPECT_EQ(second->open({&one.job, 1}), 1U);
}

}  // namespace
