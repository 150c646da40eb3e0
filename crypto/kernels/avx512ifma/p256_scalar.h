// SPDX-License-Identifier: Apache-2.0
// Numbers mod n, the order of P-256's group, eight side by side. Lanes files only.
//
// A check needs five products here, so this is plain Montgomery reduction with R = 2^260.
// Every number is below 2^256; products are below n + 2^256 * 2^256 / R, so one subtraction makes
// them the one number in [0, n).

#pragma once

#include "crypto/kernels/avx512ifma/p256_limbs.h"

namespace crypto::avx512ifma {
namespace {

/// A number mod n, limbs carried.
struct Scalar : Limbs {};

constexpr long long kN[kLimbs] = {0x9cac2fc632551, 0xada7179e84f3b, 0xfffffffbce6fa, 0xfffffffff,
                                  0xffffffff0000};
constexpr long long kMinusInverseOfN = 0x1c8aaee00bc4f;  ///< -n^-1 mod 2^52
constexpr long long kR2ModN[kLimbs] = {0x5cc0dea6dc3ba, 0x192a067d8a084, 0xbec59615571bb,
                                       0x1fc245b2392b6, 0xe12d9559d956};
/// p - n: what r must be below for r + n to be an x-coordinate too.
constexpr long long kPMinusN[kLimbs] = {0x6353d039cdaae, 0x5358e8617b0c4, 0x431905, 0, 0};

HOPSEAL_INLINE Scalar scalar(const long long (&limbs)[kLimbs]) { return {broadcast(limbs)}; }

/// a * b / R mod n, in [0, n).
HOPSEAL_INLINE Scalar mul(const Scalar& a, const Scalar& b) {
  Columns t = no_columns();
  add_product(t, a, b);
  const Scalar n = scalar(kN);
  const __m512i factor = all(kMinusInverseOfN);
  const __m512i mask = all(kLimbMask);
  for (int i = 0; i < kLimbs; ++i) {
    const __m512i q = add_lo(_mm512_setzero_si512(), t.at[i], factor);
    for (int j = 0; j < kLimbs; ++j) t.at[i + j] = add_lo(t.at[i + j], q, n.limb[j]);
    for (int j = 0; j < kLimbs; ++j) t.at[i + j + 1] = add_hi(t.at[i + j + 1], q, n.limb[j]);
    t.at[i + 1] = _mm512_add_epi64(t.at[i + 1], _mm512_srli_epi64(t.at[i], 52));
  }
  Scalar r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = t.at[kLimbs + i];
  for (int i = 0; i + 1 < kLimbs; ++i) {
    r.limb[i + 1] = _mm512_add_epi64(r.limb[i + 1], _mm512_srli_epi64(r.limb[i], 52));
    r.limb[i] = _mm512_and_si512(r.limb[i], mask);
  }
  return {reduce_once(r, n)};
}

/// Lanes in which a carried number is in [1, n).
HOPSEAL_INLINE __mmask8 in_range(const Scalar& a) {
  __mmask8 zero = 0xff;
  for (int i = 0; i < kLimbs; ++i) {
    zero = _mm512_mask_testn_epi64_mask(zero, a.limb[i], a.limb[i]);
  }
  __mmask8 below = 0;
  difference(a, scalar(kN), below);
  return static_cast<__mmask8>(below & ~zero);
}

}  // namespace
}  // namespace crypto::avx512ifma
