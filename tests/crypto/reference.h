// SPDX-License-Identifier: Apache-2.0
// What the tests of crypto/ share: OpenSSL asked directly, hex, keys of each algorithm, and the
// suite that runs once for each kernel.

#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/batch_verify.h"
#include "crypto/kernels/select.h"
#include "crypto/known_table.h"
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

/// One way to check signatures: a kernel, and whether jobs bring their signers' tables.
struct Way {
  const KernelTable* kernel;
  bool known;
};

/// A BatchVerifier that gives every job its signer's table when it is to.
class WayVerifier {
 public:
  explicit WayVerifier(const Way& way) : way_(way), batch_(*way.kernel) {}

  void verify(std::span<const VerifyJob> jobs, std::span<Verdict> verdicts) {
    std::vector<VerifyJob> own(jobs.begin(), jobs.end());
    // For this call only: tests free keys, and the next one may get the address.
    std::map<const PublicKey*, KnownTable> tables;
    for (VerifyJob& job : own) {
      if (!way_.known) break;
      job.table = is_lasting(job.key)
                      ? lasting_table(job.key)
                      : tables.try_emplace(job.key, *way_.kernel, *job.key).first->second.get();
    }
    batch_.verify(own, verdicts);
  }
  [[nodiscard]] const BatchStatistics& statistics() const { return batch_.statistics(); }

 private:
  /// Of the signers that last as long as the program.
  static bool is_lasting(const PublicKey* key) {
    return key == signer(key->algorithm()).verifying.get();
  }
  const std::byte* lasting_table(const PublicKey* key) {
    return lasting_.try_emplace(key, *way_.kernel, *key).first->second.get();
  }
  Way way_;
  BatchVerifier batch_;
  std::map<const PublicKey*, KnownTable> lasting_;
};

/// The verdict on @p job alone, where a kernel may ask OpenSSL, and in company, where it has to use
/// its lanes.
inline Verdict verify_one(WayVerifier& verifier, const VerifyJob& job) {
  auto alone = static_cast<Verdict>(0xff);
  verifier.verify({&job, 1}, {&alone, 1});
  const std::vector<VerifyJob> company(3, job);
  std::vector<Verdict> verdicts(company.size(), static_cast<Verdict>(0xff));
  verifier.verify(company, verdicts);
  for (const Verdict verdict : verdicts) EXPECT_EQ(verdict, alone);
  return alone;
}

/// Tests of this suite run once for each way: every kernel of the build, cold and known.
class EveryKernel : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    const KernelTable& kernel = *GetParam().kernel;
    if (!runs_here(kernel)) {
      GTEST_SKIP() << "this CPU or operating system lacks what kernel " << kernel.name << " needs";
    }
    verifier_ = std::make_unique<WayVerifier>(GetParam());
  }
  WayVerifier& verifier() { return *verifier_; }

 private:
  std::unique_ptr<WayVerifier> verifier_;
};

inline std::vector<Way> every_way() {
  std::vector<Way> ways;
  for (const KernelTable* kernel : all_kernels()) {
    ways.push_back({kernel, false});
    if (kernel->table_bytes(Algorithm::kEd25519) != 0) ways.push_back({kernel, true});
  }
  return ways;
}

inline std::string way_name(const testing::TestParamInfo<Way>& way) {
  return std::string(way.param.kernel->name) + (way.param.known ? "_known" : "");
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

#define HOPSEAL_EVERY_KERNEL(suite)                                                      \
  INSTANTIATE_TEST_SUITE_P(Kernels, suite, testing::ValuesIn(crypto::test::every_way()), \
                           crypto::test::way_name)
