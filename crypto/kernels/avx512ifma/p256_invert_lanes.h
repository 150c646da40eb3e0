// SPDX-License-Identifier: Apache-2.0
// One inversion for all lanes of several vectors (Montgomery's trick). Lanes files only.

#pragma once

#include "crypto/kernels/avx512ifma/p256_field.h"
#include "crypto/kernels/avx512ifma/p256_inverse.h"
#include "crypto/kernels/avx512ifma/p256_scalar.h"

namespace crypto::avx512ifma {
namespace {

constexpr std::uint32_t kLanes = 8;
/// Vectors of checks that share their inversions: 32 checks. More would share them further and
/// leave the second-level cache.
constexpr std::uint32_t kMaxVectors = 4;

/// The number in [0, modulus) that lane 0 holds.
HOPSEAL_INLINE void words_of_lane_0(const Limbs& a, std::uint64_t (&words)[4]) {
  __m512i w[4];
  words_of_limbs(a, w);
  for (int i = 0; i < 4; ++i) {
    words[i] = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(w[i])));
  }
}

HOPSEAL_INLINE Limbs all_lanes(const std::uint64_t (&words)[4]) {
  __m512i w[4];
  for (int i = 0; i < 4; ++i) w[i] = all(static_cast<long long>(words[i]));
  return limbs_of_words(w);
}

/// Montgomery's form in, Montgomery's form out.
HOPSEAL_INLINE Fe inverse_of_lane_0(const Fe& a) {
  std::uint64_t words[4];
  words_of_lane_0(canonical(a), words);
  p256_invert(P256Modulus::kField, words, words);
  return mul(Fe{all_lanes(words)}, fe(kR3));
}

/// Plain s in, and R / s out, which is what a product with a plain number wants: the product of s
/// is short of a factor R for every multiplication, and so is its inverse in the other direction.
HOPSEAL_INLINE Scalar inverse_of_lane_0(const Scalar& a) {
  std::uint64_t words[4];
  words_of_lane_0(a, words);
  p256_invert(P256Modulus::kOrder, words, words);
  return mul(Scalar{all_lanes(words)}, scalar(kR2ModN));
}

template <class Element>
HOPSEAL_INLINE Element lanes_swapped_by_4(const Element& a) {
  Element r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_shuffle_i64x2(a.limb[i], a.limb[i], 0x4e);
  return r;
}
template <class Element>
HOPSEAL_INLINE Element lanes_swapped_by_2(const Element& a) {
  Element r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_shuffle_i64x2(a.limb[i], a.limb[i], 0xb1);
  return r;
}
template <class Element>
HOPSEAL_INLINE Element lanes_swapped_by_1(const Element& a) {
  Element r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_permutex_epi64(a.limb[i], 0xb1);
  return r;
}

/// Replaces every lane of a[0..count) by its inverse. No lane may be 0; count <= kMaxVectors.
template <class Element>
inline void invert_lanes(Element* a, std::uint32_t count) {
  Element before[kMaxVectors];  // before[i] = a[0] * ... * a[i - 1]
  Element product = a[0];
  for (std::uint32_t i = 1; i < count; ++i) {
    before[i] = product;
    product = mul(product, a[i]);
  }
  // Now the lanes: halves, quarters, neighbours.
  const Element of_2 = mul(product, lanes_swapped_by_4(product));
  const Element of_4 = mul(of_2, lanes_swapped_by_2(of_2));
  const Element of_8 = mul(of_4, lanes_swapped_by_1(of_4));
  Element inverse = inverse_of_lane_0(of_8);
  inverse = mul(inverse, lanes_swapped_by_1(of_4));
  inverse = mul(inverse, lanes_swapped_by_2(of_2));
  inverse = mul(inverse, lanes_swapped_by_4(product));
  for (std::uint32_t i = count - 1; i > 0; --i) {
    const Element of_this = mul(inverse, before[i]);
    inverse = mul(inverse, a[i]);
    a[i] = of_this;
  }
  a[0] = inverse;
}

}  // namespace
}  // namespace crypto::avx512ifma
