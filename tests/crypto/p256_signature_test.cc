// SPDX-License-Identifier: Apache-2.0
// DER signatures: what decode_p256_signature takes is what OpenSSL's EVP takes.

#include "crypto/kernels/p256_signature.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/crypto/p256_reference.h"

namespace crypto::test {
namespace {

const P256Signer& one_signer() {
  static const P256Signer kSigner;
  return kSigner;
}

/// Whether EVP's verdict on these bytes can be had from the two numbers we decode: it must be, if
/// we decode any, the verdict on their proper encoding, and *bad* if we do not.
void expect_agreement(const Bytes& der, const Bytes& hash) {
  P256Signature signature;
  const bool decoded = decode_p256_signature(der, signature);
  const bool accepted = openssl_accepts(one_signer(), der, hash);
  if (!decoded) {
    EXPECT_FALSE(accepted) << "refused what OpenSSL accepts, " << der.size() << " bytes";
    return;
  }
  const Bytes r(signature.r, signature.r + 32);
  const Bytes s(signature.s, signature.s + 32);
  EXPECT_EQ(der_of(r, s), der) << "decoded what is not the one encoding";
  EXPECT_EQ(accepted, openssl_accepts({&one_signer(), r, s, hash}));
}

TEST(P256SignatureTest, DecodesNumbersOfEveryLength) {
  for (std::size_t r_length = 0; r_length <= 32; ++r_length) {
    for (std::size_t s_length = 0; s_length <= 32; ++s_length) {
      for (const std::byte first : {std::byte{0x01}, std::byte{0x7f}, std::byte{0x80}}) {
        Bytes r(32);
        Bytes s(32);
        std::fill(r.end() - static_cast<long>(r_length), r.end(), first);
        std::fill(s.end() - static_cast<long>(s_length), s.end(), first);
        P256Signature signature;
        ASSERT_TRUE(decode_p256_signature(der_of(r, s), signature)) << r_length << ", " << s_length;
        EXPECT_EQ(Bytes(signature.r, signature.r + 32), r);
        EXPECT_EQ(Bytes(signature.s, signature.s + 32), s);
      }
    }
  }
}

TEST(P256SignatureTest, RefusesOtherEncodings) {
  constexpr const char* kBad[] = {
      "",
      "30",
      "3000",
      "3003020101",
      "300602010102",
      "30060201010201",
      "3006020101020101ff",  // a byte behind the sequence
      "3007020101020101ff",  // a byte behind the integers, inside
      "3007020101020101",    // sequence longer than what is there
      "3005020101020101",    // and shorter
      "3106020101020101",    // SET
      "3006030101020101",    // not an INTEGER
      "3006020101030101",
      "3006020181020101",  // negative
      "3006020101020180",
      "300702020001020101",  // a 0 too many
      "300702020000020101",
      "300702010102020001",
      "30050200020101",  // no octets
      "30050201010200",
      "308106020101020101",  // length in a form that is too long
      "30820006020101020101",
      "3080020101020101",  // indefinite length
      "30800201010201010000",
      "300702810101020101",
      "3007020101028101010",
      "3028022201000000000000000000000000000000000000000000000000000000000000000000"
      "0000020101",  // 34 octets
      "30260221010000000000000000000000000000000000000000000000000000000000000000"
      "020101",  // 2^256
  };
  for (const char* hex : kBad) {
    P256Signature signature;
    const Bytes der = from_hex(hex);
    EXPECT_FALSE(decode_p256_signature(der, signature)) << hex;
    EXPECT_FALSE(openssl_accepts(one_signer(), der, Bytes(32))) << hex;
  }
}

TEST(P256SignatureTest, AgreesOnEveryBitFlipAndEveryLength) {
  const P256Case good = signed_case(one_signer(), text("flipped"));
  const Bytes der = der_of(good.r, good.s);
  ASSERT_TRUE(openssl_accepts(one_signer(), der, good.hash));
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    Bytes flipped = der;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    expect_agreement(flipped, good.hash);
  }
  for (std::size_t length = 0; length < der.size() + 70; ++length) {
    Bytes cut = der;
    cut.resize(length);
    expect_agreement(cut, good.hash);
    if (length < 2) continue;
    cut[1] = static_cast<std::byte>(length - 2);
    expect_agreement(cut, good.hash);
  }
}

TEST(P256SignatureTest, AgreesOnRandomMutations) {
  std::mt19937 random(3);
  std::size_t decoded = 0;
  for (int i = 0; i < 6000; ++i) {
    P256Case good = signed_case(one_signer(), text("mutated"));
    if (i % 3 == 0) std::fill_n(good.s.begin(), random() % 33, std::byte{0});  // short numbers
    Bytes der = der_of(good.r, good.s);
    for (auto times = 1 + random() % 3; times > 0 && !der.empty(); --times) {
      // Mostly where the structure is: tags, lengths, first octets.
      const std::size_t structure[] = {
          0, 1, 2, 3, 4, 5, 4U + std::to_integer<std::size_t>(der[3 % der.size()])};
      const std::size_t at =
          (random() % 2 == 0 ? structure[random() % 7] + random() % 3 : random()) % der.size();
      const auto byte = static_cast<std::byte>(random() % 2 == 0 ? random() : random() % 4 * 0x40);
      switch (random() % 4) {
        case 0:
          der[at] = byte;
          break;
        case 1:
          der.insert(der.begin() + static_cast<long>(at), byte);
          break;
        case 2:
          der.erase(der.begin() + static_cast<long>(at));
          break;
        default:
          der[at] = static_cast<std::byte>(std::to_integer<unsigned>(der[at]) + 1);
          break;
      }
      if (der.size() > 2 && random() % 2 == 0) der[1] = static_cast<std::byte>(der.size() - 2);
    }
    P256Signature signature;
    decoded += decode_p256_signature(der, signature);
    expect_agreement(der, good.hash);
  }
  EXPECT_GT(decoded, 300U);
  EXPECT_LT(decoded, 5700U);
}

}  // namespace
}  // namespace crypto::test
