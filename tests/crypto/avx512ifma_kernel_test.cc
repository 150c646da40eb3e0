// SPDX-License-Identifier: Apache-2.0
// Which way the avx512ifma kernel sends jobs: lanes, shared passes, OpenSSL.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <numeric>

#include "tests/crypto/p256_reference.h"

namespace crypto::test {
namespace {

class Avx512Ifma : public testing::Test {
 protected:
  void SetUp() override {
    for (const KernelTable* kernel : all_kernels()) {
      if (kernel->name == std::string("avx512ifma") && runs_here(*kernel)) kernel_ = kernel;
    }
    if (kernel_ == nullptr) GTEST_SKIP() << kWhySkipped;
    verifier_ = std::make_unique<BatchVerifier>(*kernel_);
  }

  /// A good job of the algorithm's lasting signer, and with its table.
  VerifyJob job(Algorithm algorithm, bool known = false, std::size_t bytes = 50) {
    const Signer& who = signer(algorithm);
    messages_.push_back(Bytes(bytes, static_cast<std::byte>(messages_.size())));
    signatures_.push_back(who.signing->sign(messages_.back()));
    VerifyJob made = job_of(*who.verifying, messages_.back(), signatures_.back());
    if (known) {
      made.table = tables_.try_emplace(algorithm, *kernel_, *who.verifying).first->second.get();
      EXPECT_NE(made.table, nullptr);
    }
    return made;
  }
  std::vector<VerifyJob> jobs(std::size_t count, Algorithm algorithm, bool known = false) {
    std::vector<VerifyJob> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(job(algorithm, known));
    return made;
  }
  void expect_valid(const std::vector<VerifyJob>& jobs) {
    std::vector<Verdict> verdicts(jobs.size(), static_cast<Verdict>(0xff));
    verifier_->verify(jobs, verdicts);
    EXPECT_EQ(verdicts, std::vector<Verdict>(jobs.size(), Verdict::kValid));
  }
  void expect_paths(Algorithm algorithm, std::uint64_t known, std::uint64_t cold,
                    std::uint64_t openssl) {
    const PathCounts& paths = verifier_->statistics().paths[static_cast<std::size_t>(algorithm)];
    EXPECT_EQ(paths.known, known) << algorithm_name(algorithm);
    EXPECT_EQ(paths.cold, cold) << algorithm_name(algorithm);
    EXPECT_EQ(paths.openssl, openssl) << algorithm_name(algorithm);
  }
  [[nodiscard]] std::uint64_t passes(std::size_t lanes) const {
    return verifier_->statistics().occupancy[lanes - 1];
  }
  [[nodiscard]] std::uint64_t all_passes() const {
    const auto& all = verifier_->statistics().occupancy;
    return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
  }

