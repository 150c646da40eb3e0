// SPDX-License-Identifier: Apache-2.0
// What the tests of crypto/ share: OpenSSL asked directly, hex, keys of each algorithm, and the
// suite that runs once for each kernel.

#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/batch_verify.h"
#include "crypto/kernels/select.h"
#include "crypto/signing_key.h"

namespace crypto::test {

using Bytes = std::vector<std::byte>;

inline constexpr std::array<Algorithm, kAlgorithmCount> kAlgorithms = {
    Algorithm::kRsaPkcs1Sha256, Algorithm::kEcdsaP256Sha256, Algorithm::kEd25519};

inline Bytes from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Bytes bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  return bytes;
}

inline Bytes text(std::string_view characters) {
  const auto* bytes = reinterpret_cast<const std::byte*>(characters.data());
  return {bytes, bytes + characters.size()};
}

/// OpenSSL's verdict, asked the plainest way: a key decoded anew and one call over one buffer.
inline Verdict openssl_verdict(std::span<const std::byte> spki, const Bytes& message,
                               std::span<const std::byte> signature) {
  const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const EVP_MD* digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  const bool valid =
      EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return valid ? Verdict::kValid : Verdict::kBadSignature;
}

/// One signer: its private key, and its public key as a job needs it.
struct Signer {
  explicit Signer(Algorithm algorithm) : Signer(SigningKey::generate(algorithm)) {}
  explicit Signer(std::unique_ptr<SigningKey> key) : signing(std::move(key)) {
    std::string why;
    spki = signing->public_spki();
    verifying = PublicKey::from_spki(spki, why);
    EXPECT_NE(verifying, nullptr) << why;
  }
  std::unique_ptr<SigningKey> signing;
  Bytes spki;
  std::unique_ptr<PublicKey> verifying;
};

/// The same signers for a whole test program: making an RSA key takes half a second.
inline const Signer& signer(Algorithm algorithm) {
  static const std::array<Signer, kAlgorithmCount> kSigners = {
      Signer(kAlgorithms[0]), Signer(kAlgorithms[1]), Signer(kAlgorithms[2])};
  return kSigners[static_cast<std::size_t>(algorithm)];
}

inline VerifyJob job_of(const PublicKey& key, std::span<const std::byte> message,
                        std::span<const std::byte> signature) {
  VerifyJob job;
  job.signed_parts[0] = message;
  job.key = &key;
  job.signature = signature;
  return job;
}

inline Verdict verify_one(BatchVerifier& verifier, const VerifyJob& job) {
  auto verdict = static_cast<Verdict>(0xff);
  verifier.verify({&job, 1}, {&verdict, 1});
  return verdict;
}

/// Tests of this suite run once for each kernel of the build.
class EveryKernel : public testing::TestWithParam<const KernelTable*> {
 protected:
  void SetUp() override {
    if (!runs_here(*GetParam())) {
      GTEST_SKIP() << "this CPU or operating system lacks what kernel " << GetParam()->name
                   << " needs";
    }
    verifier_ = std::make_unique<BatchVerifier>(*GetParam());
  }
  BatchVerifier& verifier() { return *verifier_; }

 private:
  std::unique_ptr<BatchVerifier> verifier_;
};

inline std::string kernel_name(const testing::TestParamInfo<const KernelTable*>& kernel) {
  return kernel.param->name;
}

inline const char* describe(Verdict verdict) {
  switch (verdict) {
    case Verdict::kValid:
      return "valid";
    case Verdict::kBadSignature:
      return "bad signature";
    case Verdict::kTooLong:
      return "too long";
  }
  return "not a verdict";
}

}  // namespace crypto::test

namespace crypto {
inline void PrintTo(Verdict verdict, std::ostream* out) { *out << test::describe(verdict); }
}  // namespace crypto

#define HOPSEAL_EVERY_KERNEL(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Kernels, suite, testing::ValuesIn(crypto::all_kernels()), \
                           crypto::test::kernel_name)
