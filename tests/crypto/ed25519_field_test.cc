// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the Ed25519 lanes against OpenSSL's BIGNUM, at the ends of the limb ranges too.

#include <gtest/gtest.h>

#include <random>

#include "crypto/kernels/cpu_features.h"
#include "tests/crypto/ed25519_lanes_probe.h"
#include "tests/crypto/edwards_reference.h"

namespace crypto::test {
namespace {

constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51U) - 1;
constexpr std::uint64_t kLargestOperand = kMask51 + (std::uint64_t{1} << 17U);

class Ed25519Field : public testing::Test {
 protected:
  void SetUp() override {
    if ((cpu_features() & kCpuAvx512Ifma) == 0) {
      GTEST_SKIP() << "this CPU or operating system lacks AVX-512 IFMA";
    }
  }

  /// Random limbs below @p bound, one in three of them at an end of a range.
  EightFields numbers(std::uint64_t bound) {
    EightFields made;
    for (auto& number : made.limb) {
      for (std::uint64_t& limb : number) {
        const std::uint64_t ends[] = {0, 1, kMask51 - 18, kMask51 - 1, kMask51, bound - 1};
        limb = random_() % 3 == 0 ? ends[random_() % std::size(ends)] : random_() % bound;
      }
    }
    return made;
  }

 private:
  std::mt19937_64 random_{25519};
};

Big value(const std::uint64_t (&limbs)[5]) {
  Big sum;
  for (unsigned i = 5; i-- > 0;) {
    BN_lshift(sum.get(), sum.get(), 51);
    BN_add_word(sum.get(), limbs[i]);
  }
  return field().reduce(sum);
}

/// All eight lanes of @p operation against @p expected, and that results are canonical.
template <class Expected>
void expect_lanes(FieldOperation operation, const EightFields& a, const EightFields& b,
                  Expected expected) {
  const EightFields r = probe_field25519(operation, a, b);
  for (unsigned lane = 0; lane < 8; ++lane) {
    const Big right = expected(value(a.limb[lane]), value(b.limb[lane]));
    Big found;
    for (unsigned i = 5; i-- > 0;) {
      EXPECT_LE(r.limb[lane][i], kMask51);
      BN_lshift(found.get(), found.get(), 51);
      BN_add_word(found.get(), r.limb[lane][i]);
    }
    EXPECT_TRUE(found == right) << "lane " << lane;
  }
}

TEST_F(Ed25519Field, AgreesWithBignum) {
  const Modulo& f = field();
  for (int i = 0; i < 2000; ++i) {
    const EightFields a = numbers(kLargestOperand);
    const EightFields b = numbers(kLargestOperand);
    expect_lanes(FieldOperation::kMultiply, a, b,
                 [&](const Big& x, const Big& y) { return f.mul(x, y); });
    expect_lanes(FieldOperation::kSquare, a, b,
                 [&](const Big& x, const Big&) { return f.mul(x, x); });
    expect_lanes(FieldOperation::kAdd, a, b,
                 [&](const Big& x, const Big& y) { return f.add(x, y); });
    expect_lanes(FieldOperation::kSubtract, a, b,
                 [&](const Big& x, const Big& y) { return f.sub(x, y); });
    expect_lanes(FieldOperation::kCarry, numbers(std::uint64_t{1} << 63U), b,
                 [&](const Big& x, const Big&) { return x; });
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
}

TEST_F(Ed25519Field, MultipliesTheLargestOperands) {
  EightFields a;
  for (auto& number : a.limb) std::fill(std::begin(number), std::end(number), kLargestOperand - 1);
  expect_lanes(FieldOperation::kMultiply, a, a,
               [](const Big& x, const Big& y) { return field().mul(x, y); });
  expect_lanes(FieldOperation::kSquare, a, a,
               [](const Big& x, const Big&) { return field().mul(x, x); });
}

TEST_F(Ed25519Field, Inverts) {
  for (int i = 0; i < 2000; ++i) {
    EightFields a = numbers(kLargestOperand);
    for (unsigned lane = 0; lane < 8; ++lane) {
      if (BN_is_zero(value(a.limb[lane]).get())) a.limb[lane][0] += 1;
    }
    expect_lanes(FieldOperation::kInvert, a, a,
                 [](const Big& x, const Big&) { return field().inverse(x); });
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
}

TEST_F(Ed25519Field, InvertsSmallNumbersAndTheirNegatives) {
  // Alone among ones, so that the one number that is inverted is small or close to p.
  for (std::uint64_t small = 1; small < 3000; small = small < 70 ? small + 1 : small * 3 / 2) {
    for (const bool negative : {false, true}) {
      EightFields a = {};
      for (auto& number : a.limb) number[0] = 1;
      if (negative) {
        for (std::uint64_t& limb : a.limb[small % 8]) limb = kMask51;
        a.limb[small % 8][0] = kMask51 - 18 - small;
      } else {
        a.limb[small % 8][small % 5] = small;
        if (small % 5 != 0) a.limb[small % 8][0] = 0;
      }
      expect_lanes(FieldOperation::kInvert, a, a,
                   [](const Big& x, const Big&) { return field().inverse(x); });
    }
  }
}

}  // namespace
}  // namespace crypto::test
