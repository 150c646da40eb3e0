// SPDX-License-Identifier: Apache-2.0
// Signatures that are encoded in ways nobody signs: where implementations disagree, and where a hop
// that disagreed would partition the overlay (decision 0002).

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>

#include "tests/crypto/reference.h"
#include "tests/crypto/rfc8032_vectors.h"

namespace crypto::test {
namespace {

class SignatureEncodings : public EveryKernel {
 protected:
  /// OpenSSL's verdict, after checking that the kernel gives the same.
  Verdict agreed(const Bytes& spki, const PublicKey& key, const Bytes& message,
                 const Bytes& signature) {
    const Verdict expected = openssl_verdict(spki, message, signature);
    EXPECT_EQ(verify_one(verifier(), job_of(key, message, signature)), expected);
    return expected;
  }
  Verdict agreed(const Signer& who, const Bytes& message, const Bytes& signature) {
    return agreed(who.spki, *who.verifying, message, signature);
  }
};
HOPSEAL_EVERY_KERNEL(SignatureEncodings);

// --- Ed25519 -----------------------------------------------------------------------------------

Bytes ed25519_spki(const Bytes& point) {  // RFC 8410 section 4
  Bytes spki = from_hex("302a300506032b6570032100");
  spki.insert(spki.end(), point.begin(), point.end());
  return spki;
}

Bytes joined(const Bytes& first, const Bytes& second) {
  Bytes both = first;
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

TEST_P(SignatureEncodings, Ed25519GivesTheAnswersOfRfc8032) {
  for (const Ed25519Vector& vector : kRfc8032Vectors) {
    std::string why;
    const Bytes spki = ed25519_spki(from_hex(vector.public_key));
    const auto key = PublicKey::from_spki(spki, why);
    ASSERT_NE(key, nullptr) << why;
    Bytes message = from_hex(vector.message);
    const Bytes signature = from_hex(vector.signature);
    EXPECT_EQ(agreed(spki, *key, message, signature), Verdict::kValid) << vector.name;
    message.push_back(std::byte{0});
    EXPECT_EQ(agreed(spki, *key, message, signature), Verdict::kBadSignature) << vector.name;
  }
}

/// @p signature with @p times the group order added to S, or empty when that is above 2^256.
Bytes with_larger_s(const Bytes& signature, unsigned times) {
  static const Bytes kOrder =
      from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Bytes larger = signature;
  for (unsigned time = 0; time < times; ++time) {
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += std::to_integer<unsigned>(larger[32 + i]) + std::to_integer<unsigned>(kOrder[i]);
      larger[32 + i] = static_cast<std::byte>(carry);
      carry >>= 8U;
    }
    if (carry != 0) return {};
  }
  return larger;
}

TEST_P(SignatureEncodings, Ed25519RefusesEverySNotBelowTheGroupOrder) {
  const Signer& who = signer(Algorithm::kEd25519);
  const Bytes message = text("malleable?");
  const Bytes good = who.signing->sign(message);
  EXPECT_EQ(agreed(who, message, good), Verdict::kValid);
  unsigned tried = 0;
  for (unsigned times = 1; times <= 16; ++times) {
    const Bytes larger = with_larger_s(good, times);
    if (larger.empty()) break;
    EXPECT_EQ(agreed(who, message, larger), Verdict::kBadSignature) << times;
    ++tried;
  }
  EXPECT_GE(tried, 14U);
}

TEST_P(SignatureEncodings, Ed25519RefusesEveryOtherLength) {
  const Signer& who = signer(Algorithm::kEd25519);
  const Bytes message = text("length");
  const Bytes good = who.signing->sign(message);
  for (std::size_t length = 0; length <= 130; ++length) {
    Bytes other = good;
    other.resize(length);
    EXPECT_EQ(agreed(who, message, other),
              length == good.size() ? Verdict::kValid : Verdict::kBadSignature)
        << length;
  }
}

/// The eight points whose order divides 8, then six more encodings of three of them, which RFC 8032
/// section 5.1.3 tells a decoder to refuse: x = 0 with the sign bit, and y not below p.
std::vector<Bytes> small_order_encodings() {
  std::vector<Bytes> points;
  for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "0000000000000000000000000000000000000000000000000000000000000000",
                          "0000000000000000000000000000000000000000000000000000000000000080",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                          "0100000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    points.push_back(from_hex(hex));
  }
  return points;
}

TEST_P(SignatureEncodings, Ed25519AgreesOnPointsOfSmallOrderHoweverTheyAreEncoded) {
  // With A and R of small order and S = 0 the exact equation holds for some messages and the
  // cofactored one for all: both answers must occur, or the test would not tell them apart.
  const auto points = small_order_encodings();
  const Bytes zero(32);
  std::size_t valid = 0;
  std::size_t refused = 0;
  for (const Bytes& a : points) {
    std::string why;
    const Bytes spki = ed25519_spki(a);
    const auto key = PublicKey::from_spki(spki, why);
    ASSERT_NE(key, nullptr) << why;
    for (const Bytes& r : points) {
      for (const char* message : {"0", "1", "2", "3"}) {
        const Verdict verdict = agreed(spki, *key, text(message), joined(r, zero));
        ++(verdict == Verdict::kValid ? valid : refused);
      }
    }
  }
  EXPECT_GT(valid, 20U);
  EXPECT_GT(refused, 20U);
}

TEST_P(SignatureEncodings, Ed25519AgreesOnKeysThatAreNoPoints) {
  const Bytes message = text("no point");
  const Bytes signature = signer(Algorithm::kEd25519).signing->sign(message);
  std::size_t keys = 0;
  for (unsigned y = 2; y < 40; ++y) {  // about every other y is on no point
    Bytes a(32);
    a[0] = static_cast<std::byte>(y);
    std::string why;
    const Bytes spki = ed25519_spki(a);
    const auto key = PublicKey::from_spki(spki, why);
    ASSERT_NE(key, nullptr) << "OpenSSL decodes the point when it verifies";
    EXPECT_EQ(agreed(spki, *key, message, signature), Verdict::kBadSignature);
    ++keys;
  }
  EXPECT_EQ(keys, 38U);
}

// --- ECDSA -------------------------------------------------------------------------------------

/// DER INTEGER, or with @p raw the bytes as they are.
Bytes integer(Bytes magnitude, bool raw = false) {
  while (!raw && magnitude.size() > 1 && magnitude[0] == std::byte{0}) {
    magnitude.erase(magnitude.begin());
  }
  if (!raw && (magnitude[0] & std::byte{0x80}) != std::byte{0}) {
    magnitude.insert(magnitude.begin(), std::byte{0});
  }
  return joined({std::byte{0x02}, static_cast<std::byte>(magnitude.size())}, magnitude);
}

Bytes sequence(const Bytes& content) {
  return joined({std::byte{0x30}, static_cast<std::byte>(content.size())}, content);
}

struct EcdsaNumbers {
  Bytes r;
  Bytes s;
};

EcdsaNumbers decode(const Bytes& der) {
  const auto length_r = std::to_integer<std::size_t>(der[3]);
  const auto at = [&](std::size_t i) { return der.begin() + static_cast<long>(i); };
  return {Bytes(at(4), at(4 + length_r)), Bytes(at(6 + length_r), der.end())};
}

/// A signature whose r and s both have the top bit set, so that both need a padding byte.
EcdsaNumbers padded_numbers(const Signer& who, const Bytes& message) {
  for (;;) {
    const EcdsaNumbers numbers = decode(who.signing->sign(message));
    if (numbers.r.size() == 33 && numbers.s.size() == 33) return numbers;
  }
}

Bytes p256_order() {
  return from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
}

Bytes arithmetic(const Bytes& a, const Bytes& b,
                 int (*operation)(BIGNUM*, const BIGNUM*, const BIGNUM*)) {
  const auto number = [](const Bytes& bytes) {
    return BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                     static_cast<int>(bytes.size()), nullptr);
  };
  BIGNUM* x = number(a);
  BIGNUM* y = number(b);
  operation(x, x, y);
  Bytes result(static_cast<std::size_t>(std::max(BN_num_bytes(x), 1)));
  BN_bn2bin(x, reinterpret_cast<unsigned char*>(result.data()));
  BN_free(x);
  BN_free(y);
  return result;
}

