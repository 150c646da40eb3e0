// SPDX-License-Identifier: Apache-2.0
#include "crypto/batch_verify.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "tests/crypto/reference.h"

namespace crypto::test {
namespace {

class BatchVerify : public EveryKernel {};
HOPSEAL_EVERY_KERNEL(BatchVerify);

/// A job and the memory it borrows.
struct Case {
  Bytes message;
  Bytes signature;
  const Signer* who = nullptr;
  [[nodiscard]] VerifyJob job() const { return job_of(*who->verifying, message, signature); }
};

/// Good and bad signatures of all algorithms by turns: every third one is spoiled.
std::vector<Case> mixed_cases(std::size_t count) {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < count; ++i) {
    Case made;
    made.who = &signer(kAlgorithms[i % kAlgorithmCount]);
    made.message = text("message " + std::to_string(i));
    made.signature = made.who->signing->sign(made.message);
    if ((i / kAlgorithmCount) % 3 == 1) made.message[0] ^= std::byte{0x80};
    cases.push_back(std::move(made));
  }
  return cases;
}

std::vector<Verdict> expected_of(const std::vector<Case>& cases) {
  std::vector<Verdict> expected;
  for (const Case& one : cases) {
    expected.push_back(openssl_verdict(one.who->spki, one.message, one.signature));
  }
  return expected;
}

TEST_P(BatchVerify, AcceptsGoodSignaturesOfEveryAlgorithm) {
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes message = text("a message");
    const Bytes signature = who.signing->sign(message);
    EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, message, signature)), Verdict::kValid)
        << algorithm_name(algorithm);
  }
}

TEST_P(BatchVerify, AgreesWithOpenSslOnEverySingleBitFlipOfASignature) {
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes message = text("flip");
    const Bytes good = who.signing->sign(message);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      Bytes flipped = good;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      const Verdict expected = openssl_verdict(who.spki, message, flipped);
      ASSERT_EQ(expected, Verdict::kBadSignature);
      EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, message, flipped)), expected)
          << algorithm_name(algorithm) << " bit " << bit;
    }
  }
}

TEST_P(BatchVerify, RefusesEverySingleBitFlipOfAMessage) {
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes good = text("every bit of this counts");
    const Bytes signature = who.signing->sign(good);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      Bytes flipped = good;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, flipped, signature)),
                Verdict::kBadSignature)
          << algorithm_name(algorithm) << " bit " << bit;
    }
  }
}

TEST_P(BatchVerify, RefusesTheSignatureOfAnotherKeyAndOfAnotherAlgorithm) {
  const Bytes message = text("whose?");
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer other(algorithm);
    for (const Algorithm signing : kAlgorithms) {
      const Bytes signature = signer(signing).signing->sign(message);
      EXPECT_EQ(verify_one(verifier(), job_of(*other.verifying, message, signature)),
                Verdict::kBadSignature)
          << algorithm_name(signing) << " checked as " << algorithm_name(algorithm);
    }
  }
}

TEST_P(BatchVerify, ChecksThePartsAsOneMessageWhereverTheyAreCut) {
  const Bytes message = text("overlay, transaction_id, contents, identity");
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes signature = who.signing->sign(message);
    const std::span<const std::byte> all(message);
    for (std::size_t a = 0; a <= all.size(); a += 7) {
      for (std::size_t b = a; b <= all.size(); b += 9) {
        for (std::size_t c = b; c <= all.size(); c += 11) {
          VerifyJob job = job_of(*who.verifying, {}, signature);
          job.signed_parts = {all.first(a), all.subspan(a, b - a), all.subspan(b, c - b),
                              all.subspan(c)};
          EXPECT_EQ(verify_one(verifier(), job), Verdict::kValid) << a << " " << b << " " << c;
          std::swap(job.signed_parts[0], job.signed_parts[3]);
          Bytes swapped;
          for (const auto& part : job.signed_parts) {
            swapped.insert(swapped.end(), part.begin(), part.end());
          }
          EXPECT_EQ(verify_one(verifier(), job), openssl_verdict(who.spki, swapped, signature));
        }
      }
    }
  }
}

