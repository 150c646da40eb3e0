// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/p256_lanes_probe.h"

#include "crypto/kernels/avx512ifma/p256_field.h"
#include "crypto/kernels/avx512ifma/p256_scalar.h"

namespace crypto::test {
namespace {

using namespace avx512ifma;

/// @p limbs in one lane. The others get the same number with its lowest limb changed.
Limbs spread(const std::uint64_t (&limbs)[5], unsigned lane) {
  Limbs r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = all(static_cast<long long>(limbs[i]));
  const auto others = static_cast<__mmask8>(~(1U << lane));
  r.limb[0] = _mm512_mask_set1_epi64(r.limb[0], others, static_cast<long long>(limbs[0] ^ 0x5a5a));
  return r;
}

Limbs run(P256Step step, const Limbs& a, const Limbs& b) {
  const Fe x = {a};
  const Fe y = {b};
  switch (step) {
    case P256Step::kProduct:
      return canonical(mul(x, y));
    case P256Step::kSquare:
      return canonical(sqr(x));
    case P256Step::kTwoProducts: {
      Columns t = squared(y);
      shift_and_negate<3>(t);
      add_product(t, x, y);
      return canonical(fold(reduce(t)));
    }
    case P256Step::kSettledMinus:
      return canonical(settle(minus(x, y)));
    case P256Step::kFoldedMinus:
      return canonical(fold(minus(x, shifted<3>(y))));
    case P256Step::kFoldedRest: {
      Limbs left = fold(minus(x, shifted<3>(y)));
      for (int i = 0; i < 3; ++i) left = reduce_once(left, fe(kP));
      __mmask8 below = 0;
      difference(left, fe(kP), below);
      return blend(below, left, broadcast({0, 0, 0, 0, 0}));
    }
    case P256Step::kScalarProduct:
      return mul(Scalar{a}, Scalar{b});
    case P256Step::kIsZero:
      return blend(is_zero(x), broadcast({0, 0, 0, 0, 0}), broadcast({1, 0, 0, 0, 0}));
  }
  return a;
}

}  // namespace

void p256_probe(P256Step step, const std::uint64_t (&a)[5], const std::uint64_t (&b)[5],
                unsigned lane, std::uint64_t (&out)[5]) {
  const Limbs result = run(step, spread(a, lane), spread(b, lane));
  for (int i = 0; i < kLimbs; ++i) {
    alignas(64) std::uint64_t words[8];
    _mm512_store_si512(words, result.limb[i]);
    out[i] = words[lane];
  }
}

}  // namespace crypto::test
