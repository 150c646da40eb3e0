// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "tests/crypto/reference.h"

namespace crypto::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Owns an EVP_PKEY and gives its SubjectPublicKeyInfo.
struct RawKey {
  explicit RawKey(EVP_PKEY* made) : key(made) { EXPECT_NE(key, nullptr); }
  ~RawKey() { EVP_PKEY_free(key); }
  RawKey(const RawKey&) = delete;
  RawKey& operator=(const RawKey&) = delete;
  [[nodiscard]] Bytes spki() const {
    unsigned char* der = nullptr;
    const int length = i2d_PUBKEY(key, &der);
    EXPECT_GT(length, 0);
    const auto* bytes = reinterpret_cast<const std::byte*>(der);
    Bytes made(bytes, bytes + std::max(length, 0));
    OPENSSL_free(der);
    return made;
  }
  EVP_PKEY* key;
};

/// An RSA public key of exactly @p bits bits; nobody has its private key.
Bytes rsa_spki(int bits, const char* exponent_hex) {
  BIGNUM* modulus = BN_new();
  BIGNUM* exponent = nullptr;
  BN_rand(modulus, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
  BN_hex2bn(&exponent, exponent_hex);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  return RawKey(key).spki();
}

std::string refusal(const Bytes& spki) {
  std::string why;
  EXPECT_EQ(PublicKey::from_spki(spki, why), nullptr);
  return why;
}

Algorithm accepted(const Bytes& spki) {
  std::string why;
  const auto key = PublicKey::from_spki(spki, why);
  EXPECT_NE(key, nullptr) << why;
  EXPECT_THAT(why, IsEmpty());
  return key == nullptr ? Algorithm{} : key->algorithm();
}

TEST(PublicKey, IsReadFromTheSpkiOfEachAlgorithm) {
  for (const Algorithm algorithm : kAlgorithms) {
    EXPECT_EQ(accepted(signer(algorithm).spki), algorithm) << algorithm_name(algorithm);
  }
}

TEST(PublicKey, TakesRsaModuliOf2048To4096Bits) {
  EXPECT_THAT(refusal(rsa_spki(1024, "10001")), HasSubstr("accepted are 2048 to 4096"));
  EXPECT_THAT(refusal(rsa_spki(2047, "10001")), HasSubstr("2047 bits"));
  EXPECT_EQ(accepted(rsa_spki(2048, "10001")), Algorithm::kRsaPkcs1Sha256);
  EXPECT_EQ(accepted(rsa_spki(4096, "10001")), Algorithm::kRsaPkcs1Sha256);
  EXPECT_THAT(refusal(rsa_spki(4097, "10001")), HasSubstr("4097 bits"));
  EXPECT_THAT(refusal(rsa_spki(16384, "10001")), HasSubstr("16384 bits"));
}

TEST(PublicKey, RefusesRsaExponentsThatMakeEveryCheckExpensiveOrMeaningless) {
  EXPECT_EQ(accepted(rsa_spki(2048, "03")), Algorithm::kRsaPkcs1Sha256);
  EXPECT_EQ(accepted(rsa_spki(2048, "ffffffff")), Algorithm::kRsaPkcs1Sha256);
  for (const char* exponent : {"01", "10000", "100000001", "ffffffffffffffffffffffffffffffff"}) {
    EXPECT_THAT(refusal(rsa_spki(2048, exponent)), HasSubstr("exponent")) << exponent;
  }
}

TEST(PublicKey, RefusesOtherKindsOfKeyByName) {
  EXPECT_THAT(refusal(RawKey(EVP_EC_gen("P-384")).spki()), HasSubstr("secp384r1"));
  EXPECT_THAT(refusal(RawKey(EVP_EC_gen("secp256k1")).spki()), HasSubstr("secp256k1"));
  EXPECT_THAT(refusal(RawKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")).spki()),
              HasSubstr("ED448"));
  EXPECT_THAT(refusal(RawKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")).spki()),
              HasSubstr("X25519"));
}

TEST(PublicKey, RefusesRsaKeysThatAreForPssOnly) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_generate(context, &key);
  EVP_PKEY_CTX_free(context);
  EXPECT_THAT(refusal(RawKey(key).spki()), HasSubstr("accepted are RSA"));
}

TEST(PublicKey, RefusesCurveParametersThatAreSpelledOut) {  // RFC 5480 section 2.1.1
  const RawKey key(EVP_EC_gen("P-256"));
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
  EXPECT_THAT(refusal(key.spki()), HasSubstr("P-256"));
}

TEST(PublicKey, RefusesPointsThatAreNotOnTheCurve) {
  const Bytes& good = signer(Algorithm::kEcdsaP256Sha256).spki;
  Bytes off_curve = good;
  off_curve.back() ^= std::byte{1};
  EXPECT_THAT(refusal(off_curve), Not(IsEmpty()));
  // The point at infinity: BIT STRING of one byte 0 behind the same AlgorithmIdentifier.
  const Bytes infinity = from_hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000");
  EXPECT_THAT(refusal(infinity), Not(IsEmpty()));
}

TEST(PublicKey, RefusesWhatIsNotExactlyOneSpki) {
  for (const Algorithm algorithm : kAlgorithms) {
    const Bytes& good = signer(algorithm).spki;
    for (std::size_t length = 0; length < good.size(); ++length) {
      EXPECT_THAT(refusal(Bytes(good.begin(), good.begin() + static_cast<long>(length))),
                  Not(IsEmpty()));
    }
    Bytes longer = good;
    longer.push_back(std::byte{0});
    EXPECT_THAT(refusal(longer), HasSubstr("behind"));
  }
}

TEST(SigningKey, SignsWhatItsPublicKeyVerifies) {
  const Bytes message = text("signed");
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    EXPECT_EQ(openssl_verdict(who.spki, message, who.signing->sign(message)), Verdict::kValid);
    EXPECT_EQ(openssl_verdict(who.spki, {}, who.signing->sign({})), Verdict::kValid);
  }
}

TEST(SigningKey, SurvivesPem) {
  for (const Algorithm algorithm : kAlgorithms) {
    std::string why;
    const auto again = SigningKey::from_pem(signer(algorithm).signing->to_pem(), why);
    ASSERT_NE(again, nullptr) << why;
    EXPECT_EQ(again->algorithm(), algorithm);
    EXPECT_EQ(again->public_spki(), signer(algorithm).spki);
  }
}

TEST(SigningKey, IsReadFromTraditionalPem) {
  BIO* bio = BIO_new(BIO_s_mem());
  const Signer& who = signer(Algorithm::kRsaPkcs1Sha256);
  ASSERT_EQ(
      PEM_write_bio_PrivateKey_traditional(bio, static_cast<EVP_PKEY*>(who.signing->openssl()),
                                           nullptr, nullptr, 0, nullptr, nullptr),
      1);
  char* pem = nullptr;
  const long length = BIO_get_mem_data(bio, &pem);
  const std::string_view traditional(pem, static_cast<std::size_t>(length));
  EXPECT_THAT(std::string(traditional), HasSubstr("BEGIN RSA PRIVATE KEY"));
  std::string why;
  EXPECT_NE(SigningKey::from_pem(traditional, why), nullptr) << why;
  BIO_free(bio);
}

TEST(SigningKey, RefusesAnEncryptedKeyWithoutAskingForThePassphrase) {
  BIO* bio = BIO_new(BIO_s_mem());
  const auto* passphrase = reinterpret_cast<const unsigned char*>("secret");
  ASSERT_EQ(PEM_write_bio_PrivateKey(
                bio, static_cast<EVP_PKEY*>(signer(Algorithm::kEd25519).signing->openssl()),
                EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr),
            1);
  char* pem = nullptr;
  const long length = BIO_get_mem_data(bio, &pem);
  std::string why;
  EXPECT_EQ(SigningKey::from_pem({pem, static_cast<std::size_t>(length)}, why), nullptr);
  EXPECT_THAT(why, HasSubstr("unencrypted"));
  BIO_free(bio);
}

TEST(SigningKey, RefusesGarbageAndOtherKinds) {
  std::string why;
  EXPECT_EQ(SigningKey::from_pem("", why), nullptr);
  EXPECT_EQ(
      SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", why),
      nullptr);
  EXPECT_THAT(why, Not(IsEmpty()));
}

}  // namespace
}  // namespace crypto::test