TEST_P(BatchVerify, TakesOnePartInAnyPlaceAndNoPartAtAll) {
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes message = text("alone");
    const Bytes over_message = who.signing->sign(message);
    const Bytes over_nothing = who.signing->sign({});
    for (std::size_t place = 0; place < kMaxSignedParts; ++place) {
      VerifyJob job = job_of(*who.verifying, {}, over_message);
      job.signed_parts[place] = message;
      EXPECT_EQ(verify_one(verifier(), job), Verdict::kValid) << place;
    }
    EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, {}, over_nothing)), Verdict::kValid);
    EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, {}, over_message)),
              Verdict::kBadSignature);
    EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, message, {})), Verdict::kBadSignature);
  }
}

TEST_P(BatchVerify, TakesMessagesUpToTheLimitAndNoLonger) {
  const Bytes longest(kMaxSignedBytes, std::byte{0x5a});
  const std::span<const std::byte> all(longest);
  const std::byte more{0x5a};
  for (const Algorithm algorithm : kAlgorithms) {
    const Signer& who = signer(algorithm);
    const Bytes signature = who.signing->sign(longest);
    VerifyJob job = job_of(*who.verifying, {}, signature);
    job.signed_parts = {all.first(1), all.subspan(1, 40000), all.subspan(40001), {}};
    EXPECT_EQ(verify_one(verifier(), job), Verdict::kValid);
    job.signed_parts[3] = {&more, 1};
    EXPECT_EQ(verify_one(verifier(), job), Verdict::kTooLong);
  }
}

TEST_P(BatchVerify, AnswersEveryJobOfAMixedBatchOfAnySize) {
  const auto cases = mixed_cases(BatchVerifier::kMaxJobs);
  const auto expected = expected_of(cases);
  EXPECT_GT(std::ranges::count(expected, Verdict::kValid), 30);
  EXPECT_GT(std::ranges::count(expected, Verdict::kBadSignature), 15);
  for (std::size_t size = 0; size <= BatchVerifier::kMaxJobs; ++size) {
    std::vector<VerifyJob> jobs;
    for (std::size_t i = 0; i < size; ++i) jobs.push_back(cases[i].job());
    std::vector<Verdict> verdicts(size, static_cast<Verdict>(0xff));
    verifier().verify(jobs, verdicts);
    EXPECT_EQ(verdicts,
              std::vector<Verdict>(expected.begin(), expected.begin() + static_cast<long>(size)));
  }
}

TEST_P(BatchVerify, GivesEachJobTheSameVerdictInEveryOrderAndCompany) {
  const auto cases = mixed_cases(BatchVerifier::kMaxJobs);
  const auto expected = expected_of(cases);
  std::vector<std::size_t> order(cases.size());
  std::iota(order.begin(), order.end(), 0U);
  std::mt19937 random(6940);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    const std::size_t size = 1 + random() % order.size();
    std::vector<VerifyJob> jobs;
    for (std::size_t i = 0; i < size; ++i) jobs.push_back(cases[order[i]].job());
    std::vector<Verdict> verdicts(size, static_cast<Verdict>(0xff));
    verifier().verify(jobs, verdicts);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(verdicts[i], expected[order[i]]) << "job " << order[i] << " at place " << i;
    }
  }
}

TEST_P(BatchVerify, LetsTooLongJobsDisturbNobody) {
  const Bytes too_long(kMaxSignedBytes + 1);
  const auto cases = mixed_cases(12);
  auto expected = expected_of(cases);
  std::vector<VerifyJob> jobs;
  for (const Case& one : cases) jobs.push_back(one.job());
  for (const std::size_t place : {0U, 4U, 5U, 11U}) {
    jobs[place].signed_parts[1] = too_long;
    expected[place] = Verdict::kTooLong;
  }
  std::vector<Verdict> verdicts(jobs.size(), static_cast<Verdict>(0xff));
  verifier().verify(jobs, verdicts);
  EXPECT_EQ(verdicts, expected);
}

