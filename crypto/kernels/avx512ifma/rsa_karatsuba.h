// SPDX-License-Identifier: Apache-2.0
// Products and squares of 20 limbs with fewer multiplications (Karatsuba).
//
// Differences of tight numbers are kept as tight limbs and a sign: x - y = limbs - negative * B,
// where B is 2^52 to the number of limbs. The sign is a mask register, and what it contributes to a
// product is a masked subtraction of the other factor.

#pragma once

#include "crypto/kernels/avx512ifma/rsa_columns.h"

namespace crypto::avx512ifma {
namespace {

/// Limbs of one chunk: two blocks.
constexpr unsigned kChunk = 2 * kBlock;

/// out = a - b + 2^(52 N) where that is negative; returns those lanes. out may be a or b.
template <unsigned N>
HOPSEAL_INLINE __mmask8 subtract(const __m512i* a, const __m512i* b, __m512i* out) {
  __m512i borrow = _mm512_setzero_si512();  // 0 or -1
#pragma GCC unroll 20
  for (unsigned i = 0; i < N; ++i) {
    const __m512i limb = _mm512_add_epi64(_mm512_sub_epi64(a[i], b[i]), borrow);
    out[i] = _mm512_and_si512(limb, limb_mask());
    borrow = _mm512_srai_epi64(limb, 63);
  }
  return _mm512_movepi64_mask(borrow);
}

/// 20 limbs as a factor: in two halves, with the difference of them.
struct Factor {
  const __m512i* limb;
  __m512i difference[kBlock];
  __mmask8 negative;
};

/// The left factor of a product: lower half minus upper half. Borrows @p limbs.
HOPSEAL_INLINE void make_left(const __m512i* limbs, Factor& factor) {
  factor.limb = limbs;
  factor.negative = subtract<kBlock>(limbs, limbs + kBlock, factor.difference);
}

/// The right factor: upper half minus lower half. Borrows @p limbs.
HOPSEAL_INLINE void make_right(const __m512i* limbs, Factor& factor) {
  factor.limb = limbs;
  factor.negative = subtract<kBlock>(limbs + kBlock, limbs, factor.difference);
}

template <unsigned From, unsigned I = 0>
HOPSEAL_INLINE void add_to_memory(const Columns& columns, __m512i* out) {
  out[I] = _mm512_add_epi64(out[I], columns.at[From + I]);
  if constexpr (I + 1 < kBlock) add_to_memory<From, I + 1>(columns, out);
}

/// Turns (p0 upper + p1 lower, p1 upper) into the middle of the product, but for the product of
/// the differences.
template <unsigned I = 0>
HOPSEAL_INLINE void make_middle(Columns& columns, const __m512i* p0_lower, const Factor& a,
                                const Factor& b) {
  __m512i& lower = columns.at[I];
  __m512i& upper = columns.at[kBlock + I];
  upper = _mm512_add_epi64(upper, lower);
  lower = _mm512_add_epi64(lower, p0_lower[I]);
  upper = _mm512_mask_sub_epi64(upper, a.negative, upper, b.difference[I]);
  upper = _mm512_mask_sub_epi64(upper, b.negative, upper, a.difference[I]);
  if constexpr (I + 1 < kBlock) make_middle<I + 1>(columns, p0_lower, a, b);
}

template <unsigned I = 0>
HOPSEAL_INLINE void store_lower(const Columns& columns, __m512i* out) {
  out[I] = columns.at[I];
  if constexpr (I + 1 < kBlock) store_lower<I + 1>(columns, out);
}

/// columns[0..40) += a * b, for a left factor a and a right factor b. 600 vpmadd52 instead of 800.
///
/// With a = a0 + a1 X, b = b0 + b1 X, X = 2^520 and p0 = a0 b0, p1 = a1 b1 the product is
/// p0 + (p0 + p1 + (a0 - a1)(b1 - b0)) X + p1 X^2.
inline __attribute__((noinline)) void add_product_20(__m512i* columns, const Factor& a,
                                                     const Factor& b) {
  Columns sums;
  Block block;
  __m512i p0_lower[kBlock];
  clear(sums);
  load(b.limb, block);
  add_product(sums, a.limb, block);
  store_lower(sums, p0_lower);
  add_to_memory<0>(sums, columns);
  shift_down(sums);
  load(b.limb + kBlock, block);
  add_product(sums, a.limb + kBlock, block);
  add_to_memory<kBlock>(sums, columns + 3 * kBlock);
  make_middle(sums, p0_lower, a, b);
  load(b.difference, block);
  add_product(sums, a.difference, block);
  add_to_memory<0>(sums, columns + kBlock);
  add_to_memory<kBlock>(sums, columns + 2 * kBlock);
  const auto both = static_cast<__mmask8>(a.negative & b.negative);
  columns[3 * kBlock] =
      _mm512_mask_add_epi64(columns[3 * kBlock], both, columns[3 * kBlock], _mm512_set1_epi64(1));
}

/// The columns of a square of 20 limbs, or of what becomes of it, in two halves that lie apart.
struct Halves {
  __m512i* lower;
  __m512i* upper;
};

/// Hands the columns of a square of 20 limbs to @p emit, ten at a time: lower(sums, out, 0) and so
/// on, the last ten by upper(). 420 vpmadd52.
template <class Emit>
HOPSEAL_INLINE void square_20(const __m512i* a, const Emit& emit) {
  Columns sums;
  Block block;
  clear(sums);
  load(a, block);
  add_unequal(sums, block);
  finish_square<0>(sums, a);
  emit.template store<0, 0>(sums);
  shift_down(sums);
  add_product(sums, a + kBlock, block);
  finish_square<0>(sums, a + kBlock / 2);
  emit.template store<0, 1>(sums);
  shift_down(sums);
  load(a + kBlock, block);
  add_unequal(sums, block);
  finish_square<0>(sums, a + kBlock);
  emit.template store<0, 2>(sums);
  finish_square<kBlock>(sums, a + kBlock + kBlock / 2);
  emit.template store<kBlock, 3>(sums);
}

struct StoreSquare {
  Halves out;