TEST_P(SignatureEncodings, EcdsaTakesBothSignsOfSAsOpenSslDoes) {
  const Signer& who = signer(Algorithm::kEcdsaP256Sha256);
  const Bytes message = text("low s or high s");
  const EcdsaNumbers numbers = decode(who.signing->sign(message));
  const Bytes other = arithmetic(p256_order(), numbers.s, BN_sub);
  EXPECT_EQ(agreed(who, message, sequence(joined(integer(numbers.r), integer(other)))),
            Verdict::kValid);
}

TEST_P(SignatureEncodings, EcdsaRefusesNumbersOutOfRange) {
  const Signer& who = signer(Algorithm::kEcdsaP256Sha256);
  const Bytes message = text("range");
  const auto [r, s] = decode(who.signing->sign(message));
  const Bytes zero(1);
  const Bytes one = {std::byte{1}};
  const Bytes order = p256_order();
  const struct {
    const char* name;
    Bytes r, s;
  } cases[] = {
      {"r is zero", zero, s},
      {"s is zero", r, zero},
      {"both are zero", zero, zero},
      {"r is the order", order, s},
      {"s is the order", r, order},
      {"r plus the order", arithmetic(r, order, BN_add), s},
      {"s plus the order", r, arithmetic(s, order, BN_add)},
      {"both are one", one, one},
      {"s has a hundred bytes", r, Bytes(100, std::byte{0x11})},
  };
  for (const auto& wrong : cases) {
    EXPECT_EQ(agreed(who, message, sequence(joined(integer(wrong.r), integer(wrong.s)))),
              Verdict::kBadSignature)
        << wrong.name;
  }
}