TEST_P(BatchVerify, CountsEveryCheckOnceUnderItsAlgorithm) {
  const auto cases = mixed_cases(20);
  std::vector<VerifyJob> jobs;
  for (const Case& one : cases) jobs.push_back(one.job());
  const Bytes too_long(kMaxSignedBytes + 1);
  jobs.push_back(cases[0].job());
  jobs.back().signed_parts[1] = too_long;  // answered without a check
  std::vector<Verdict> verdicts(jobs.size());
  verifier().verify(jobs, verdicts);
  verifier().verify(jobs, verdicts);
  std::uint64_t in_lanes = 0;
  for (std::size_t algorithm = 0; algorithm < kAlgorithmCount; ++algorithm) {
    const PathCounts& counts = verifier().statistics().paths[algorithm];
    const auto jobs_of_it =
        static_cast<std::uint64_t>(std::ranges::count_if(cases, [&](const Case& one) {
          return one.who->verifying->algorithm() == static_cast<Algorithm>(algorithm);
        }));
    EXPECT_EQ(counts.known + counts.cold + counts.openssl, 2 * jobs_of_it);
    const bool has_table = static_cast<Algorithm>(algorithm) != Algorithm::kRsaPkcs1Sha256;
    EXPECT_EQ(counts.known != 0, GetParam().known && has_table);
    in_lanes += counts.known + counts.cold;
  }
  std::uint64_t filled = 0;
  for (std::size_t lanes = 1; lanes <= BatchStatistics::kLanes; ++lanes) {
    filled += lanes * verifier().statistics().occupancy[lanes - 1];
  }
  EXPECT_EQ(filled, in_lanes);
}

TEST_P(BatchVerify, VerifiesAgainAfterBeingMoved) {
  const auto cases = mixed_cases(6);
  WayVerifier first(GetParam());
  WayVerifier second(std::move(first));
  for (const Case& one : cases) {
    EXPECT_EQ(verify_one(second, one.job()),
              openssl_verdict(one.who->spki, one.message, one.signature));
  }
}

TEST_P(BatchVerify, HoldsNoKeyAfterwards) {
  // A second key at the address of a freed one must not get the first one's verdicts.
  const Bytes message = text("same address, other key");
  for (int round = 0; round < 20; ++round) {
    const Signer who(Algorithm::kEd25519);
    const Bytes signature = who.signing->sign(message);
    EXPECT_EQ(verify_one(verifier(), job_of(*who.verifying, message, signature)), Verdict::kValid);
  }
}

TEST_P(BatchVerify, UsesOneKeyOnSeveralLcoresAtTheSameTime) {
  const auto cases = mixed_cases(24);
  const auto expected = expected_of(cases);
  std::atomic<int> wrong{0};
  const auto lcore = [&] {
    WayVerifier own(GetParam());
    std::vector<VerifyJob> jobs;
    for (const Case& one : cases) jobs.push_back(one.job());
    std::vector<Verdict> verdicts(jobs.size());
    for (int round = 0; round < 20; ++round) {
      own.verify(jobs, verdicts);
      if (verdicts != expected) wrong.fetch_add(1);
    }
  };
  std::thread one(lcore);
  std::thread two(lcore);
  one.join();
  two.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(BatchVerify, LeavesTheErrorQueueOfOpenSslAsItWas) {
  const Signer& who = signer(Algorithm::kEcdsaP256Sha256);
  const Bytes message = text("no trace");
  ERR_clear_error();  // the reference leaves its own
  ASSERT_EQ(verify_one(verifier(), job_of(*who.verifying, message, text("garbage"))),
            Verdict::kBadSignature);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace crypto::test
