// SPDX-License-Identifier: Apache-2.0
// Verdicts of the P-256 lanes against OpenSSL's EVP, with tables of the signers and without.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/crypto/p256_reference.h"

namespace crypto::test {
namespace {

enum class Answer { kBad, kValid, kUndecided };
void PrintTo(Answer answer, std::ostream* out) {
  constexpr const char* kNames[] = {"bad", "valid", "undecided"};
  *out << kNames[static_cast<int>(answer)];
}

struct Counts {
  std::size_t valid = 0;
  std::size_t undecided = 0;
  bool operator==(const Counts&) const = default;
};
void PrintTo(const Counts& counts, std::ostream* out) {
  *out << counts.valid << " valid, " << counts.undecided << " undecided";
}

class P256Lanes : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!has_ifma()) GTEST_SKIP() << kWhySkipped;
    ASSERT_TRUE(avx512ifma::p256_prepare());
  }

  std::vector<Answer> answers_of(const std::vector<P256Case>& cases) {
    std::vector<avx512ifma::P256Check> checks;
    for (const P256Case& one : cases) {
      checks.push_back({&one.signer->key, known() ? one.signer->rows() : nullptr, one.r.data(),
                        one.s.data(), one.hash.data()});
    }
    bool valid[avx512ifma::kP256MaxChecks];
    const auto count = static_cast<std::uint32_t>(checks.size());
    const std::uint64_t undecided = known()
                                        ? avx512ifma::p256_verify_known(checks.data(), count, valid)
                                        : avx512ifma::p256_verify_cold(checks.data(), count, valid);
    EXPECT_EQ(count < 64 ? undecided >> count : 0, 0U);
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const bool open = (undecided >> i & 1U) != 0;
      EXPECT_FALSE(open && valid[i]);
      answers.push_back(open ? Answer::kUndecided : valid[i] ? Answer::kValid : Answer::kBad);
    }
    return answers;
  }

  /// Asks both about all of @p cases, however many.
  Counts agreed(const std::vector<P256Case>& cases) {
    Counts counts;
    for (std::size_t begin = 0; begin < cases.size(); begin += avx512ifma::kP256MaxChecks) {
      const std::size_t end =
          std::min<std::size_t>(begin + avx512ifma::kP256MaxChecks, cases.size());
      const std::vector<P256Case> some(cases.begin() + static_cast<long>(begin),
                                       cases.begin() + static_cast<long>(end));
      const std::vector<Answer> answers = answers_of(some);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const bool expected = openssl_accepts(some[i]);
        counts.valid += expected;
        if (answers[i] == Answer::kUndecided) {
          ++counts.undecided;
        } else {
          EXPECT_EQ(answers[i], expected ? Answer::kValid : Answer::kBad) << "case " << begin + i;
        }
      }
    }
    return counts;
  }

  static bool known() { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Paths, P256Lanes, testing::Bool(),
                         [](const auto& path) { return path.param ? "Known" : "Cold"; });

const P256Signer& one_signer() {
  static const P256Signer kSigner;
  return kSigner;
}

TEST_P(P256Lanes, GiveTheAnswersOfRfc6979) {  // appendix A.2.5
  const P256Signer signer(
      hex_number("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721").get());
  const P256Case sample = {
      &signer, from_hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
      from_hex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
      sha256(text("sample"))};
  const P256Case test = {
      &signer, from_hex("F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"),
      from_hex("019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"),
      sha256(text("test"))};
  P256Case mixed = sample;
  mixed.hash = test.hash;
  const auto answers = answers_of({sample, test, mixed});
  EXPECT_EQ(answers, (std::vector{Answer::kValid, Answer::kValid, Answer::kBad}));
  EXPECT_EQ(agreed({sample, test, mixed}), (Counts{2, 0}));
}

TEST_P(P256Lanes, AgreeOnGoodAndBadSignaturesOfManySigners) {
  std::vector<P256Signer> signers(12);
  std::vector<P256Case> cases;
  for (std::size_t i = 0; i < 120; ++i) {
    const P256Case good = signed_case(signers[i % 12], text("message " + std::to_string(i)));
    P256Case other_message = good;
    other_message.hash = sha256(text("another"));
    P256Case other_signer = good;
    other_signer.signer = &signers[(i + 1) % 12];
    P256Case swapped = good;
    std::swap(swapped.r, swapped.s);
    cases.insert(cases.end(), {good, other_message, other_signer, swapped});
  }
  EXPECT_EQ(agreed(cases), (Counts{120, 0}));
}

