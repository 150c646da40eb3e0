// SPDX-License-Identifier: Apache-2.0
// Signatures per second: every kernel at every batch size, beside OpenSSL called once per signature
// in the same run. Compare lines of one run only: the machine's speed changes between runs.
//
//   openssl/algorithm:ed25519/signers:64        the reference: EVP, key decoded once, parts joined
//   verify_batch/algorithm:ed25519/kernel:portable/batch:16/signers:64
//
// Messages have 200 signed bytes in four parts, as a small Ping has; every job of the rotation has
// its own message and signature, so that no cache of results could help.

#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "crypto/batch_verify.h"
#include "crypto/kernels/select.h"
#include "crypto/signing_key.h"

namespace {

using namespace crypto;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kSigners = 64;
constexpr std::size_t kMessagesPerSigner = 4;
// overlay, transaction_id, MessageContents, SignerIdentity (RFC 6940 section 6.3.4).
constexpr std::array<std::size_t, kMaxSignedParts> kPartBytes = {4, 8, 152, 36};
constexpr std::size_t kSignedBytes = 200;
// RSA keys take a tenth of a second each to make.
constexpr std::size_t kRsaSigners = 8;

struct Signed {
  Bytes message;
  Bytes signature;
  const PublicKey* key = nullptr;

  [[nodiscard]] VerifyJob job() const {
    VerifyJob job;
    std::size_t at = 0;
    for (std::size_t part = 0; part < kMaxSignedParts; ++part) {
      job.signed_parts[part] = std::span(message).subspan(at, kPartBytes[part]);
      at += kPartBytes[part];
    }
    job.key = key;
    job.signature = signature;
    return job;
  }
};

/// What one algorithm's benchmarks verify: signers in rotation, as on a backbone.
struct Traffic {
  std::vector<std::unique_ptr<PublicKey>> keys;
  std::vector<Signed> messages;

  explicit Traffic(Algorithm algorithm) {
    const std::size_t signers = algorithm == Algorithm::kRsaPkcs1Sha256 ? kRsaSigners : kSigners;
    std::vector<std::unique_ptr<SigningKey>> signing;
    std::string why;
    for (std::size_t i = 0; i < signers; ++i) {
      signing.push_back(SigningKey::generate(algorithm));
      keys.push_back(PublicKey::from_spki(signing.back()->public_spki(), why));
    }
    for (std::size_t i = 0; i < signers * kMessagesPerSigner; ++i) {
      Signed one;
      one.message.assign(kSignedBytes, static_cast<std::byte>(i));
      one.message[0] = static_cast<std::byte>(i >> 8U);
      one.signature = signing[i % signers]->sign(one.message);
      one.key = keys[i % signers].get();
      messages.push_back(std::move(one));
    }
  }
};

const Traffic& traffic(Algorithm algorithm) {
  static std::array<std::unique_ptr<Traffic>, kAlgorithmCount> made;
  auto& one = made[static_cast<std::size_t>(algorithm)];
  if (one == nullptr) one = std::make_unique<Traffic>(algorithm);
  return *one;
}

void openssl(benchmark::State& state, Algorithm algorithm) {
  const auto& messages = traffic(algorithm).messages;
  const char* digest = algorithm == Algorithm::kEd25519 ? nullptr : "SHA256";
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::size_t next = 0;
  for (auto _ : state) {
    const Signed& one = messages[next];
    next = next + 1 == messages.size() ? 0 : next + 1;
    const bool valid =
        EVP_DigestVerifyInit_ex(context, nullptr, digest, nullptr, nullptr,
                                static_cast<EVP_PKEY*>(one.key->openssl()), nullptr) == 1 &&
        EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(one.signature.data()),
                         one.signature.size(),
                         reinterpret_cast<const unsigned char*>(one.message.data()),
                         one.message.size()) == 1;
    EVP_MD_CTX_reset(context);
    if (!valid) state.SkipWithError("OpenSSL refuses a good signature");
  }
  EVP_MD_CTX_free(context);
  state.SetItemsProcessed(state.iterations());
}

void verify_batch(benchmark::State& state, Algorithm algorithm, const KernelTable& kernel,
                  std::size_t batch) {
  const auto& messages = traffic(algorithm).messages;
  BatchVerifier verifier(kernel);
  std::array<VerifyJob, BatchVerifier::kMaxJobs> jobs;
  std::array<Verdict, BatchVerifier::kMaxJobs> verdicts{};
  std::size_t next = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) {
      jobs[i] = messages[next].job();
      next = next + 1 == messages.size() ? 0 : next + 1;
    }
    verifier.verify({jobs.data(), batch}, {verdicts.data(), batch});
    for (std::size_t i = 0; i < batch; ++i) {
      if (verdicts[i] != Verdict::kValid) state.SkipWithError("a good signature is refused");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}

void register_algorithm(Algorithm algorithm) {
  const std::size_t signers = algorithm == Algorithm::kRsaPkcs1Sha256 ? kRsaSigners : kSigners;
  const std::string of = std::string("/algorithm:") + algorithm_name(algorithm);
  const std::string among = "/signers:" + std::to_string(signers);
  benchmark::RegisterBenchmark(("openssl" + of + among).c_str(),
                               [=](benchmark::State& state) { openssl(state, algorithm); });
  for (const KernelTable* kernel : all_kernels()) {
    if (!runs_here(*kernel)) continue;
    for (const std::size_t batch : {1U, 4U, 8U, 16U, 32U, 64U}) {
      const std::string name = "verify_batch" + of + "/kernel:" + kernel->name +
                               "/batch:" + std::to_string(batch) + among;
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        verify_batch(state, algorithm, *kernel, batch);
      });
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const Algorithm algorithm :
       {Algorithm::kEd25519, Algorithm::kEcdsaP256Sha256, Algorithm::kRsaPkcs1Sha256}) {
    register_algorithm(algorithm);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