TEST_P(SignatureEncodings, EcdsaRefusesEverythingThatIsNotDer) {
  const Signer& who = signer(Algorithm::kEcdsaP256Sha256);
  const Bytes message = text("distinguished");
  const auto [r, s] = padded_numbers(who, message);
  const Bytes content = joined(integer(r), integer(s));
  const Bytes good = sequence(content);
  ASSERT_EQ(agreed(who, message, good), Verdict::kValid);
  const Bytes zero(1);
  const Bytes bare_r(r.begin() + 1, r.end());
  const Bytes bare_s(s.begin() + 1, s.end());
  const Bytes long_length =
      joined({std::byte{0x30}, std::byte{0x81}, static_cast<std::byte>(content.size())}, content);
  const Bytes indefinite = joined(joined({std::byte{0x30}, std::byte{0x80}}, content), Bytes(2));
  Bytes octet_string = good;
  octet_string[2] = std::byte{0x04};
  Bytes constructed_as_set = good;
  constructed_as_set[0] = std::byte{0x31};
  const struct {
    const char* name;
    Bytes signature;
  } cases[] = {
      {"a byte behind", joined(good, zero)},
      {"a byte behind, inside", sequence(joined(content, zero))},
      {"a third number", sequence(joined(content, integer({std::byte{1}})))},
      {"r negative", sequence(joined(integer(bare_r, true), integer(s)))},
      {"s negative", sequence(joined(integer(r), integer(bare_s, true)))},
      {"r with a needless zero", sequence(joined(integer(joined(zero, r), true), integer(s)))},
      {"s with a needless zero", sequence(joined(integer(r), integer(joined(zero, s), true)))},
      {"r without bytes", sequence(joined(integer({}, true), integer(s)))},
      {"length in the long form", long_length},
      {"indefinite length", indefinite},
      {"r as an octet string", octet_string},
      {"a set", constructed_as_set},
      {"r and s bare", joined(bare_r, bare_s)},
      {"only r", sequence(integer(r))},
      {"an empty sequence", sequence({})},
      {"nothing", {}},
  };
  for (const auto& wrong : cases) {
    EXPECT_EQ(agreed(who, message, wrong.signature), Verdict::kBadSignature) << wrong.name;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(agreed(who, message, Bytes(good.begin(), good.begin() + static_cast<long>(length))),
              Verdict::kBadSignature)
        << "cut to " << length;
  }
}

// --- RSA ---------------------------------------------------------------------------------------

/// The RSA private operation on a whole block, padding and all.
Bytes rsa_private(const Signer& who, const Bytes& block) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(who.signing->openssl()), nullptr);
  EXPECT_EQ(EVP_PKEY_sign_init(context), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
  Bytes signature(block.size());
  std::size_t length = signature.size();
  EXPECT_EQ(EVP_PKEY_sign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                          reinterpret_cast<const unsigned char*>(block.data()), block.size()),
            1);
  EVP_PKEY_CTX_free(context);
  return signature;
}