  /// Ten columns from From on are block B of the square.
  template <unsigned From, unsigned B, unsigned I = 0>
  HOPSEAL_INLINE void store(const Columns& sums) const {
    (B < 2 ? out.lower : out.upper)[B % 2 * kBlock + I] = sums.at[From + I];
    if constexpr (I + 1 < kBlock) store<From, B, I + 1>(sums);
  }
};

/// out = before + first + second - (the square).
struct StoreMiddle {
  Halves before;
  Halves first;
  Halves second;
  Halves out;

  template <unsigned From, unsigned B, unsigned I = 0>
  HOPSEAL_INLINE void store(const Columns& sums) const {
    constexpr unsigned kAt = B % 2 * kBlock + I;
    const auto half = [](const Halves& halves) __attribute__((always_inline)) {
      return B < 2 ? halves.lower : halves.upper;
    };
    const __m512i outer = _mm512_add_epi64(half(first)[kAt], half(second)[kAt]);
    const __m512i inner = _mm512_sub_epi64(half(before)[kAt], sums.at[From + I]);
    half(out)[kAt] = _mm512_add_epi64(outer, inner);
    if constexpr (I + 1 < kBlock) store<From, B, I + 1>(sums);
  }
};

inline __attribute__((noinline)) void store_square_20(const __m512i* a, const Halves& out) {
  square_20(a, StoreSquare{out});
}

/// to.out = to.before + 2 a b, where to.first and to.second are the squares of a and b: they minus
/// (a - b)^2.
inline __attribute__((noinline)) void add_double_product_20(const __m512i* a, const __m512i* b,
                                                            const StoreMiddle& to) {
  __m512i difference[kChunk];
  const __mmask8 negative = subtract<kChunk>(a, b, difference);
  square_20(difference, to);
  // -(d - negative B)^2 = -d^2 + 2 negative d B - negative B^2
#pragma GCC unroll 20
  for (unsigned i = 0; i < kChunk; ++i) {
    __m512i& column = to.out.upper[i];
    const __m512i twice = _mm512_add_epi64(difference[i], difference[i]);
    column = _mm512_mask_add_epi64(column, negative, column, twice);
  }
  __m512i& last = to.out.upper[kChunk - 1];
  last = _mm512_mask_sub_epi64(last, negative, last, _mm512_set1_epi64(1LL << kRsaLimbBits));
}

}  // namespace
}  // namespace crypto::avx512ifma
