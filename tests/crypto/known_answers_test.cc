// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "crypto/self_test.h"
#include "tests/crypto/reference.h"

namespace crypto::test {
namespace {

TEST(KnownAnswers, AreWhatOpenSslSays) {
  for (const KnownAnswer& answer : known_answers()) {
    EXPECT_EQ(openssl_verdict(from_hex(answer.spki), from_hex(answer.message),
                              from_hex(answer.signature)),
              answer.verdict)
        << answer.name;
  }
}

TEST(KnownAnswers, HoldAValidAndAnInvalidOneOfEachAlgorithm) {
  std::set<std::pair<Algorithm, Verdict>> seen;
  for (const KnownAnswer& answer : known_answers()) {
    std::string why;
    const auto key = PublicKey::from_spki(from_hex(answer.spki), why);
    ASSERT_NE(key, nullptr) << answer.name << ": " << why;
    seen.emplace(key->algorithm(), answer.verdict);
  }
  EXPECT_EQ(seen.size(), 2 * kAlgorithmCount);
}

class KnownAnswersOf : public EveryKernel {};
HOPSEAL_EVERY_KERNEL(KnownAnswersOf);

TEST_P(KnownAnswersOf, AreGiven) {
  std::string why;
  EXPECT_TRUE(self_test(*GetParam().kernel, why)) << why;
}

// Kernels with one fault each: the self-test must find it.

void* no_scratch() { return const_cast<KernelTable*>(*all_kernels().rbegin()); }
void keep_scratch(void*) {}

using Verify = void (*)(void*, const VerifyJob*, std::size_t, Verdict*, BatchStatistics&);

/// Portable, with another verify and, as a vector kernel has, tables: empty ones.
KernelTable broken(Verify verify) {
  return {.name = "broken",
          .required_features = 0,
          .lanes = 1,
          .make_scratch = no_scratch,
          .free_scratch = keep_scratch,
          .verify = verify,
          .table_bytes = [](Algorithm) { return kTableAlignment; },
          .table_slices = [](Algorithm) { return 1U; },
          .takes_table = [](const PublicKey&) { return true; },
          .build_slice = [](const PublicKey&, std::byte*, std::uint32_t) {}};
}

void verify_with_portable(const VerifyJob* jobs, std::size_t count, Verdict* verdicts) {
  BatchVerifier portable(**all_kernels().rbegin());
  portable.verify({jobs, count}, {verdicts, count});
}

TEST(SelfTest, RefusesAKernelThatAcceptsEverything) {
  std::string why;
  EXPECT_FALSE(self_test(
      broken([](void*, const VerifyJob*, std::size_t count, Verdict* verdicts, BatchStatistics&) {
        for (std::size_t i = 0; i < count; ++i) verdicts[i] = Verdict::kValid;
      }),
      why));
  EXPECT_NE(why.find("another message"), std::string::npos) << why;
}

TEST(SelfTest, RefusesAKernelThatMixesUpLanesOfFullBatchesOnly) {
  std::string why;
  EXPECT_FALSE(self_test(broken([](void*, const VerifyJob* jobs, std::size_t count,
                                   Verdict* verdicts, BatchStatistics&) {
                           verify_with_portable(jobs, count, verdicts);
                           if (count == BatchVerifier::kMaxJobs)
                             std::swap(verdicts[62], verdicts[63]);
                         }),
                         why));
  EXPECT_NE(why.find("batch of 64"), std::string::npos) << why;
}

TEST(SelfTest, RefusesAKernelThatForgetsTheLaterParts) {
  std::string why;
  EXPECT_FALSE(self_test(broken([](void*, const VerifyJob* jobs, std::size_t count,
                                   Verdict* verdicts, BatchStatistics&) {
                           for (std::size_t i = 0; i < count; ++i) {
                             VerifyJob first_only = jobs[i];
                             first_only.signed_parts[2] = {};
                             verify_with_portable(&first_only, 1, verdicts + i);
                           }
                         }),
                         why));
}

TEST(SelfTest, RefusesAKernelThatIsWrongWithTablesOnly) {
  std::string why;
  EXPECT_FALSE(self_test(broken([](void*, const VerifyJob* jobs, std::size_t count,
                                   Verdict* verdicts, BatchStatistics&) {
                           verify_with_portable(jobs, count, verdicts);
                           if (jobs[0].table != nullptr) verdicts[0] = Verdict::kBadSignature;
                         }),
                         why));
  EXPECT_NE(why.find("with a table"), std::string::npos) << why;
}

TEST(SelfTest, AcceptsPortable) {
  std::string why;
  EXPECT_TRUE(
      self_test(broken([](void*, const VerifyJob* jobs, std::size_t count, Verdict* verdicts,
                          BatchStatistics&) { verify_with_portable(jobs, count, verdicts); }),
                why))
      << why;
}

}  // namespace
}  // namespace crypto::test