TEST_P(P256Lanes, RefuseEverySingleBitFlip) {
  const P256Case good = signed_case(one_signer(), text("flipped"));
  std::vector<P256Case> cases;
  for (Bytes P256Case::*part : {&P256Case::r, &P256Case::s, &P256Case::hash}) {
    for (std::size_t bit = 0; bit < 256; ++bit) {
      cases.push_back(good);
      (cases.back().*part)[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
  }
  EXPECT_EQ(agreed(cases), (Counts{0, 0}));
}

TEST_P(P256Lanes, AgreeOnNumbersAtTheEndsOfTheirRange) {
  const Number p = hex_number("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF");
  Number largest = hex_number("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
  Number p_minus_n = number();
  BN_sub(p_minus_n.get(), p.get(), order());
  std::vector<Number> ends;
  for (const std::uint64_t word : {0U, 1U, 2U}) ends.push_back(number(word));
  for (const int offset : {-2, -1, 0, 1, 2}) ends.push_back(near(order(), offset));
  for (const int offset : {-1, 0, 1}) ends.push_back(near(p_minus_n.get(), offset));
  for (const int offset : {-1, 0, 1}) ends.push_back(near(p.get(), offset));
  ends.push_back(std::move(largest));
  const Number good_hash = number_of(sha256(text("ends")));
  const P256Case good = signed_case(one_signer(), good_hash.get(), below_order().get());
  std::vector<P256Case> cases = {good};
  for (const Number& end : ends) {
    cases.push_back(good);
    cases.back().r = bytes_of(end.get(), 32);
    cases.push_back(good);
    cases.back().s = bytes_of(end.get(), 32);
    cases.push_back(good);
    cases.back().hash = bytes_of(end.get(), 32);
    for (const Number& other : ends) {
      cases.push_back(case_of(one_signer(), end.get(), other.get(), good_hash.get()));
    }
  }
  const Counts counts = agreed(cases);
  EXPECT_EQ(counts.valid, 1U);
  EXPECT_LE(counts.undecided, 8U) << "u1 = 0, or u2 = r / s a very small number";
}

TEST_P(P256Lanes, AcceptHighSAndItsOpposite) {
  std::vector<P256Case> cases;
  for (int i = 0; i < 32; ++i) {
    cases.push_back(signed_case(one_signer(), text("high or low " + std::to_string(i))));
    P256Case other = cases.back();
    other.s = bytes_of(opposite(number_of(other.s).get()).get(), 32);
    cases.push_back(other);
  }
  EXPECT_EQ(agreed(cases), (Counts{64, 0}));
}

TEST_P(P256Lanes, AcceptHashesNotBelowTheOrder) {
  std::vector<P256Case> cases;
  Bytes hash(32, std::byte{0xff});
  for (int i = 0; i < 16; ++i) {
    hash[static_cast<std::size_t>(8 + i)] ^= std::byte{0x5a};
    cases.push_back(signed_case(one_signer(), number_of(hash).get(), below_order().get()));
  }
  cases.push_back(signed_case(one_signer(), near(order(), 1).get(), below_order().get()));
  EXPECT_EQ(agreed(cases), (Counts{17, 0}));
}

TEST_P(P256Lanes, CompareTheXCoordinateModuloTheOrder) {
  // Points whose x is n + small: r is then small. Nobody can sign with such a nonce, but the key
  // may be chosen to fit: Q = (R - u1 * G) / u2.
  std::vector<P256Signer> signers;
  std::vector<P256Case> cases;
  signers.reserve(64);
  for (const bool wraps : {true, false}) {
    for (int found = 0, offset = 1; found < 8; ++offset) {
      const Number x = near(order(), offset);
      const Number r = number(static_cast<std::uint64_t>(offset));
      Point target(EC_POINT_new(p256()));
      if (EC_POINT_set_compressed_coordinates(p256(), target.get(), wraps ? x.get() : r.get(), 0,
                                              numbers()) != 1) {
        continue;
      }
      ++found;
      const Number s = below_order();
      const Number hash = below_order();
      const Number u1 = over(hash.get(), s.get());
      Point key = combination(opposite(u1.get()).get());
      EC_POINT_add(p256(), key.get(), key.get(), target.get(), numbers());
      const Number inverse = over(s.get(), r.get());
      EC_POINT_mul(p256(), key.get(), nullptr, key.get(), inverse.get(), numbers());
      signers.emplace_back(std::move(key));
      cases.push_back(case_of(signers.back(), r.get(), s.get(), hash.get()));
      cases.push_back(case_of(signers.back(), near(r.get(), 1).get(), s.get(), hash.get()));
    }
  }
  EXPECT_EQ(agreed(cases), (Counts{16, 0}));
}

/// u1 * G + u2 * Q is infinity: no r fits, and the last addition meets opposite points.
P256Case case_at_infinity(const P256Signer& signer) {
  const Number r = below_order();
  const Number s = below_order();
  return case_of(signer, r.get(), s.get(),
                 opposite(times(r.get(), signer.secret.get()).get()).get());
}

TEST_P(P256Lanes, NeverMissEqualOppositeOrVanishingPoints) {
  std::vector<P256Case> cases;
  for (int i = 0; i < 8; ++i) {
    const Number u2 = below_order();
    const Number& d = one_signer().secret;
    const Number same = times(u2.get(), d.get());  // u1 * G = u2 * Q
    cases.push_back(case_with_sum(one_signer(), same.get(), u2.get()));
    cases.push_back(case_at_infinity(one_signer()));
    // u1 is 0: only multiples of Q.
    cases.push_back(case_with_sum(one_signer(), number().get(), u2.get()));
    cases.push_back(cases.back());
    cases.back().hash = bytes_of(order(), 32);
  }
  const Counts counts = agreed(cases);
  EXPECT_EQ(counts.valid, 24U);
  EXPECT_GE(counts.undecided, 8U);
}

TEST_P(P256Lanes, AgreeOnSpecialMultiples) {
  const P256Signer minus_one(near(order(), -1).get());
  const P256Signer one(number(1).get());
  const P256Signer two(number(2).get());
  std::vector<Number> special;
  for (const std::uint64_t word : {1U, 2U, 3U, 31U, 32U, 33U, 63U, 64U, 4095U, 8192U}) {
    special.push_back(number(word));
    special.push_back(opposite(special.back().get()));
  }
  for (const int bit : {6, 13, 52, 104, 128, 208, 252, 255}) {
    Number power = number();
    BN_set_bit(power.get(), bit);
    special.push_back(copy(power.get()));
    special.push_back(opposite(power.get()));
  }
  Number half = copy(order());
  BN_rshift1(half.get(), half.get());
  for (const int offset : {-1, 0, 1, 2}) special.push_back(near(half.get(), offset));
  std::vector<P256Case> cases;
  std::size_t infinite = 0;
  for (const P256Signer* signer : {&one_signer(), &minus_one, &one, &two}) {
    for (const Number& u1 : special) {
      for (const Number& u2 : special) {
        const Point sum = combination(u1.get(), signer->point.get(), u2.get());
        if (EC_POINT_is_at_infinity(p256(), sum.get()) != 0) {
          ++infinite;
          continue;
        }
        cases.push_back(case_with_sum(*signer, u1.get(), u2.get()));
      }
    }
  }
  EXPECT_GT(infinite, 40U);
  const Counts counts = agreed(cases);
  EXPECT_EQ(counts.valid, cases.size());
  // Small multiples do meet each other's partial sums when the key is small too.
  EXPECT_LT(counts.undecided, cases.size() / 4);
}

TEST_P(P256Lanes, GiveEachCheckItsOwnVerdictInAnyPlaceAndCompany) {
  std::mt19937 random(1);
  std::vector<P256Signer> signers(5);
  std::vector<P256Case> pool;
  for (std::size_t i = 0; i < avx512ifma::kP256MaxChecks; ++i) {
    const P256Signer& signer = signers[i % 5];
    pool.push_back(signed_case(signer, text("in company " + std::to_string(i))));
    switch (random() % 6) {
      case 0:
        pool.back().s[random() % 32] ^= std::byte{1};
        break;
      case 1:
        pool.back().s = Bytes(32);
        break;
      case 2:
        pool.back().r = bytes_of(order(), 32);
        break;
      case 3:
        pool.back() = case_at_infinity(signer);
        break;
      default:
        break;
    }
  }
  const std::vector<Answer> expected = answers_of(pool);
  agreed(pool);
  for (const Answer answer : {Answer::kBad, Answer::kValid, Answer::kUndecided}) {
    EXPECT_GT(std::count(expected.begin(), expected.end(), answer), 0);
  }
  std::vector<std::size_t> places(pool.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  for (int round = 0; round < 3; ++round) {
    for (std::size_t count = 1; count <= pool.size(); ++count) {
      std::shuffle(places.begin(), places.end(), random);
      std::vector<P256Case> some;
      for (std::size_t i = 0; i < count; ++i) some.push_back(pool[places[i]]);
      const std::vector<Answer> answers = answers_of(some);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(answers[i], expected[places[i]]) << "check " << places[i] << " of " << count;
      }
    }
  }
}

TEST_P(P256Lanes, AgreeOnRandomNumbers) {
  std::vector<P256Case> cases;
  for (int i = 0; i < 256; ++i) {
    cases.push_back(
        case_of(one_signer(), below_order().get(), below_order().get(), below_order().get()));
  }
  EXPECT_EQ(agreed(cases), (Counts{0, 0}));
}

}  // namespace
}  // namespace crypto::test
