// SPDX-License-Identifier: Apache-2.0
// Verdicts of the RSA lanes against OpenSSL's EVP.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/crypto/rsa_reference.h"

namespace crypto::test {
namespace {

struct Case {
  const RsaSigner* signer;
  Bytes message;
  Bytes signature;
};

/// The lanes' verdicts on @p cases, all of one size class and at most 64.
std::vector<Verdict> verdicts_of(const std::vector<Case>& cases) {
  std::vector<Bytes> digests;
  std::vector<avx512ifma::RsaCheck> checks;
  for (const Case& one : cases) digests.push_back(sha256(one.message));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(cases[i].signature.size(), cases[i].signer->key.bytes);
    checks.push_back({&cases[i].signer->key, cases[i].signature.data(), digests[i].data()});
  }
  bool valid[avx512ifma::kRsaMaxChecks];
  avx512ifma::rsa_verify(checks.data(), static_cast<std::uint32_t>(checks.size()), valid);
  std::vector<Verdict> verdicts;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    verdicts.push_back(valid[i] ? Verdict::kValid : Verdict::kBadSignature);
  }
  return verdicts;
}

Verdict openssl(const Case& one) {
  return openssl_verdict(one.signer->spki, one.message, one.signature);
}

/// Asks both about all of @p cases, however many, and returns how many are valid. The lanes are
/// asked in full passes and about each case alone, which takes other registers.
std::size_t agreed(const std::vector<Case>& cases) {
  std::size_t valid = 0;
  for (std::size_t begin = 0; begin < cases.size(); begin += avx512ifma::kRsaMaxChecks) {
    const std::size_t end = std::min<std::size_t>(begin + avx512ifma::kRsaMaxChecks, cases.size());
    const std::vector<Case> some(cases.begin() + static_cast<long>(begin),
                                 cases.begin() + static_cast<long>(end));
    const auto verdicts = verdicts_of(some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      EXPECT_EQ(verdicts[i], openssl(some[i])) << "case " << begin + i;
      EXPECT_EQ(verdicts_of({some[i]})[0], verdicts[i]) << "case " << begin + i;
      valid += verdicts[i] == Verdict::kValid;
    }
  }
  return valid;
}

const RsaSigner& rsa2048() {
  static const RsaSigner kSigner(2048);
  return kSigner;
}

TEST_F(RsaLanes, AgreeForEverySizeAndExponent) {
  const struct {
    int bits;
    std::uint64_t exponent;
  } cases[] = {{2048, 3},     {2048, 17},    {2048, 4294967291}, {2048, 0xaaaaaaab}, {2049, 65537},
               {2056, 65537}, {3072, 65537}, {3072, 3},          {4096, 65537}};
  for (const auto& [bits, exponent] : cases) {
    SCOPED_TRACE(testing::Message() << bits << " bits, e = " << exponent);
    const RsaSigner signer(bits, exponent);
    std::vector<Case> checks;
    for (int i = 0; i < 9; ++i) {
      const Bytes message = text("message " + std::to_string(i));
      Case good{&signer, message, sign(signer, message)};
      Case bad = good;
      bad.signature[static_cast<std::size_t>(i) * 25] ^= std::byte{0x10};
      Case other = good;
      other.message.push_back(std::byte{1});
      checks.insert(checks.end(), {good, bad, other});
    }
    EXPECT_EQ(agreed(checks), 9U);
  }
}

