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
HOPSEAL_INLINE void shift_down(Columns& columns) {
  columns.at[I] = columns.at[kBlock + I];
  columns.at[kBlock + I] = _mm512_setzero_si512();
  if constexpr (I + 1 < kBlock) shift_down<I + 1>(columns);
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

/// Calls emit.lower(sums, b) or emit.both(sums, b) with the columns of a square of 20 limbs from
/// 10 b on, in order. 420 vpmadd52.
template <class Emit>
HOPSEAL_INLINE void square_20(const __m512i* a, Emit& emit) {
  Columns sums;
  Block block;
  __m512i left_over[kBlock];
  load(a, block);
  clear(sums);
  add_unequal(sums, block);
  double_all(sums);
  add_squares(sums, block);
  emit.lower(sums, 0);
  store_left_over(sums, left_over);

  clear(sums);
  add_product(sums, a + kBlock, block);
  double_all(sums);
  add_left_over(sums, left_over);
  emit.lower(sums, 1);
  store_left_over(sums, left_over);

  load(a + kBlock, block);
  clear(sums);
  add_unequal(sums, block);
  double_all(sums);
  add_squares(sums, block);
  add_left_over(sums, left_over);
  emit.lower(sums, 2);
  emit.upper(sums, 3);
}

/// Stores a square twice: as part of the result, and to be read again.
struct StoreTwice {
  __m512i* result;
  __m512i* copy;

  template <unsigned From, unsigned I = 0>
  HOPSEAL_INLINE void store(const Columns& sums, unsigned b) {
    result[b * kBlock + I] = sums.at[From + I];
    copy[b * kBlock + I] = sums.at[From + I];
    if constexpr (I + 1 < kBlock) store<From, I + 1>(sums, b);
  }
  HOPSEAL_INLINE void lower(const Columns& sums, unsigned b) { store<0>(sums, b); }
  HOPSEAL_INLINE void upper(const Columns& sums, unsigned b) { store<kBlock>(sums, b); }
};

/// Adds first + second - (the square) to the result.
struct AddMiddle {
  __m512i* result;
  const __m512i* first;
  const __m512i* second;

  template <unsigned From, unsigned I = 0>
  HOPSEAL_INLINE void add(const Columns& sums, unsigned b) {
    const unsigned at = b * kBlock + I;
    const __m512i outer = _mm512_add_epi64(first[at], second[at]);
    result[at] = _mm512_add_epi64(result[at], _mm512_sub_epi64(outer, sums.at[From + I]));
    if constexpr (I + 1 < kBlock) add<From, I + 1>(sums, b);
  }
  HOPSEAL_INLINE void lower(const Columns& sums, unsigned b) { add<0>(sums, b); }
  HOPSEAL_INLINE void upper(const Columns& sums, unsigned b) { add<kBlock>(sums, b); }
};

inline __attribute__((noinline)) void store_square_20(const __m512i* a, __m512i* result,
                                                      __m512i* copy) {
  StoreTwice emit{result, copy};
  square_20(a, emit);
}

/// columns[0..41) += 2 a b, where the squares of a and b are known: they minus (a - b)^2.
inline __attribute__((noinline)) void add_double_product_20(const __m512i* a, const __m512i* b,
                                                            const __m512i* a_squared,
                                                            const __m512i* b_squared,
                                                            __m512i* columns) {
  __m512i difference[kChunk];
  const __mmask8 negative = subtract<kChunk>(a, b, difference);
  AddMiddle emit{columns, a_squared, b_squared};
  square_20(difference, emit);
  // -(d - negative B)^2 = -d^2 + 2 negative d B - negative B^2
#pragma GCC unroll 20
  for (unsigned i = 0; i < kChunk; ++i) {
    __m512i& column = columns[kChunk + i];
    const __m512i twice = _mm512_add_epi64(difference[i], difference[i]);
    column = _mm512_mask_add_epi64(column, negative, column, twice);
  }
  columns[2 * kChunk] = _mm512_mask_sub_epi64(columns[2 * kChunk], negative, columns[2 * kChunk],
                                              _mm512_set1_epi64(1));
}

}  // namespace
}  // namespace crypto::avx512ifma
