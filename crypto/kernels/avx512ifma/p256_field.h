// SPDX-License-Identifier: Apache-2.0
// The field of P-256, eight elements side by side. Lanes files only.
//
// p = 2^256 - 2^224 + 2^192 + 2^96 - 1. Elements are kept times R = 2^260 mod p (Montgomery's
// form). -p^-1 mod 2^52 is 1, so a column is its own Montgomery factor, and p's limbs are
//   2^52 - 1, 2^44 - 1, 0, 2^36, 2^48 - 2^16:
// the two lowest act as +2^96 - 1, so a reduction step has four multiplications and two shifts.
//
// Bounds, in multiples of p; every element is below 16 (five limbs hold 2^260 = 16p):
//   mul, sqr   a * b <= 240  ->  below 1 + a * b / 16, so below 2 while a * b < 16
//   settle     adds 4p: the loose number must be above -4 and below 12
//   fold       any loose number within +-2^15 -> between 0.99 and 2.01
// What is kept (points, table rows) is below 2.1.

#pragma once

#include "crypto/kernels/avx512ifma/p256_limbs.h"

namespace crypto::avx512ifma {
namespace {

/// An element, limbs carried.
struct Fe : Limbs {};
/// An element with loose limbs.
struct LooseFe : Limbs {};

constexpr long long kP[kLimbs] = {0xfffffffffffff, 0xfffffffffff, 0, 0x1000000000, 0xffffffff0000};
/// 4p, with the two lowest limbs as 2^98 - 4.
constexpr long long kFourP[kLimbs] = {-4, 1LL << 46, 0, 1LL << 38, (1LL << 50) - (1LL << 18)};
constexpr long long kR[kLimbs] = {0x10, 0xf000000000000, 0xfffffffffffff, 0xffeffffffffff, 0xfffff};
constexpr long long kR2[kLimbs] = {0x300, 0xffffffff00000, 0xffffefffffffb, 0xfdfffffffffff,
                                   0x4ffffff};
constexpr long long kR3[kLimbs] = {0xfd0000000a000, 0xffffff7ffffff, 0xfffcffffffedf,
                                   0x100000005ffff, 0x180000000};

HOPSEAL_INLINE Fe fe(const long long (&limbs)[kLimbs]) { return {broadcast(limbs)}; }
HOPSEAL_INLINE Fe fe_one() { return fe(kR); }

/// t / R mod p, loose. With q the low limb of t, adding q * p clears it and leaves its carry.
/// Columns may be negative.
HOPSEAL_INLINE LooseFe reduce(Columns& t) {
  const __m512i mask = all(kLimbMask);
  const __m512i two44 = all(1LL << 44);
  const __m512i two36 = all(1LL << 36);
  const __m512i top = all(kP[4]);
  for (int i = 0; i < kLimbs; ++i) {
    const __m512i column = t.at[i];
    const __m512i q = _mm512_and_si512(column, mask);
    const __m512i next = _mm512_add_epi64(t.at[i + 1], _mm512_srai_epi64(column, 52));
    t.at[i + 1] = add_lo(next, column, two44);
    t.at[i + 2] = _mm512_add_epi64(t.at[i + 2], _mm512_srli_epi64(q, 8));
    t.at[i + 3] = add_lo(t.at[i + 3], column, two36);
    t.at[i + 4] = add_lo(_mm512_add_epi64(t.at[i + 4], _mm512_srli_epi64(q, 16)), column, top);
    t.at[i + 5] = add_hi(t.at[i + 5], column, top);
  }
  LooseFe r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = t.at[kLimbs + i];
  return r;
}

HOPSEAL_INLINE Fe carried(const LooseFe& a) {
  const Fe r = {carry(a)};
  assert(is_carried(r));
  return r;
}

/// a * b / R with limbs still loose, for more additions before they are carried.
HOPSEAL_INLINE LooseFe mul_loose(const Fe& a, const Fe& b) {
  Columns t = no_columns();
  add_product(t, a, b);
  return reduce(t);
}
HOPSEAL_INLINE LooseFe sqr_loose(const Fe& a) {
  Columns t = squared(a);
  return reduce(t);
}
HOPSEAL_INLINE Fe mul(const Fe& a, const Fe& b) { return carried(mul_loose(a, b)); }
HOPSEAL_INLINE Fe sqr(const Fe& a) { return carried(sqr_loose(a)); }

HOPSEAL_INLINE LooseFe plus(const Limbs& a, const Limbs& b) {
  LooseFe r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
  return r;
}
HOPSEAL_INLINE LooseFe minus(const Limbs& a, const Limbs& b) {
  LooseFe r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_sub_epi64(a.limb[i], b.limb[i]);
  return r;
}
template <int kBits>
HOPSEAL_INLINE LooseFe shifted(const Limbs& a) {
  LooseFe r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_slli_epi64(a.limb[i], kBits);
  return r;
}
/// -a in some lanes.
HOPSEAL_INLINE LooseFe negated_in(__mmask8 lanes, const Limbs& a) {
  LooseFe r;
  for (int i = 0; i < kLimbs; ++i) {
    r.limb[i] = _mm512_mask_sub_epi64(a.limb[i], lanes, _mm512_setzero_si512(), a.limb[i]);
  }
  return r;
}

HOPSEAL_INLINE Fe settle(const LooseFe& a) {
  LooseFe t = a;
  t.limb[0] = _mm512_add_epi64(t.limb[0], all(kFourP[0]));
  t.limb[1] = _mm512_add_epi64(t.limb[1], all(kFourP[1]));
  t.limb[3] = _mm512_add_epi64(t.limb[3], all(kFourP[3]));
  t.limb[4] = _mm512_add_epi64(t.limb[4], all(kFourP[4]));
  return carried(t);
}

/// Takes h = floor(a / 2^256) - 1 times p away, from a top limb whose carry is still to come: what
/// is left lies between 2^256 and 2^257, give or take h * 2^224 and that carry.
HOPSEAL_INLINE Fe fold(const LooseFe& a) {
  const __m512i h = _mm512_sub_epi64(_mm512_srai_epi64(a.limb[4], 48), all(1));
  LooseFe t = a;
  t.limb[0] = _mm512_add_epi64(t.limb[0], h);
  t.limb[1] = _mm512_sub_epi64(t.limb[1], _mm512_slli_epi64(h, 44));
  t.limb[3] = _mm512_sub_epi64(t.limb[3], _mm512_slli_epi64(h, 36));
  t.limb[4] = _mm512_add_epi64(_mm512_sub_epi64(t.limb[4], _mm512_slli_epi64(h, 48)),
                               _mm512_slli_epi64(h, 16));
  return carried(t);
}

/// The same element as the one number in [0, p). Below 16.
HOPSEAL_INLINE Fe canonical(const Fe& a) {
  const Fe close = mul(a, fe_one());  // below 1 + 16 * R / 2^260, R being below 2^228
  return {reduce_once(close, fe(kP))};
}

/// Lanes in which the element is 0. Below 16.
HOPSEAL_INLINE __mmask8 is_zero(const Fe& a) {
  Columns t = no_columns();
  for (int i = 0; i < kLimbs; ++i) t.at[i] = a.limb[i];
  const Fe r = carried(reduce(t));  // at most p, and a multiple of p exactly when a is
  __mmask8 zero = 0xff;
  for (int i = 0; i < kLimbs; ++i) {
    zero = _mm512_mask_testn_epi64_mask(zero, r.limb[i], r.limb[i]);
  }
  return static_cast<__mmask8>(zero | equal(r, fe(kP)));
}

}  // namespace
}  // namespace crypto::avx512ifma