/// RFC 8017 section 9.2: 00 01 ff.. 00 DigestInfo.
Bytes padded(const Bytes& digest_info, std::size_t size) {
  Bytes block(size - digest_info.size(), std::byte{0xff});
  block[0] = std::byte{0};
  block[1] = std::byte{1};
  block.back() = std::byte{0};
  return joined(block, digest_info);
}

Bytes sha256(const Bytes& message) {
  Bytes hash(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(message.data()), message.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

TEST_P(SignatureEncodings, RsaRefusesEveryOtherLength) {
  const Signer& who = signer(Algorithm::kRsaPkcs1Sha256);
  const Bytes message = text("as long as the modulus");
  const Bytes good = who.signing->sign(message);
  ASSERT_EQ(good.size(), 256U);
  for (const std::size_t length : {0U, 1U, 128U, 255U, 256U, 257U, 512U}) {
    Bytes other = good;
    other.resize(length);
    EXPECT_EQ(agreed(who, message, other),
              length == good.size() ? Verdict::kValid : Verdict::kBadSignature)
        << length;
  }
  EXPECT_EQ(agreed(who, message, joined(Bytes(1), good)), Verdict::kBadSignature);
}

TEST_P(SignatureEncodings, RsaRefusesNumbersNotBelowTheModulus) {
  const Signer& who = signer(Algorithm::kRsaPkcs1Sha256);
  const Bytes message = text("reduced");
  EXPECT_EQ(agreed(who, message, Bytes(256, std::byte{0xff})), Verdict::kBadSignature);
  EXPECT_EQ(agreed(who, message, Bytes(256)), Verdict::kBadSignature);
  Bytes one(256);
  one.back() = std::byte{1};
  EXPECT_EQ(agreed(who, message, one), Verdict::kBadSignature);
}

TEST_P(SignatureEncodings, RsaAgreesOnEveryPadding) {
  const Signer& who = signer(Algorithm::kRsaPkcs1Sha256);
  const Bytes message = text("padding");
  const Bytes digest = sha256(message);
  const Bytes digest_info = joined(from_hex("3031300d060960864801650304020105000420"), digest);
  const Bytes good = padded(digest_info, 256);
  ASSERT_EQ(agreed(who, message, rsa_private(who, good)), Verdict::kValid);

  const auto spoiled = [&](std::size_t at, unsigned value) {
    Bytes block = good;
    block[at] = static_cast<std::byte>(value);
    return block;
  };
  // The short padding of Bleichenbacher's forgery: the digest early, anything behind it.
  Bytes short_padding(256, std::byte{0xaa});
  const Bytes front = padded(digest_info, digest_info.size() + 11);
  std::ranges::copy(front, short_padding.begin());
  const struct {
    const char* name;
    Bytes block;
  } cases[] = {
      {"block type 2", spoiled(1, 2)},
      {"block type 0", spoiled(1, 0)},
      {"a padding byte that is not ff", spoiled(100, 0xfe)},
      {"a zero in the padding", spoiled(100, 0)},
      {"no zero behind the padding", spoiled(255 - digest_info.size(), 0xff)},
      {"another digest", spoiled(255, 0x00 ^ 0x5c ^ std::to_integer<unsigned>(digest[31]))},
      {"short padding", short_padding},
      {"no DigestInfo", padded(digest, 256)},
      {"DigestInfo without NULL",
       padded(joined(from_hex("302f300b0609608648016503040201"), joined(from_hex("0420"), digest)),
              256)},
      {"DigestInfo of SHA-512/256",
       padded(joined(from_hex("3031300d060960864801650304020605000420"), digest), 256)},
      {"DigestInfo with a byte behind", padded(joined(digest_info, Bytes(1)), 256)},
      {"DigestInfo with a long length",
       padded(joined(from_hex("308131300d060960864801650304020105000420"), digest), 256)},
  };
  for (const auto& wrong : cases) {
    EXPECT_EQ(agreed(who, message, rsa_private(who, wrong.block)), Verdict::kBadSignature)
        << wrong.name;
  }
}

}  // namespace
}  // namespace crypto::test
