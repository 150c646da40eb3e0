// SPDX-License-Identifier: Apache-2.0
// The numbers that RSA lanes are built of, against OpenSSL's: what decode_rsa_key prepares, and the
// Montgomery products.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/crypto/rsa_lanes_probe.h"
#include "tests/crypto/rsa_reference.h"

namespace crypto::test {
namespace {

Number from_limbs(const std::uint64_t* limbs, std::uint32_t count) {
  Number value = number();
  for (std::uint32_t i = count; i-- > 0;) {
    BN_lshift(value.get(), value.get(), kRsaLimbBits);
    const Number limb = number(limbs[i]);
    BN_add(value.get(), value.get(), limb.get());
  }
  return value;
}

std::vector<std::uint64_t> to_limbs(const BIGNUM* value, std::uint32_t count) {
  const Bytes bytes = bytes_of(value, count * kRsaLimbBits / 8 + 8);
  std::vector<std::uint64_t> limbs(count);
  for (std::uint32_t bit = 0; bit < count * kRsaLimbBits; ++bit) {
    const auto byte = std::to_integer<std::uint64_t>(bytes[bytes.size() - 1 - bit / 8]);
    limbs[bit / kRsaLimbBits] |= (byte >> bit % 8 & 1U) << bit % kRsaLimbBits;
  }
  return limbs;
}

/// An odd modulus of exactly @p bits, random but for what @p shape says.
enum class Shape { kRandom, kOnes, kSparse };
Number modulus_of(unsigned bits, Shape shape) {
  Number n = number();
  if (shape == Shape::kRandom) {
    BN_rand(n.get(), static_cast<int>(bits), BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    return n;
  }
  BN_set_bit(n.get(), static_cast<int>(shape == Shape::kOnes ? bits : bits - 1));
  const Number one = number(1);
  (shape == Shape::kOnes ? BN_sub : BN_add)(n.get(), n.get(), one.get());
  return n;
}

RsaKey key_of(const BIGNUM* n, std::uint64_t exponent = 65537) {
  const Number e = number(exponent);
  const Pkey openssl = key_from(n, e.get());
  RsaKey key;
  EXPECT_TRUE(decode_rsa_key(openssl.get(), key));
  return key;
}

/// R^-power mod n.
Number radix_power(const RsaKey& key, const BIGNUM* n, std::uint64_t power) {
  const NumberContext context(BN_CTX_new());
  Number value = number();
  BN_set_bit(value.get(), static_cast<int>(key.limbs * kRsaLimbBits));
  const Number exponent = number(power);
  BN_mod_inverse(value.get(), value.get(), n, context.get());
  BN_mod_exp(value.get(), value.get(), exponent.get(), n, context.get());
  return value;
}

TEST(RsaKeyTest, PicksTheSmallestClassThatHoldsTheModulus) {
  const struct {
    unsigned bits, limbs, bytes;
  } cases[] = {{2048, 40, 256}, {2049, 40, 257}, {2056, 40, 257}, {2068, 40, 259}, {2069, 60, 259},
               {3072, 60, 384}, {3108, 60, 389}, {3109, 80, 389}, {4095, 80, 512}, {4096, 80, 512}};
  for (const auto& [bits, limbs, bytes] : cases) {
    const RsaKey key = key_of(modulus_of(bits, Shape::kRandom).get());
    EXPECT_EQ(key.limbs, limbs) << bits;
    EXPECT_EQ(key.bytes, bytes) << bits;
  }
}

TEST(RsaKeyTest, HoldsWhatItSays) {
  const NumberContext context(BN_CTX_new());
  for (const std::uint64_t exponent : {3ULL, 5ULL, 65537ULL, 4294967295ULL}) {
    const Number n = modulus_of(3000, Shape::kRandom);
    const RsaKey key = key_of(n.get(), exponent);
    EXPECT_EQ(key.exponent, exponent);
    EXPECT_EQ(BN_cmp(from_limbs(key.modulus, kRsaMaxLimbs).get(), n.get()), 0);
    EXPECT_EQ(key.modulus[0] * key.neg_inverse % (1ULL << kRsaLimbBits),
              (1ULL << kRsaLimbBits) - 1);

    Number fold = from_limbs(key.fold, kRsaMaxLimbs);
    EXPECT_LT(BN_cmp(fold.get(), n.get()), 0);
    BN_lshift(fold.get(), fold.get(), kRsaFoldLimbs * kRsaLimbBits);
    BN_mod(fold.get(), fold.get(), n.get(), context.get());
    EXPECT_TRUE(BN_is_one(fold.get()));

    const Number scale = from_limbs(key.hash_scale, kRsaMaxLimbs);
    Number expected = radix_power(key, n.get(), exponent - 2);
    BN_sub(expected.get(), n.get(), expected.get());
    EXPECT_EQ(BN_cmp(scale.get(), expected.get()), 0) << exponent;

    const Number padding = number_of(encoded_message(digest_info(Bytes(32)), key.bytes));
    BN_mod_mul(expected.get(), expected.get(), padding.get(), n.get(), context.get());
    EXPECT_EQ(BN_cmp(from_limbs(key.padding_scaled, kRsaMaxLimbs).get(), expected.get()), 0);
  }
}

TEST(RsaKeyTest, LeavesToOpenSslWhatMontgomeryCannotDo) {
  const Number odd = modulus_of(2048, Shape::kRandom);
  const Number even = modulus_of(2048, Shape::kRandom);
  const Number too_short = modulus_of(2047, Shape::kOnes);
  const Number too_long = modulus_of(4149, Shape::kOnes);
  BN_clear_bit(even.get(), 0);
  const struct {
    const char* name;
    const BIGNUM* n;
    std::uint64_t e;
  } cases[] = {{"even modulus", even.get(), 65537},
               {"even exponent", odd.get(), 65536},
               {"exponent 1", odd.get(), 1},
               {"exponent 0", odd.get(), 0},
               {"exponent of 33 bits", odd.get(), (1ULL << 32) + 1},
               {"modulus too short", too_short.get(), 65537},
               {"modulus too long", too_long.get(), 65537}};
  for (const auto& [name, n, e] : cases) {
    const Number exponent = number(e);
    const Pkey openssl = key_from(n, exponent.get());
    RsaKey key;
    EXPECT_FALSE(decode_rsa_key(openssl.get(), key)) << name;
  }
}

class RsaArithmetic : public RsaLanes {
 protected:
  /// @p got must be x R^-1 mod n and at most x / R + 4 n.
  void expect_reduced(const RsaKey& key, const BIGNUM* n, const BIGNUM* x,
                      const std::vector<std::uint64_t>& got) {
    for (const std::uint64_t limb : got) ASSERT_LT(limb, 1ULL << kRsaLimbBits);
    const Number result = from_limbs(got.data(), key.limbs);
    Number expected = radix_power(key, n, 1);
    BN_mod_mul(expected.get(), expected.get(), x, n, context_.get());
    Number residue = number();
    BN_mod(residue.get(), result.get(), n, context_.get());
    EXPECT_EQ(BN_cmp(residue.get(), expected.get()), 0);

    Number bound = number(4);
    BN_mul(bound.get(), bound.get(), n, context_.get());
    Number quotient = number();
    BN_rshift(quotient.get(), x, static_cast<int>(key.limbs * kRsaLimbBits));
    BN_add(bound.get(), bound.get(), quotient.get());
    EXPECT_LE(BN_cmp(result.get(), bound.get()), 0);
  }

  void expect_right(const RsaKey& key, const BIGNUM* n, const BIGNUM* a, const BIGNUM* b,
                    unsigned lane) {
    const auto x = to_limbs(a, key.limbs);
    const auto y = to_limbs(b, key.limbs);
    std::vector<std::uint64_t> out(key.limbs);
    Number product = number();
    for (const unsigned lanes : {4U, 8U}) {
      rsa_probe_multiply(key, x.data(), y.data(), lanes, lane % lanes, out.data());
      BN_mul(product.get(), a, b, context_.get());
      expect_reduced(key, n, product.get(), out);
      rsa_probe_square(key, x.data(), lanes, lane % lanes, out.data());
      BN_sqr(product.get(), a, context_.get());
      expect_reduced(key, n, product.get(), out);
    }
  }

  NumberContext context_{BN_CTX_new()};
};

TEST_F(RsaArithmetic, ProductsAreOpenSsls) {
  unsigned lane = 0;
  for (const unsigned bits : {2048U, 2068U, 3072U, 3108U, 4096U, 2500U}) {
    for (const Shape shape : {Shape::kRandom, Shape::kOnes, Shape::kSparse}) {
      const Number n = modulus_of(bits, shape);
      const RsaKey key = key_of(n.get());
      Number most = number(5);  // factors are below 5 n
      BN_mul(most.get(), most.get(), n.get(), context_.get());
      for (int i = 0; i < 20; ++i) {
        Number a = number();
        Number b = number();
        BN_rand_range(a.get(), most.get());
        BN_rand_range(b.get(), most.get());
        expect_right(key, n.get(), a.get(), b.get(), lane++ % 8);
      }
    }
  }
}

TEST_F(RsaArithmetic, ProductsOfLimbsThatAreAllOnesOrZeroAreOpenSsls) {
  for (const unsigned bits : {2048U, 3072U, 4096U}) {
    const Number n = modulus_of(bits, Shape::kOnes);
    const RsaKey key = key_of(n.get());
    std::vector<Number> factors;
    factors.push_back(number(0));
    factors.push_back(number(1));
    for (unsigned shift = 0; shift < bits; shift += 13 * kRsaLimbBits / 2) {
      Number low = number();  // ones below the shift
      BN_set_bit(low.get(), static_cast<int>(shift));
      BN_sub_word(low.get(), 1);
      Number high = number();  // ones from the shift on
      BN_sub(high.get(), n.get(), low.get());
      factors.push_back(std::move(low));
      factors.push_back(std::move(high));
    }
    unsigned lane = 0;
    for (const Number& a : factors) {
      for (const Number& b : factors) expect_right(key, n.get(), a.get(), b.get(), lane++ % 8);
    }
  }
}

}  // namespace
}  // namespace crypto::test
