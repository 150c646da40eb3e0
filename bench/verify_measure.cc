// SPDX-License-Identifier: Apache-2.0
#include "bench/verify_measure.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "bench/ticks.h"

namespace bench {
namespace {

using crypto::BatchVerifier;
using crypto::Verdict;

constexpr double kKernelSeconds = 1e-3;
constexpr double kOpensslSeconds = 5e-4;

double quantile(std::vector<double> values, double q) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// Takes the messages in turn, over and over.
class KernelTurn {
 public:
  KernelTurn(const crypto::KernelTable& kernel, const Signers& signers, const Traffic& traffic,
             const Tables* tables, std::size_t batch)
      : verifier_(kernel), batch_(batch) {
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      jobs_.push_back(traffic.job(signers, i, tables));
    }
    // A batch may run over the end.
    for (std::size_t i = 0; i < batch; ++i) jobs_.push_back(jobs_[i % traffic.messages.size()]);
    round_ = traffic.messages.size();
  }
  double cycles(std::size_t batches) {
    bool good = true;
    const double before = cpu_cycles();
    for (std::size_t i = 0; i < batches; ++i) {
      verifier_.verify({jobs_.data() + next_, batch_}, {verdicts_.data(), batch_});
      next_ = (next_ + batch_) % round_;
      for (std::size_t k = 0; k < batch_; ++k) good = good && verdicts_[k] == Verdict::kValid;
    }
    const double after = cpu_cycles();
    if (!good) throw std::runtime_error("the kernel refuses a good signature");
    return (after - before) / static_cast<double>(batches * batch_);
  }

 private:
  BatchVerifier verifier_;
  std::size_t batch_;
  std::vector<crypto::VerifyJob> jobs_;
  std::array<Verdict, BatchVerifier::kMaxJobs> verdicts_{};
  std::size_t round_ = 0;
  std::size_t next_ = 0;
};

class OpensslTurn {
 public:
  OpensslTurn(const Signers& signers, const Traffic& traffic)
      : signers_(signers), traffic_(traffic), context_(EVP_MD_CTX_new()) {
    digest_ = signers.signature().algorithm == crypto::Algorithm::kEd25519 ? nullptr : "SHA256";
  }
  ~OpensslTurn() { EVP_MD_CTX_free(context_); }
  OpensslTurn(const OpensslTurn&) = delete;
  OpensslTurn& operator=(const OpensslTurn&) = delete;

  double cycles(std::size_t checks) {
    bool good = true;
    const double before = cpu_cycles();
    for (std::size_t i = 0; i < checks; ++i) {
      const Traffic::Message& message = traffic_.messages[next_];
      next_ = (next_ + 1) % traffic_.messages.size();
      good =
          good &&
          EVP_DigestVerifyInit_ex(
              context_, nullptr, digest_, nullptr, nullptr,
              static_cast<EVP_PKEY*>(signers_.verifying(message.signer).openssl()), nullptr) == 1 &&
          EVP_DigestVerify(context_, octets(message.signature), message.signature.size(),
                           octets(message.bytes), message.bytes.size()) == 1;
      EVP_MD_CTX_reset(context_);
    }
    const double after = cpu_cycles();
    if (!good) throw std::runtime_error("OpenSSL refuses a good signature");
    return (after - before) / static_cast<double>(checks);
  }

 private:
  static const unsigned char* octets(const Bytes& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  }
  const Signers& signers_;
  const Traffic& traffic_;
  EVP_MD_CTX* context_;
  const char* digest_ = nullptr;
  std::size_t next_ = 0;
};

/// How often to call so that one turn takes @p seconds, from one trial.
std::size_t calls_for(double seconds, double cycles_per_call) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(seconds * cycles_per_second() / cycles_per_call));
}

}  // namespace

VerifyResult measure(const VerifyCase& what, const crypto::KernelTable& kernel,
                     const Signers& signers, const Traffic& traffic, const Tables* tables,
                     std::size_t rounds) {
  KernelTurn ours(kernel, signers, traffic, tables, what.batch);
  OpensslTurn openssl(signers, traffic);
  (void)ours.cycles(2);  // pages and caches
  (void)openssl.cycles(2);
  const std::size_t batches =
      calls_for(kKernelSeconds, ours.cycles(2) * static_cast<double>(what.batch));
  const std::size_t checks = calls_for(kOpensslSeconds, openssl.cycles(2));
  std::vector<double> kernel_cycles;
  std::vector<double> openssl_cycles;
  std::vector<double> ratios;
  for (std::size_t round = 0; round < rounds; ++round) {
    kernel_cycles.push_back(ours.cycles(batches));
    openssl_cycles.push_back(openssl.cycles(checks));
    ratios.push_back(openssl_cycles.back() / kernel_cycles.back());
  }
  VerifyResult result;
  result.what = what;
  result.kernel = {quantile(kernel_cycles, 0.5), quantile(kernel_cycles, 0.1)};
  result.openssl = {quantile(openssl_cycles, 0.5), quantile(openssl_cycles, 0.1)};
  result.ratio = quantile(ratios, 0.5);
  result.ratio_p10 = result.openssl.p10 / result.kernel.p10;
  result.per_second = cycles_per_second() / result.kernel.median;
  if (tables != nullptr) {
    result.table_bytes = tables->bytes();
    result.huge_pages = tables->in_huge_pages();
  }
  return result;
}

}  // namespace bench
