// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash_batch.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <random>
#include <vector>

#include "tests/crypto/reference.h"

namespace crypto::test {
namespace {

constexpr std::byte kUntouched{0xa5};

Bytes openssl_digest(const EVP_MD* algorithm, std::span<const std::byte> bytes) {
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(algorithm)));
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                       nullptr, algorithm, nullptr),
            1);
  return digest;
}

/// Both hashes of every message, each between bytes that must stay.
void expect_right(HashBatch& batch, const std::vector<Bytes>& messages) {
  for (const bool long_one : {true, false}) {
    const EVP_MD* const algorithm = long_one ? EVP_sha512() : EVP_sha256();
    const std::size_t size = long_one ? 64 : 32;
    std::vector<Bytes> digests(messages.size(), Bytes(size + 2, kUntouched));
    std::vector<HashBatch::Message> jobs;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      jobs.push_back({messages[i], digests[i].data() + 1});
    }
    if (long_one) {
      batch.sha512(jobs);
    } else {
      batch.sha256(jobs);
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const Bytes expected = openssl_digest(algorithm, messages[i]);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), digests[i].begin() + 1))
          << "message " << i << " of " << messages.size() << ", " << messages[i].size() << " bytes";
      EXPECT_EQ(digests[i].front(), kUntouched);
      EXPECT_EQ(digests[i].back(), kUntouched);
    }
  }
}

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(HashBatch, AgreesWithOpenSslOnEveryLengthAroundTheBlocks) {
  const auto batch = HashBatch::create();
  ASSERT_NE(batch, nullptr);
  std::mt19937 random(1);
  for (std::size_t length = 0; length < 600; ++length) {
    expect_right(*batch, std::vector<Bytes>(5, random_bytes(random, length)));
  }
  expect_right(*batch, std::vector<Bytes>(9, random_bytes(random, HashBatch::kMaxBytes)));
}

TEST(HashBatch, AgreesWithOpenSslInBatchesOfEverySizeAndMixedLengths) {
  const auto batch = HashBatch::create();
  ASSERT_NE(batch, nullptr);
  std::mt19937 random(2);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t count = 0; count <= HashBatch::kMaxMessages; ++count) {
      std::vector<Bytes> messages;
      for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(random_bytes(random, random() % (HashBatch::kMaxBytes + 1)));
      }
      expect_right(*batch, messages);
    }
  }
}

}  // namespace
}  // namespace crypto::test
