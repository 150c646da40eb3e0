// SPDX-License-Identifier: Apache-2.0
// The field of P-256, numbers mod its order and inverses in the lanes, against OpenSSL's numbers.

#include <gtest/gtest.h>

#include "crypto/kernels/avx512ifma/p256_inverse.h"
#include "tests/crypto/p256_lanes_probe.h"
#include "tests/crypto/p256_reference.h"

namespace crypto::test {
namespace {

class P256Arithmetic : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_ifma()) GTEST_SKIP() << kWhySkipped;
  }
};

const BIGNUM* field() { return EC_GROUP_get0_field(p256()); }

void to_limbs(const BIGNUM* value, std::uint64_t (&limbs)[5]) {
  const Bytes bytes = bytes_of(value, 33);
  for (std::uint64_t& limb : limbs) limb = 0;
  for (unsigned bit = 0; bit < 260; ++bit) {
    const auto byte = std::to_integer<std::uint64_t>(bytes[32 - bit / 8]);
    limbs[bit / 52] |= (byte >> bit % 8 & 1U) << bit % 52;
  }
}

Number from_limbs(const std::uint64_t (&limbs)[5]) {
  Number value = number();
  for (int i = 5; i-- > 0;) {
    BN_lshift(value.get(), value.get(), 52);
    BN_add(value.get(), value.get(), number(limbs[i]).get());
  }
  return value;
}

Number run(P256Step step, const BIGNUM* a, const BIGNUM* b, unsigned lane) {
  std::uint64_t x[5];
  std::uint64_t y[5];
  std::uint64_t out[5];
  to_limbs(a, x);
  to_limbs(b, y);
  p256_probe(step, x, y, lane, out);
  return from_limbs(out);
}

std::string hex(const BIGNUM* value) {
  char* digits = BN_bn2hex(value);
  std::string made(digits);
  OPENSSL_free(digits);
  return made;
}

