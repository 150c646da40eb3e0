// SPDX-License-Identifier: Apache-2.0
// Compares kernels with OpenSSL on random cases until COUNT verdicts of vector kernels have been
// compared (of portable, when this CPU runs no other):
//
//   random_checks COUNT [SEED]
//
// Each batch of cases is checked several times: in another order, cut into other calls, with and
// without the signers' tables. Prints how much of what was compared; a verdict that differs is
// printed as a line for `hopsealctl verify`, and the program fails.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>

#include "crypto/known_table.h"
#include "tests/crypto/random_cases.h"

namespace {

using namespace crypto;
using namespace crypto::test;

constexpr std::size_t kBatch = BatchVerifier::kMaxJobs;
constexpr int kOrders = 12;
/// Portable costs as much as OpenSSL, which it is: it gets one batch in so many.
constexpr std::uint64_t kPortableEvery = 16;

struct Checked {
  RandomCase one;
  Verdict expected;
  VerifyJob job;  ///< without a table
};

Verdict openssl_says(const RandomCase& one) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const bool digested = one.signer->key->algorithm() != Algorithm::kEd25519;
  const auto octets = [](const Bytes& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  const bool valid =
      EVP_DigestVerifyInit(context, nullptr, digested ? EVP_sha256() : nullptr, nullptr,
                           static_cast<EVP_PKEY*>(one.signer->key->openssl())) == 1 &&
      EVP_DigestVerify(context, octets(one.signature), one.signature.size(), octets(one.message),
                       one.message.size()) == 1;
  EVP_MD_CTX_free(context);
  return valid ? Verdict::kValid : Verdict::kBadSignature;
}

/// The message cut anywhere, also into empty parts.
VerifyJob cut_job_of(const RandomCase& one, Random& random) {
  VerifyJob job = job_of(*one.signer->key, {}, one.signature);
  std::span<const std::byte> rest(one.message);
  for (auto& part : std::span(job.signed_parts).first(kMaxSignedParts - 1)) {
    part = rest.first(random.one_in(3) ? 0 : random.below(rest.size() + 1));
    rest = rest.subspan(part.size());
  }
  job.signed_parts.back() = rest;
  return job;
}

/// One kernel and the tables of the keys it has met. Keys made for one case are not kept.
class Rig {
 public:
  explicit Rig(const KernelTable& kernel) : kernel_(kernel), verifier_(kernel) {}

  [[nodiscard]] const KernelTable& kernel() const { return kernel_; }
  [[nodiscard]] const BatchStatistics& statistics() const { return verifier_.statistics(); }

