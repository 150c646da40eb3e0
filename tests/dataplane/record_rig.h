// SPDX-License-Identifier: Apache-2.0
// Two ends of an association, with random keys, for tests of the record layer.

#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/record_layer.h"
#include "tests/support/evp_aead.h"

namespace tests::dataplane {

using Bytes = std::vector<std::byte>;
using ::dataplane::OpenedRecord;
using ::dataplane::OpenVerdict;
using ::dataplane::RecordKeys;
using ::dataplane::RecordState;
using ::dataplane::SealVerdict;
using wire::dtls::Aead;
using wire::dtls::ContentType;

inline constexpr Aead kAeads[] = {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305};

inline Bytes random_bytes(std::mt19937_64& random, std::size_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

inline wire::shm::DirectionKeys random_keys(Aead aead, std::mt19937_64& random) {
  wire::shm::DirectionKeys keys;
  for (std::size_t i = 0; i < wire::dtls::key_bytes(aead); ++i) {
    keys.key[i] = static_cast<std::byte>(random());
  }
  for (std::size_t i = 0; i < wire::dtls::iv_bytes(aead); ++i) {
    keys.iv[i] = static_cast<std::byte>(random());
  }
  return keys;
}

/// Ours seals what theirs opens, and the other way round.
struct Association {
  Aead aead;
  wire::shm::DirectionKeys our_keys;
  wire::shm::DirectionKeys their_keys;
  RecordKeys ours_expanded;
  RecordKeys theirs_expanded;
  RecordState ours;
  RecordState theirs;

  Association(const crypto::LinkCipher& cipher, Aead which, std::mt19937_64& random,
              std::uint64_t first_sequence = 1)
      : Association(cipher, which, random_keys(which, random), random_keys(which, random),
                    first_sequence) {}
  Association(const crypto::LinkCipher& cipher, Aead which, const wire::shm::DirectionKeys& our,
              const wire::shm::DirectionKeys& their, std::uint64_t first_sequence)
      : aead(which), our_keys(our), their_keys(their) {
    EXPECT_TRUE(ours_expanded.expand(cipher, {.aead = which, .write = our, .read = their}));
    EXPECT_TRUE(theirs_expanded.expand(cipher, {.aead = which, .write = their, .read = our}));
    ours = RecordState(ours_expanded, first_sequence);
    theirs = RecordState(theirs_expanded, first_sequence);
  }
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;
};

class RecordRig : public testing::Test {
 protected:
  RecordRig() : cipher_(crypto::LinkCipher::create(error_)) {}
  void SetUp() override { ASSERT_NE(cipher_, nullptr) << error_; }

  /// Room for a record with @p plaintext in its place.
  static Bytes room_for(Aead aead, const Bytes& plaintext) {
    Bytes record(wire::dtls::record_overhead(aead) + plaintext.size(), std::byte{0xcc});
    std::copy(plaintext.begin(), plaintext.end(),
              record.begin() + static_cast<std::ptrdiff_t>(wire::dtls::plaintext_offset(aead)));
    return record;
  }
  Bytes seal(RecordState& state, Aead aead, const Bytes& plaintext,
             ContentType type = ContentType::kApplicationData) {
    Bytes record = room_for(aead, plaintext);
    EXPECT_EQ(seal_in_place(state, record, type), SealVerdict::kSealed);
    return record;
  }
  SealVerdict seal_in_place(RecordState& state, std::span<std::byte> record,
                            ContentType type = ContentType::kApplicationData) {
    const ::dataplane::SealJob job = {&state, type, record};
    SealVerdict verdict{};
    ::dataplane::seal_records(*cipher_, {&job, 1}, {&verdict, 1});
    return verdict;
  }
  OpenedRecord open(std::span<std::byte> bytes, RecordState& newest, RecordState* older = nullptr) {
    const ::dataplane::OpenJob job = {bytes, &newest, older};
    OpenedRecord out{};
    ::dataplane::open_records(*cipher_, {&job, 1}, {&out, 1});
    return out;
  }
  /// Of a copy, so that @p record stays.
  OpenVerdict verdict_of(Bytes record, RecordState& newest, RecordState* older = nullptr) {
    return open(record, newest, older).verdict;
  }

  std::string error_;
  std::unique_ptr<crypto::LinkCipher> cipher_;
  std::mt19937_64 random_{20260428};
};

inline Bytes copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace tests::dataplane