/// Numbers below 2^bits: the ends of what limbs hold, multiples of p and n and their neighbours,
/// and random ones.
std::vector<Number> numbers_below(int bits) {
  std::vector<Number> made;
  Number limit = number();
  BN_set_bit(limit.get(), bits);
  const auto add = [&](Number value) {
    if (!BN_is_negative(value.get()) && BN_cmp(value.get(), limit.get()) < 0) {
      made.push_back(std::move(value));
    }
  };
  for (const std::uint64_t word : {0U, 1U, 2U}) add(number(word));
  for (const int offset : {-2, -1}) add(near(limit.get(), offset));
  for (const BIGNUM* modulus : {field(), order()}) {
    for (std::uint64_t times = 1; times < 16; times += times < 4 ? 1 : 5) {
      Number multiple = copy(modulus);
      BN_mul_word(multiple.get(), times);
      for (const int offset : {-1, 0, 1}) add(near(multiple.get(), offset));
    }
  }
  for (int bit = 51; bit < bits; bit += 52) {  // one limb all ones, then the bit above it
    Number ones = number(0xfffffffffffff);
    BN_lshift(ones.get(), ones.get(), bit - 51);
    add(std::move(ones));
    Number power = number(1);
    BN_lshift(power.get(), power.get(), bit + 1);
    add(std::move(power));
  }
  for (int i = 0; i < 24; ++i) {
    Number any = number();
    BN_rand(any.get(), bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    add(std::move(any));
  }
  return made;
}

Number over_r(const BIGNUM* value, const BIGNUM* modulus) {
  Number r = number();
  BN_set_bit(r.get(), 260);
  const Number inverse(BN_mod_inverse(nullptr, r.get(), modulus, numbers()));
  Number made = number();
  BN_mod_mul(made.get(), value, inverse.get(), modulus, numbers());
  return made;
}

template <class Expected>
void check_pairs(P256Step step, int bits_of_a, int bits_of_b, Expected expected) {
  unsigned lane = 0;
  for (const Number& a : numbers_below(bits_of_a)) {
    for (const Number& b : numbers_below(bits_of_b)) {
      const Number wanted = expected(a.get(), b.get());
      const Number got = run(step, a.get(), b.get(), lane);
      ASSERT_EQ(BN_cmp(got.get(), wanted.get()), 0)
          << hex(a.get()) << ", " << hex(b.get()) << " give " << hex(got.get()) << ", not "
          << hex(wanted.get());
      lane = (lane + 1) % 8;
    }
  }
}

TEST_F(P256Arithmetic, MultipliesInTheField) {
  // 2^260 * 2^259 / 2^260 and p are below 2^260 still.
  check_pairs(P256Step::kProduct, 260, 259, [](const BIGNUM* a, const BIGNUM* b) {
    Number product = number();
    BN_mul(product.get(), a, b, numbers());
    return over_r(product.get(), field());
  });
}

TEST_F(P256Arithmetic, SquaresInTheField) {
  check_pairs(P256Step::kSquare, 259, 8, [](const BIGNUM* a, const BIGNUM*) {
    Number square = number();
    BN_sqr(square.get(), a, numbers());
    return over_r(square.get(), field());
  });
}

TEST_F(P256Arithmetic, ReducesTwoProductsTogether) {
  check_pairs(P256Step::kTwoProducts, 260, 259, [](const BIGNUM* a, const BIGNUM* b) {
    Number sum = number();
    BN_lshift(sum.get(), b, 3);
    BN_sub(sum.get(), a, sum.get());
    BN_mul(sum.get(), sum.get(), b, numbers());
    return over_r(sum.get(), field());
  });
}

TEST_F(P256Arithmetic, SubtractsInTheField) {
  // Subtrahends below 2^257 are below 4p, minuends below 2^259 below 12p.
  check_pairs(P256Step::kSettledMinus, 259, 257, [](const BIGNUM* a, const BIGNUM* b) {
    Number difference = number();
    BN_mod_sub(difference.get(), a, b, field(), numbers());
    return difference;
  });
}

TEST_F(P256Arithmetic, FoldsBackIntoTwoMultiplesOfP) {
  check_pairs(P256Step::kFoldedMinus, 260, 260, [](const BIGNUM* a, const BIGNUM* b) {
    Number eight = number();
    BN_lshift(eight.get(), b, 3);
    Number difference = number();
    BN_mod_sub(difference.get(), a, eight.get(), field(), numbers());
    return difference;
  });
  check_pairs(P256Step::kFoldedRest, 260, 260,
              [](const BIGNUM*, const BIGNUM*) { return number(); });
}

TEST_F(P256Arithmetic, KnowsZero) {
  check_pairs(P256Step::kIsZero, 260, 8, [](const BIGNUM* a, const BIGNUM*) {
    Number rest = number();
    BN_mod(rest.get(), a, field(), numbers());
    return number(BN_is_zero(rest.get()) ? 1 : 0);
  });
}

TEST_F(P256Arithmetic, MultipliesModuloTheOrder) {
  check_pairs(P256Step::kScalarProduct, 256, 256, [](const BIGNUM* a, const BIGNUM* b) {
    Number product = number();
    BN_mul(product.get(), a, b, numbers());
    return over_r(product.get(), order());
  });
}

TEST(P256Inverse, IsTheInverse) {
  for (const bool of_field : {true, false}) {
    const BIGNUM* modulus = of_field ? field() : order();
    std::vector<Number> values = numbers_below(256);
    for (int i = 0; i < 2000; ++i) {
      values.push_back(number());
      BN_rand_range(values.back().get(), modulus);
    }
    for (const Number& value : values) {
      if (BN_is_zero(value.get()) || BN_cmp(value.get(), modulus) >= 0) continue;
      const Bytes bytes = bytes_of(value.get(), 32);
      std::uint64_t words[4] = {};
      for (unsigned i = 0; i < 32; ++i) {
        words[3 - i / 8] = words[3 - i / 8] << 8U | std::to_integer<std::uint64_t>(bytes[i]);
      }
      avx512ifma::p256_invert(
          of_field ? avx512ifma::P256Modulus::kField : avx512ifma::P256Modulus::kOrder, words,
          words);
      Number got = number();
      for (int i = 4; i-- > 0;) {
        BN_lshift(got.get(), got.get(), 64);
        BN_add(got.get(), got.get(), number(words[i]).get());
      }
      const Number wanted(BN_mod_inverse(nullptr, value.get(), modulus, numbers()));
      ASSERT_EQ(BN_cmp(got.get(), wanted.get()), 0) << hex(value.get());
    }
  }
}

}  // namespace
}  // namespace crypto::test
