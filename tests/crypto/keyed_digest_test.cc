// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyed_digest.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

namespace crypto {
namespace {

using Head = std::array<std::byte, KeyedDigest::kHeadBytes>;
using Bytes = std::vector<std::byte>;
using Pair = std::pair<std::uint64_t, std::uint64_t>;

constexpr std::size_t kBlock = 16;

template <class Range>
void number(Range& range, unsigned first) {
  for (std::byte& byte : range) byte = static_cast<std::byte>(first++ * 37U);
}
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
Pair pair(const KeyedDigest::Value& value) { return {value.low, value.high}; }

/// What the digest is defined as, by OpenSSL.
Pair expected(std::span<const std::byte, KeyedDigest::kSeedBytes> seed, const Head& head,
              std::span<const std::byte> bytes) {
  unsigned char tag[kBlock];
  int length = 0;
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, raw(seed.data()), raw(head.data()));
  EVP_EncryptUpdate(context, nullptr, &length, raw(bytes.data()), static_cast<int>(bytes.size()));
  EVP_EncryptFinal_ex(context, tag, &length);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kBlock, tag), 1);
  for (std::size_t i = 0; i < 8; ++i) tag[i] ^= std::to_integer<unsigned char>(head[12 + i]);
  unsigned char sealed[kBlock];
  EVP_CIPHER_CTX_reset(context);
  EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, raw(seed.data()) + kBlock, nullptr);
  EXPECT_EQ(EVP_EncryptUpdate(context, sealed, &length, tag, kBlock), 1);
  EVP_CIPHER_CTX_free(context);
  Pair out;
  std::memcpy(&out.first, sealed, 8);
  std::memcpy(&out.second, sealed + 8, 8);
  return out;
}

class KeyedDigestTest : public ::testing::Test {
 protected:
  KeyedDigestTest() {
    number(seed_, 5);
    number(head_, 99);
    digest_ = KeyedDigest::create(seed_);
  }
  std::array<std::byte, KeyedDigest::kSeedBytes> seed_;
  Head head_;
  std::unique_ptr<KeyedDigest> digest_;
};

TEST_F(KeyedDigestTest, IsWhatOpenSslMakesOfEveryLengthWhereverItLies) {
  Bytes bytes(2100);
  number(bytes, 1);
  for (std::size_t length = 0; length <= 2048; ++length) {
    const auto part = std::span(bytes).subspan(length % 33, length);
    ASSERT_EQ(pair(digest_->of(head_, part)), expected(seed_, head_, part)) << length;
  }
}

TEST_F(KeyedDigestTest, TakesTheLongestMessage) {
  const Bytes bytes(65536, std::byte{3});
  EXPECT_EQ(pair(digest_->of(head_, bytes)), expected(seed_, head_, bytes));
}

TEST_F(KeyedDigestTest, EveryBitCounts) {
  Bytes bytes(77);
  number(bytes, 1);
  std::set<Pair> seen{pair(digest_->of(head_, bytes))};
  std::size_t made = 1;
  const auto flip_each = [&](std::span<std::byte> part) {
    for (std::size_t bit = 0; bit < 8 * part.size(); ++bit, ++made) {
      part[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      seen.insert(pair(digest_->of(head_, bytes)));
      part[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
  };
  flip_each(bytes);
  flip_each(head_);
  EXPECT_EQ(seen.size(), made);
}

TEST_F(KeyedDigestTest, ZerosAtTheEndCount) {
  const Bytes zeros(64);
  std::set<Pair> seen;
  for (std::size_t length = 0; length <= zeros.size(); ++length) {
    seen.insert(pair(digest_->of(head_, std::span(zeros).first(length))));
  }
  EXPECT_EQ(seen.size(), zeros.size() + 1);
}

TEST_F(KeyedDigestTest, EachPartOfTheSeedAndEachRandomKeyGivesAnother) {
  const Bytes bytes(40);
  std::set<Pair> seen{pair(digest_->of(head_, bytes))};
  for (const std::size_t at : {std::size_t{0}, kBlock}) {
    auto other = seed_;
    other[at] ^= std::byte{1};
    seen.insert(pair(KeyedDigest::create(other)->of(head_, bytes)));
  }
  for (int i = 0; i < 3; ++i) seen.insert(pair(KeyedDigest::create()->of(head_, bytes)));
  EXPECT_EQ(seen.size(), 6U);
}

}  // namespace
}  // namespace crypto
