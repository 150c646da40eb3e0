// SPDX-License-Identifier: Apache-2.0
// Verdicts of the Ed25519 lanes against OpenSSL's EVP, with tables and without.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>

#include "crypto/kernels/avx512ifma/ed25519.h"
#include "crypto/kernels/cpu_features.h"
#include "tests/crypto/edwards_reference.h"
#include "tests/crypto/rfc8032_vectors.h"

namespace crypto::test {
namespace {

using avx512ifma::Ed25519Check;

constexpr std::size_t kMaxChecks = 64;

struct Case {
  Bytes key;  ///< 32 bytes, whatever they are
  Bytes message;
  Bytes signature;  ///< 64 bytes
};

Bytes joined(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

bool openssl_says(const Case& one) {
  const auto octets = [](const Bytes& b) {
    return reinterpret_cast<const unsigned char*>(b.data());
  };
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(one.key), 32);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool valid = EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key) == 1 &&
                     EVP_DigestVerify(context, octets(one.signature), one.signature.size(),
                                      octets(one.message), one.message.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return valid;
}

struct FreeTable {
  void operator()(std::byte* table) const { std::free(table); }
};
using Table = std::unique_ptr<std::byte, FreeTable>;

/// A table at an address that is a multiple of 64 and not of 128, filled with noise before.
Table make_table(const Ed25519Key& key) {
  constexpr std::size_t kBytes = avx512ifma::kEd25519TableBytes;
  Table table(static_cast<std::byte*>(std::aligned_alloc(64, (kBytes + 63) / 64 * 64)));
  std::fill_n(table.get(), kBytes, std::byte{0xa5});
  for (std::uint32_t slice = 0; slice < avx512ifma::kEd25519TableSlices; ++slice) {
    avx512ifma::ed25519_build_slice(key, table.get(), slice);
  }
  return table;
}

class Ed25519Lanes : public testing::Test {
 protected:
  void SetUp() override {
    constexpr std::uint32_t kNeeds = kCpuAvx512Ifma | kCpuBmi2;
    if ((cpu_features() & kNeeds) != kNeeds) {
      GTEST_SKIP() << "this CPU or operating system lacks AVX-512 IFMA";
    }
    ASSERT_TRUE(avx512ifma::ed25519_prepare());
  }

  struct Decoded {
    Ed25519Key key;
    Table table;
  };
  const Decoded& decoded(const Bytes& encoded) {
    const auto [at, made] = decoded_.try_emplace(
        std::string(reinterpret_cast<const char*>(encoded.data()), encoded.size()));
    if (made) {
      at->second = std::make_unique<Decoded>();
      decode_ed25519(encoded.data(), at->second->key);
      at->second->table = make_table(at->second->key);
    }
    return *at->second;
  }

  /// What the lanes say on one path about at most 64 cases.
  std::vector<bool> lanes_say(std::span<const Case> cases, bool known) {
    std::vector<Bytes> hashes;
    std::vector<Ed25519Check> checks;
    for (const Case& one : cases) {
      const Bytes r(one.signature.begin(), one.signature.begin() + 32);
      hashes.push_back(sha512({r, one.key, one.message}));
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const Decoded& signer = decoded(cases[i].key);
      checks.push_back({&signer.key, known ? signer.table.get() : nullptr,
                        cases[i].signature.data(), hashes[i].data()});
    }
    bool valid[kMaxChecks];
    const auto count = static_cast<std::uint32_t>(checks.size());
    (known ? avx512ifma::ed25519_verify_known : avx512ifma::ed25519_verify_cold)(checks.data(),
                                                                                 count, valid);
    return std::vector<bool>(valid, valid + count);
  }

  /// Asks all three about all @p cases, however many, and returns how many are valid.
  std::size_t agreed(const std::vector<Case>& cases) {
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < cases.size(); begin += kMaxChecks) {
      const auto some = std::span(cases).subspan(begin, std::min(kMaxChecks, cases.size() - begin));
      const auto known = lanes_say(some, true);
      const auto cold = lanes_say(some, false);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const bool right = openssl_says(some[i]);
        EXPECT_EQ(known[i], right) << "known, case " << begin + i;
        EXPECT_EQ(cold[i], right) << "cold, case " << begin + i;
        count += right ? 1U : 0U;
      }
    }
    return count;
  }

 private:
  std::map<std::string, std::unique_ptr<Decoded>> decoded_;
};

Case signed_case(const Signer& who, std::string_view message) {
  // The raw key is the end of its SubjectPublicKeyInfo (RFC 8410 section 4).
  const Bytes bytes = text(message);
  return {{who.spki.end() - 32, who.spki.end()}, bytes, who.signing->sign(bytes)};
}