TEST_F(RsaLanes, RefuseEverySingleBitFlip) {
  const Bytes message = text("flipped");
  const Bytes good = sign(rsa2048(), message);
  std::vector<Case> checks;
  for (std::size_t bit = 0; bit < 2048; ++bit) {
    checks.push_back({&rsa2048(), message, good});
    checks.back().signature[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  EXPECT_EQ(agreed(checks), 0U);
}

TEST_F(RsaLanes, AgreeOnSignaturesAtTheEndsOfTheRange) {
  for (const int bits : {2048, 2049}) {
    const RsaSigner signer(bits);
    const std::size_t length = signer.key.bytes;
    const Bytes message = text("ends");
    const Bytes good = sign(signer, message);
    Number above = number_of(good);  // the same residue, but not below n
    BN_add(above.get(), above.get(), signer.n.get());
    std::vector<Case> checks;
    const auto add = [&](Bytes signature) {
      checks.push_back({&signer, message, std::move(signature)});
    };
    const auto add_number = [&](const BIGNUM* value) {
      if (BN_num_bytes(value) <= static_cast<int>(length)) add(bytes_of(value, length));
    };
    for (const std::uint64_t word : {0U, 1U, 2U, 3U}) add_number(number(word).get());
    for (const int offset : {-2, -1, 0, 1, 2}) {
      Number near = number();
      BN_copy(near.get(), signer.n.get());
      (offset < 0 ? BN_sub_word : BN_add_word)(near.get(), static_cast<BN_ULONG>(abs(offset)));
      add_number(near.get());
    }
    add_number(above.get());
    add(Bytes(length, std::byte{0xff}));
    add(good);
    EXPECT_EQ(agreed(checks), 1U) << bits;
  }
}

TEST_F(RsaLanes, RefuseTheSameResidueNotBelowTheModulus) {
  // For 2049 bits s + n fits the length nearly always: with 2048 it often does not.
  const RsaSigner signer(2049);
  std::vector<Case> checks;
  for (int i = 0; i < 16; ++i) {
    const Bytes message = text("residue " + std::to_string(i));
    const Bytes good = sign(signer, message);
    Number above = number_of(good);
    for (int times = 0; times < 3; ++times) {
      BN_add(above.get(), above.get(), signer.n.get());
      checks.push_back({&signer, message, bytes_of(above.get(), signer.key.bytes)});
    }
  }
  EXPECT_EQ(agreed(checks), 0U);
}

TEST_F(RsaLanes, AgreeOnEncodingsThatOnlyTheSignerCanForge) {
  const RsaSigner& signer = rsa2048();
  const std::size_t length = signer.key.bytes;
  const Bytes message = text("forged by the signer");
  const Bytes digest = sha256(message);
  const Bytes good = encoded_message(digest_info(digest), length);
  std::vector<Case> checks;
  const auto add = [&](const Bytes& encoded) {
    checks.push_back({&signer, message, signer.raw_sign(encoded)});
  };
  const auto add_info = [&](std::string_view hex_header, bool with_digest = true) {
    Bytes info = from_hex(hex_header);
    if (with_digest) info.insert(info.end(), digest.begin(), digest.end());
    add(encoded_message(info, length));
  };
  add(good);
  // One bit of each byte but the first, whose bits would make it larger than the modulus.
  for (std::size_t i = 1; i < length; ++i) {
    Bytes encoded = good;
    encoded[i] ^= std::byte{0x01};
    add(encoded);
  }
  Bytes encoded = good;
  encoded[1] = std::byte{2};  // block type 2
  add(encoded);
  encoded[1] = std::byte{0};  // block type 0
  std::fill(encoded.begin() + 2, encoded.end() - 52, std::byte{0});
  add(encoded);
  // Padding cut short, what it gains put behind the digest or before it.
  for (const std::size_t shift : {1U, 8U, 100U, 194U}) {
    Bytes early(good.begin() + static_cast<long>(shift), good.end());
    early[0] = std::byte{0};
    early[1] = std::byte{1};
    early.resize(length);
    add(early);
    std::fill(early.end() - static_cast<long>(shift), early.end(), std::byte{0xff});
    add(early);
  }
  Bytes split = good;
  split[20] = std::byte{0};  // ends the padding early
  add(split);
  add_info(
      "302f300b0609608648016503040201"
      "0420");  // no NULL parameters
  add_info(
      "303130"
      "0d06096086480165030402010500"
      "0320");  // BIT STRING
  add_info(
      "3031300d0609608648016503040202"
      "05000420");                             // says SHA-384
  add_info("3021300906052b0e03021a05000414");  // says SHA-1, digest too long
  add_info(
      "30813130"
      "0d060960864801650304020105000420");               // length in two bytes
  add_info("3032300d06096086480165030402010500048120");  // the same inside
  add_info(
      "3033300f06096086480165030402010500"
      "05000420");   // parameters twice
  add_info("");      // the digest alone
  add_info("0420");  // as an OCTET STRING
  add_info("3031300d060960864801650304020105000420", false);
  Bytes longer = digest_info(digest);
  longer.push_back(std::byte{0});  // a byte behind the DigestInfo
  add(encoded_message(longer, length));
  add(Bytes(length));
  EXPECT_EQ(agreed(checks), 1U);
}

TEST_F(RsaLanes, AgreeOnSignaturesThatStartWithZeros) {
  const RsaSigner& signer = rsa2048();
  std::vector<Case> checks;
  for (int i = 0; checks.size() < 4; ++i) {
    const Bytes message = text("leading zero " + std::to_string(i));
    const Bytes signature = sign(signer, message);
    if (signature[0] == std::byte{0}) checks.push_back({&signer, message, signature});
  }
  EXPECT_EQ(agreed(checks), checks.size());
}

TEST_F(RsaLanes, GiveEachCheckItsOwnVerdictInAnyPlaceAndCompany) {
  const RsaSigner a(2048);
  const RsaSigner b(2048, 3);
  const RsaSigner c(2056);
  const RsaSigner d(2048, 4294967291);
  const RsaSigner* const signers[] = {&a, &b, &c, &d, &rsa2048()};
  std::mt19937 random(1);
  std::vector<Case> pool;
  std::vector<Verdict> expected;
  for (std::size_t i = 0; i < avx512ifma::kRsaMaxChecks; ++i) {
    const RsaSigner& signer = *signers[i % 5];
    const Bytes message = text("in company " + std::to_string(i));
    pool.push_back({&signer, message, sign(signer, message)});
    if (random() % 2 == 0) pool.back().signature[random() % 256] ^= std::byte{1};
    expected.push_back(openssl(pool.back()));
  }
  std::vector<std::size_t> order(pool.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int round = 0; round < 3; ++round) {
    for (std::size_t count = 1; count <= pool.size(); ++count) {
      std::shuffle(order.begin(), order.end(), random);
      std::vector<Case> some;
      for (std::size_t i = 0; i < count; ++i) some.push_back(pool[order[i]]);
      const auto verdicts = verdicts_of(some);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(verdicts[i], expected[order[i]]) << "check " << order[i] << " of " << count;
      }
    }
  }
}

TEST_F(RsaLanes, AgreeOnRandomSignatures) {
  std::vector<Case> checks;
  std::mt19937 random(2);
  for (int i = 0; i < 256; ++i) {
    Bytes signature(256);
    for (std::byte& byte : signature) byte = static_cast<std::byte>(random());
    checks.push_back({&rsa2048(), text("noise"), signature});
  }
  EXPECT_EQ(agreed(checks), 0U);
}

}  // namespace
}  // namespace crypto::test