  const KernelTable* kernel_ = nullptr;
  std::unique_ptr<BatchVerifier> verifier_;
  std::deque<Bytes> messages_;
  std::deque<Bytes> signatures_;
  std::map<Algorithm, KnownTable> tables_;
};

std::vector<VerifyJob> joined(std::vector<VerifyJob> first, const std::vector<VerifyJob>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST_F(Avx512Ifma, TakesKnownAndColdJobsToTheirLanes) {
  expect_valid(joined(jobs(8, Algorithm::kEd25519, true), jobs(8, Algorithm::kEd25519)));
  expect_paths(Algorithm::kEd25519, 8, 8, 0);
  expect_valid(
      joined(jobs(8, Algorithm::kEcdsaP256Sha256, true), jobs(8, Algorithm::kEcdsaP256Sha256)));
  expect_paths(Algorithm::kEcdsaP256Sha256, 8, 8, 0);
  expect_valid(jobs(8, Algorithm::kRsaPkcs1Sha256));
  expect_paths(Algorithm::kRsaPkcs1Sha256, 0, 8, 0);
  EXPECT_EQ(passes(8), 5U);
  EXPECT_EQ(all_passes(), 5U);
}

TEST_F(Avx512Ifma, FillsALastColdPassWithTheRestOfTheKnownJobs) {
  expect_valid(joined(jobs(11, Algorithm::kEd25519, true), jobs(5, Algorithm::kEd25519)));
  expect_paths(Algorithm::kEd25519, 8, 8, 0);
  EXPECT_EQ(passes(8), 2U);
  EXPECT_EQ(all_passes(), 2U);
}

TEST_F(Avx512Ifma, KeepsPassesApartThatDoNotFitTogether) {
  expect_valid(joined(jobs(4, Algorithm::kEd25519, true), jobs(5, Algorithm::kEd25519)));
  expect_paths(Algorithm::kEd25519, 4, 5, 0);
  EXPECT_EQ(passes(4), 1U);
  EXPECT_EQ(passes(5), 1U);
  // A full cold pass has no idle lanes.
  expect_valid(joined(jobs(3, Algorithm::kEd25519, true), jobs(8, Algorithm::kEd25519)));
  expect_paths(Algorithm::kEd25519, 7, 13, 0);
}

TEST_F(Avx512Ifma, AsksOpenSslAboutALoneColdP256Job) {
  expect_valid(jobs(1, Algorithm::kEcdsaP256Sha256));
  expect_paths(Algorithm::kEcdsaP256Sha256, 0, 0, 1);
  EXPECT_EQ(all_passes(), 0U);
  expect_valid(jobs(1, Algorithm::kEcdsaP256Sha256, true));
  expect_paths(Algorithm::kEcdsaP256Sha256, 1, 0, 1);
}

TEST_F(Avx512Ifma, AsksOpenSslAboutMessagesTooLongForHashLanes) {
  for (const std::size_t bytes : {4031U, 4032U})
    expect_valid({job(Algorithm::kEd25519, true, bytes)});
  expect_paths(Algorithm::kEd25519, 2, 0, 0);
  expect_valid({job(Algorithm::kEd25519, true, 4033)});
  expect_paths(Algorithm::kEd25519, 2, 0, 1);
}

TEST_F(Avx512Ifma, AsksOpenSslAboutSignaturesThatAreNone) {
  std::vector<VerifyJob> all;
  for (const Algorithm algorithm : kAlgorithms) {
    for (int i = 0; i < 8; ++i) {
      all.push_back(job(algorithm));
      all.back().signature = all.back().signature.first(all.back().signature.size() - 1);
    }
  }
  std::vector<Verdict> verdicts(all.size(), static_cast<Verdict>(0xff));
  verifier_->verify(all, verdicts);
  EXPECT_EQ(verdicts, std::vector<Verdict>(all.size(), Verdict::kBadSignature));
  for (const Algorithm algorithm : kAlgorithms) expect_paths(algorithm, 0, 0, 8);
}

/// A key made for its message, so that both halves of the sum are equal. Lanes may leave it
/// undecided.
TEST_F(Avx512Ifma, AsksOpenSslAboutWhatP256LanesLeaveUndecided) {
  const Bytes message = text("halves of the sum equal");
  const Number z = number_of(sha256(message));
  const Number k = below_order();
  Number r = number();
  BN_nnmod(r.get(), x_of(combination(k.get()).get()).get(), order(), numbers());
  const Number secret = over(z.get(), r.get());  // then z = r d: u1 G = u2 Q
  const P256Signer meeting(secret.get());
  std::string why;
  const auto key = PublicKey::from_spki(spki_of(meeting.openssl.get()), why);
  ASSERT_NE(key, nullptr) << why;
  const Number s = over(plus(z.get(), z.get()).get(), k.get());
  const Bytes signature = der_of(bytes_of(r.get(), 32), bytes_of(s.get(), 32));
  auto all = jobs(7, Algorithm::kEcdsaP256Sha256, true);
  const KnownTable table(*kernel_, *key);
  all.push_back(job_of(*key, message, signature));
  all.back().table = table.get();
  expect_valid(all);
  const PathCounts& paths =
      verifier_->statistics().paths[static_cast<std::size_t>(Algorithm::kEcdsaP256Sha256)];
  EXPECT_EQ(paths.known + paths.openssl, 8U);
  EXPECT_GE(paths.known, 7U);
}

}  // namespace
}  // namespace crypto::test