TEST_F(Ed25519Lanes, GiveTheRfcsAnswers) {
  std::vector<Case> cases;
  for (const Ed25519Vector& vector : kRfc8032Vectors) {
    cases.push_back(
        {from_hex(vector.public_key), from_hex(vector.message), from_hex(vector.signature)});
  }
  EXPECT_EQ(agreed(cases), std::size(kRfc8032Vectors));
}

TEST_F(Ed25519Lanes, AgreeOnManySignersAndMessages) {
  std::vector<Case> cases;
  for (int i = 0; i < 40; ++i) {
    const Signer who(Algorithm::kEd25519);
    for (int j = 0; j < 8; ++j) cases.push_back(signed_case(who, std::to_string(j)));
    cases.push_back(cases.back());
    cases.back().message.push_back(std::byte{1});
    cases.push_back(cases.front());  // another signer's
    cases.back().key = cases[cases.size() - 3].key;
  }
  EXPECT_EQ(agreed(cases), 40 * 8 + 1U);
}

TEST_F(Ed25519Lanes, RefuseEverySingleBitFlip) {
  const Case good = signed_case(signer(Algorithm::kEd25519), "flipped");
  std::vector<Case> cases;
  for (std::size_t bit = 0; bit < 512; ++bit) {
    cases.push_back(good);
    cases.back().signature[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  EXPECT_EQ(agreed(cases), 0U);
}

TEST_F(Ed25519Lanes, AgreeAtTheEndsOfTheRangeOfS) {
  const Case good = signed_case(signer(Algorithm::kEd25519), "range");
  const Bytes r(good.signature.begin(), good.signature.begin() + 32);
  const Big& order = scalars().modulus();
  std::vector<Case> cases = {good};
  const auto add = [&](const BIGNUM* s) {
    Bytes bytes(32);
    if (BN_bn2lebinpad(s, reinterpret_cast<unsigned char*>(bytes.data()), 32) < 0) return false;
    cases.push_back({good.key, good.message, joined(r, bytes)});
    return true;
  };
  Big s = Big::from_bytes(std::span(good.signature).subspan(32));
  for (;;) {  // S + L, S + 2L, ... below 2^256
    BN_add(s.get(), s.get(), order.get());
    if (!add(s.get())) break;
  }
  for (int distance = -3; distance <= 3; ++distance) {
    Big value;
    BN_copy(value.get(), order.get());
    distance < 0 ? BN_sub_word(value.get(), static_cast<BN_ULONG>(-distance))
                 : BN_add_word(value.get(), static_cast<BN_ULONG>(distance));
    add(value.get());
  }
  for (int bits = 0; bits <= 256; ++bits) {
    Big value;
    if (bits != 0) BN_set_bit(value.get(), bits - 1);
    if (bits != 0) BN_sub_word(value.get(), 1);
    add(value.get());
  }
  Big ones;
  BN_set_bit(ones.get(), 256);
  BN_sub_word(ones.get(), 1);
  EXPECT_TRUE(add(ones.get()));
  EXPECT_GT(cases.size(), 270U);
  EXPECT_EQ(agreed(cases), 1U);
}

/// Encodings of the points whose order divides 8, canonical ones first: multiples 0 to 7 of a point
/// of order 8. Then y >= p and x = 0 with the sign bit.
std::vector<Bytes> small_order_encodings() {
  const EdwardsPoint eighth =
      edwards_decode(from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
  std::vector<Bytes> encodings;
  for (unsigned i = 0; i < 8; ++i) {
    encodings.push_back(edwards_encode(edwards_multiple(i, eighth)));
  }
  for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    encodings.push_back(from_hex(hex));
  }
  return encodings;
}

TEST_F(Ed25519Lanes, AgreeOnPointsOfSmallOrderHoweverTheyAreEncoded) {
  std::vector<Case> cases;
  const Signer& who = signer(Algorithm::kEd25519);
  for (const Bytes& r : small_order_encodings()) {
    for (const char* message : {"0", "1", "2", "3"}) {
      for (const Bytes& a : small_order_encodings()) {
        cases.push_back({a, text(message), joined(r, Bytes(32))});
      }
      Case ordinary = signed_case(who, message);
      std::copy(r.begin(), r.end(), ordinary.signature.begin());
      cases.push_back(ordinary);
    }
  }
  const std::size_t valid = agreed(cases);
  EXPECT_GT(valid, 20U);
  EXPECT_LT(valid, cases.size() - 20);
}

TEST_F(Ed25519Lanes, AgreeOnKeysAndRWithAPartOfSmallOrder) {
  // A = aB + iT and R = rB + jT with T of order 8: R' = R exactly when i h + j = 0 modulo 8, where
  // h is reduced modulo L first. An implementation that reduces differently gives other verdicts.
  const EdwardsPoint eighth = edwards_decode(small_order_encodings()[1]);
  std::vector<Case> cases;
  for (unsigned i = 0; i < 8; ++i) {
    const BaseMultiple a(100 + i);
    const Bytes key =
        edwards_encode(edwards_sum(edwards_decode(a.encoded), edwards_multiple(i, eighth)));
    for (unsigned j = 0; j < 8; ++j) {
      for (unsigned k = 0; k < 6; ++k) {
        const BaseMultiple r(200 + 8 * j + k);
        const Bytes encoded_r =
            edwards_encode(edwards_sum(edwards_decode(r.encoded), edwards_multiple(j, eighth)));
        const Bytes message = text("mixed " + std::to_string(k));
        const Big h = scalars().reduce(Big::from_bytes(sha512({encoded_r, key, message})));
        const Big s = scalars().add(r.scalar, scalars().mul(h, a.scalar));
        cases.push_back({key, message, joined(encoded_r, s.bytes(32))});
      }
    }
  }
  const std::size_t valid = agreed(cases);  // one in eight
  EXPECT_GT(valid, 20U);
  EXPECT_LT(valid, cases.size() / 2);
}

TEST_F(Ed25519Lanes, AgreeOnKeysThatAreNoPointsOrEncodedOddly) {
  const Case good = signed_case(signer(Algorithm::kEd25519), "odd key");
  std::vector<Case> cases;
  std::size_t no_points = 0;
  const auto add = [&](const Bytes& key) {
    Ed25519Key decoded;
    if (!decode_ed25519(key.data(), decoded)) ++no_points;
    for (const Bytes& r : {Bytes(good.signature.begin(), good.signature.begin() + 32),
                           small_order_encodings()[0], Bytes(32)}) {
      for (const Bytes& s : {Bytes(good.signature.begin() + 32, good.signature.end()), Bytes(32)}) {
        cases.push_back({key, good.message, joined(r, s)});
      }
    }
  };
  for (unsigned low = 0; low < 256; low += low < 24 || low >= 230 ? 1 : 37) {
    for (const std::byte top :
         {std::byte{0x00}, std::byte{0x80}, std::byte{0x7f}, std::byte{0xff}}) {
      Bytes key(32, (top & std::byte{1}) != std::byte{0} ? std::byte{0xff} : std::byte{0});
      key[0] = static_cast<std::byte>(low);
      key[31] = top;
      add(key);
    }
  }
  agreed(cases);
  EXPECT_GT(no_points, 40U);
  EXPECT_GT(cases.size() / 6 - no_points, 40U);
}

TEST_F(Ed25519Lanes, AgreeOnNothingButZerosAndOnes) {
  std::vector<Case> cases;
  for (const std::byte key : {std::byte{0}, std::byte{0xff}}) {
    for (const std::byte r : {std::byte{0}, std::byte{0xff}}) {
      for (const std::byte s : {std::byte{0}, std::byte{0xff}}) {
        for (const char* message : {"", "x"}) {
          cases.push_back({Bytes(32, key), text(message), joined(Bytes(32, r), Bytes(32, s))});
        }
      }
    }
  }
  agreed(cases);
}

TEST_F(Ed25519Lanes, JudgeEachCheckByItselfWhereverItStands) {
  std::mt19937 random(7);
  std::vector<Case> cases;
  std::vector<bool> expected;
  const EdwardsPoint eighth = edwards_decode(small_order_encodings()[1]);
  const Signer other(Algorithm::kEd25519);
  for (int i = 0; i < 64; ++i) {
    Case one = signed_case(i % 3 == 0 ? other : signer(Algorithm::kEd25519), std::to_string(i));
    if (i % 4 == 1) one.signature[static_cast<std::size_t>(random() % 64)] ^= std::byte{4};
    if (i % 16 == 6) {  // their even h need one more addition than their neighbours' do
      one.key = edwards_encode(edwards_sum(edwards_decode(one.key), eighth));
    }
    expected.push_back(openssl_says(one));
    cases.push_back(std::move(one));
  }
  EXPECT_GE(std::count(expected.begin(), expected.end(), true), 40);
  std::vector<std::size_t> order(cases.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t count = 1; count <= cases.size(); ++count) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Case> some;
    for (std::size_t i = 0; i < count; ++i) some.push_back(cases[order[i]]);
    for (const bool known : {true, false}) {
      const auto verdicts = lanes_say(some, known);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(verdicts[i], expected[order[i]]) << "of " << count << ", at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace crypto::test