  void check(const std::vector<Checked>& batch, Random& random) {
    std::vector<std::size_t> order(batch.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (std::size_t begin = 0; begin < order.size();) {
      const std::size_t size = 1 + random.below(order.size() - begin);
      const bool all_known = random.one_in(3);
      const bool none_known = random.one_in(3);
      std::vector<VerifyJob> jobs;
      for (std::size_t i = begin; i < begin + size; ++i) {
        jobs.push_back(batch[order[i]].job);
        if (all_known || (!none_known && random.one_in(2))) {
          jobs.back().table = table_of(batch[order[i]].one.signer);
        }
      }
      std::vector<Verdict> verdicts(size, static_cast<Verdict>(0xff));
      verifier_.verify(jobs, verdicts);
      for (std::size_t i = 0; i < size; ++i) {
        const Checked& checked = batch[order[begin + i]];
        if (verdicts[i] != checked.expected) {
          differs(checked, verdicts[i], jobs[i].table != nullptr, size);
        }
      }
      compared_ += size;
      begin += size;
    }
    std::erase_if(tables_, [](const auto& kept) { return kept.first.use_count() <= 2; });
  }
  [[nodiscard]] std::uint64_t compared() const { return compared_; }

 private:
  const std::byte* table_of(const std::shared_ptr<const CaseKey>& signer) {
    const auto [found, fresh] = tables_.try_emplace(signer, kernel_, *signer->key);
    return found->second.get();
  }

  [[noreturn]] void differs(const Checked& checked, Verdict given, bool known,
                            std::size_t size) const {
    const auto hex = [](const Bytes& bytes) {
      for (const std::byte byte : bytes) std::printf("%02x", std::to_integer<unsigned>(byte));
    };
    std::printf("kernel %s says \"%s\", OpenSSL \"%s\" (%s, %s, in a call of %zu)\n", kernel_.name,
                describe(given), describe(checked.expected), checked.one.what,
                known ? "known" : "cold", size);
    std::printf(R"({"alg":"%s","key":")", algorithm_name(checked.one.signer->key->algorithm()));
    hex(checked.one.signer->spki);
    std::printf(R"(","msg":")");
    hex(checked.one.message);
    std::printf(R"(","sig":")");
    hex(checked.one.signature);
    std::printf("\"}\n");
    std::exit(1);
  }

  const KernelTable& kernel_;
  BatchVerifier verifier_;
  std::map<std::shared_ptr<const CaseKey>, KnownTable> tables_;
  std::uint64_t compared_ = 0;
};

/// Two in five Ed25519, two ECDSA, one RSA.
RandomCase draw(std::array<std::unique_ptr<CaseSource>, 3>& sources, Random& random) {
  const std::size_t which = random.below(5);
  return sources[which / 2]->next(random);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 6940;
  if (wanted == 0) {
    std::fprintf(stderr, "usage: random_checks COUNT [SEED]\n");
    return 2;
  }
  Random random(seed);
  std::array<std::unique_ptr<CaseSource>, 3> sources = {ed25519_cases(random), p256_cases(random),
                                                        rsa_cases()};
  std::vector<std::unique_ptr<Rig>> rigs;
  for (const KernelTable* kernel : all_kernels()) {
    if (runs_here(*kernel)) {
      rigs.push_back(std::make_unique<Rig>(*kernel));
    } else {
      std::printf("skipped: kernel %s, which this CPU or operating system cannot run\n",
                  kernel->name);
    }
  }
  std::map<std::string, std::array<std::uint64_t, 2>> kinds;  // by how made: bad, valid
  std::uint64_t asked = 0;
  for (std::uint64_t round = 0; rigs.front()->compared() < wanted; ++round) {
    std::vector<Checked> batch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      Checked made{draw(sources, random), Verdict::kValid, {}};
      made.expected = openssl_says(made.one);
      ++kinds[std::string(algorithm_name(made.one.signer->key->algorithm())) + ": " + made.one.what]
             [made.expected == Verdict::kValid ? 1 : 0];
      batch.push_back(std::move(made));
    }
    asked += batch.size();
    for (Checked& checked : batch) checked.job = cut_job_of(checked.one, random);
    for (const auto& rig : rigs) {
      if (rig->kernel().lanes == 1) {
        if (rigs.size() == 1 || round % kPortableEvery == 0) rig->check(batch, random);
        continue;
      }
      for (int order = 0; order < kOrders; ++order) rig->check(batch, random);
    }
  }
  for (const auto& [what, count] : kinds) {
    std::printf("%-52s %9llu bad %9llu valid\n", what.c_str(),
                static_cast<unsigned long long>(count[0]),
                static_cast<unsigned long long>(count[1]));
  }
  std::printf("seed %llu: OpenSSL asked %llu times\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(asked));
  for (const auto& rig : rigs) {
    std::printf("kernel %s: %llu verdicts, all as OpenSSL's", rig->kernel().name,
                static_cast<unsigned long long>(rig->compared()));
    for (std::size_t a = 0; a < kAlgorithmCount; ++a) {
      const PathCounts& paths = rig->statistics().paths[a];
      std::printf(
          "; %s known %llu cold %llu openssl %llu", algorithm_name(static_cast<Algorithm>(a)),
          static_cast<unsigned long long>(paths.known), static_cast<unsigned long long>(paths.cold),
          static_cast<unsigned long long>(paths.openssl));
    }
    std::printf("\n");
  }
  return 0;
}
