// SPDX-License-Identifier: Apache-2.0
// Eight 256-bit numbers side by side: what arithmetic mod p and mod n share. Lanes files only.
//
// A number is five limbs of 52 bits, least significant first, one limb of all eight lanes in a
// vector. vpmadd52 multiplies the low 52 bits of its operands and silently drops the rest, so what
// is multiplied must be *carried*: every limb in [0, 2^52). *Loose* limbs are signed, between -2^60
// and 2^60, and say what additions and subtractions left behind.

#pragma once

#include <immintrin.h>

#include <cassert>
#include <cstdint>

#define HOPSEAL_INLINE [[gnu::always_inline]] inline

namespace crypto::avx512ifma {
namespace {

constexpr int kLimbs = 5;
constexpr long long kLimbMask = (1LL << 52) - 1;

struct Limbs {
  __m512i limb[kLimbs];
};

HOPSEAL_INLINE __m512i all(long long value) { return _mm512_set1_epi64(value); }
HOPSEAL_INLINE __m512i add_lo(__m512i sum, __m512i a, __m512i b) {
  return _mm512_madd52lo_epu64(sum, a, b);
}
HOPSEAL_INLINE __m512i add_hi(__m512i sum, __m512i a, __m512i b) {
  return _mm512_madd52hi_epu64(sum, a, b);
}

/// The same number in all lanes.
HOPSEAL_INLINE Limbs broadcast(const long long (&limbs)[kLimbs]) {
  return {{all(limbs[0]), all(limbs[1]), all(limbs[2]), all(limbs[3]), all(limbs[4])}};
}

HOPSEAL_INLINE Limbs blend(__mmask8 lanes, const Limbs& otherwise, const Limbs& in_lanes) {
  Limbs r;
  for (int i = 0; i < kLimbs; ++i) {
    r.limb[i] = _mm512_mask_mov_epi64(otherwise.limb[i], lanes, in_lanes.limb[i]);
  }
  return r;
}

/// Loose in, carried out. The number itself must be in [0, 2^260).
HOPSEAL_INLINE Limbs carry(const Limbs& loose) {
  const __m512i mask = all(kLimbMask);
  Limbs r = loose;
  for (int i = 0; i + 1 < kLimbs; ++i) {
    r.limb[i + 1] = _mm512_add_epi64(r.limb[i + 1], _mm512_srai_epi64(r.limb[i], 52));
    r.limb[i] = _mm512_and_si512(r.limb[i], mask);
  }
  return r;
}

/// Lanes in which two carried numbers are the same.
HOPSEAL_INLINE __mmask8 equal(const Limbs& a, const Limbs& b) {
  __mmask8 same = 0xff;
  for (int i = 0; i < kLimbs; ++i) {
    same = _mm512_mask_cmpeq_epi64_mask(same, a.limb[i], b.limb[i]);
  }
  return same;
}

/// a - b as loose limbs, and the lanes in which it is negative. Both carried.
HOPSEAL_INLINE Limbs difference(const Limbs& a, const Limbs& b, __mmask8& negative) {
  Limbs r;
  for (int i = 0; i < kLimbs; ++i) r.limb[i] = _mm512_sub_epi64(a.limb[i], b.limb[i]);
  r = carry(r);  // the sign ends up in the top limb
  negative = _mm512_movepi64_mask(r.limb[4]);
  return r;
}

/// a - b where that is not negative, else a.
HOPSEAL_INLINE Limbs reduce_once(const Limbs& a, const Limbs& b) {
  __mmask8 negative = 0;
  const Limbs r = difference(a, b, negative);
  return blend(negative, r, a);
}

HOPSEAL_INLINE bool is_carried(const Limbs& a) {
  __mmask8 over = 0;
  for (int i = 0; i < kLimbs; ++i) {
    over = static_cast<__mmask8>(over | _mm512_cmpgt_epu64_mask(a.limb[i], all(kLimbMask)));
  }
  return over == 0;
}

/// 520 bits: what a product is before its reduction. Each column below 2^58.
struct Columns {
  __m512i at[2 * kLimbs];
};

HOPSEAL_INLINE Columns no_columns() {
  Columns t;
  for (int i = 0; i < 2 * kLimbs; ++i) t.at[i] = _mm512_setzero_si512();
  return t;
}

template <int kAt>
HOPSEAL_INLINE void add_row(Columns& t, __m512i a, const Limbs& b) {
  t.at[kAt + 0] = add_lo(t.at[kAt + 0], a, b.limb[0]);
  t.at[kAt + 1] = add_lo(t.at[kAt + 1], a, b.limb[1]);
  t.at[kAt + 2] = add_lo(t.at[kAt + 2], a, b.limb[2]);
  t.at[kAt + 3] = add_lo(t.at[kAt + 3], a, b.limb[3]);
  t.at[kAt + 4] = add_lo(t.at[kAt + 4], a, b.limb[4]);
  t.at[kAt + 1] = add_hi(t.at[kAt + 1], a, b.limb[0]);
  t.at[kAt + 2] = add_hi(t.at[kAt + 2], a, b.limb[1]);
  t.at[kAt + 3] = add_hi(t.at[kAt + 3], a, b.limb[2]);
  t.at[kAt + 4] = add_hi(t.at[kAt + 4], a, b.limb[3]);
  t.at[kAt + 5] = add_hi(t.at[kAt + 5], a, b.limb[4]);
}

/// t + a * b: 50 multiplications.
HOPSEAL_INLINE void add_product(Columns& t, const Limbs& a, const Limbs& b) {
  assert(is_carried(a) && is_carried(b));
  add_row<0>(t, a.limb[0], b);
  add_row<1>(t, a.limb[1], b);
  add_row<2>(t, a.limb[2], b);
  add_row<3>(t, a.limb[3], b);
  add_row<4>(t, a.limb[4], b);
}

/// t = factor * t, by 2^kBits and negated.
template <int kBits>
HOPSEAL_INLINE void shift_and_negate(Columns& t) {
  for (__m512i& column : t.at) {
    column = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_slli_epi64(column, kBits));
  }
}

HOPSEAL_INLINE void add_pair(Columns& t, int at, __m512i a, __m512i b) {
  t.at[at] = add_lo(t.at[at], a, b);
  t.at[at + 1] = add_hi(t.at[at + 1], a, b);
}

/// a * a: the mixed products once and doubled, then the squares; 30 multiplications.
HOPSEAL_INLINE Columns squared(const Limbs& a) {
  assert(is_carried(a));
  Columns t = no_columns();
  add_pair(t, 1, a.limb[0], a.limb[1]);
  add_pair(t, 3, a.limb[0], a.limb[3]);
  add_pair(t, 5, a.limb[1], a.limb[4]);
  add_pair(t, 7, a.limb[3], a.limb[4]);
  add_pair(t, 2, a.limb[0], a.limb[2]);
  add_pair(t, 4, a.limb[0], a.limb[4]);
  add_pair(t, 6, a.limb[2], a.limb[4]);
  add_pair(t, 3, a.limb[1], a.limb[2]);
  add_pair(t, 5, a.limb[2], a.limb[3]);
  add_pair(t, 4, a.limb[1], a.limb[3]);
  for (int i = 1; i < 9; ++i) t.at[i] = _mm512_add_epi64(t.at[i], t.at[i]);
  add_pair(t, 0, a.limb[0], a.limb[0]);
  add_pair(t, 2, a.limb[1], a.limb[1]);
  add_pair(t, 4, a.limb[2], a.limb[2]);
  add_pair(t, 6, a.limb[3], a.limb[3]);
  add_pair(t, 8, a.limb[4], a.limb[4]);
  return t;
}

/// Four 64-bit words of each lane, as memory has them, to carried limbs.
HOPSEAL_INLINE Limbs limbs_of_words(const __m512i (&w)[4]) {
  const __m512i mask = all(kLimbMask);
  constexpr int kOrThenAnd = 0xa8;  // (a | b) & c
  Limbs r;
  r.limb[0] = _mm512_and_si512(w[0], mask);
  r.limb[1] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12),
                                        mask, kOrThenAnd);
  r.limb[2] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24),
                                        mask, kOrThenAnd);
  r.limb[3] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36),
                                        mask, kOrThenAnd);
  r.limb[4] = _mm512_srli_epi64(w[3], 16);
  return r;
}

/// Carried limbs of numbers below 2^256 to four 64-bit words.
HOPSEAL_INLINE void words_of_limbs(const Limbs& a, __m512i (&w)[4]) {
  w[0] = _mm512_or_si512(a.limb[0], _mm512_slli_epi64(a.limb[1], 52));
  w[1] = _mm512_or_si512(_mm512_srli_epi64(a.limb[1], 12), _mm512_slli_epi64(a.limb[2], 40));
  w[2] = _mm512_or_si512(_mm512_srli_epi64(a.limb[2], 24), _mm512_slli_epi64(a.limb[3], 28));
  w[3] = _mm512_or_si512(_mm512_srli_epi64(a.limb[3], 36), _mm512_slli_epi64(a.limb[4], 16));
}

}  // namespace
}  // namespace crypto::avx512ifma
