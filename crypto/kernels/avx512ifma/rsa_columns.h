// SPDX-License-Identifier: Apache-2.0
// Columns of products in radix 2^52, eight numbers at a time: what fits the registers.
//
// Limb i of eight numbers is one register. Limbs in memory are always below 2^52 ("tight"). A
// column is a signed sum of halves of products that belong to one limb; columns are summed in 64
// bits and carried once (bounds: rsa_montgomery.h).
//
// Included by the lanes files of RSA alone, hence the anonymous namespace.

#pragma once

#include <immintrin.h>

#include <cassert>
#include <cstdint>

#include "crypto/kernels/rsa_key.h"

namespace crypto::avx512ifma {
namespace {

#define HOPSEAL_INLINE inline __attribute__((always_inline))

constexpr unsigned kLanes = 8;
/// Limbs of one block: a block of columns (20), one of a factor (10) and a limb fit the 32
/// registers.
constexpr unsigned kBlock = 10;

template <unsigned L>
struct Lanes {
  __m512i limb[L];
};

struct Columns {
  __m512i at[2 * kBlock];
};
struct Block {
  __m512i limb[kBlock];
};

HOPSEAL_INLINE __m512i limb_mask() { return _mm512_set1_epi64((1LL << kRsaLimbBits) - 1); }

template <unsigned L>
HOPSEAL_INLINE void assert_tight([[maybe_unused]] const Lanes<L>& number) {
#ifndef NDEBUG
  for (unsigned i = 0; i < L; ++i) {
    assert(_mm512_cmpgt_epu64_mask(number.limb[i], limb_mask()) == 0);
  }
#endif
}

// Loops over registers are recursions here: arrays that are indexed by loop counters stay in memory
// when the compiler unrolls too late.

template <unsigned I = 0>
HOPSEAL_INLINE void load(const __m512i* from, Block& block) {
  block.limb[I] = from[I];
  if constexpr (I + 1 < kBlock) load<I + 1>(from, block);
}

template <unsigned I = 0>
HOPSEAL_INLINE void clear(Columns& columns) {
  columns.at[I] = _mm512_setzero_si512();
  if constexpr (I + 1 < 2 * kBlock) clear<I + 1>(columns);
}

/// The upper half of the columns becomes the lower one.
template <unsigned I = 0>
HOPSEAL_INLINE void shift_down(Columns& columns) {
  columns.at[I] = columns.at[kBlock + I];
  columns.at[kBlock + I] = _mm512_setzero_si512();
  if constexpr (I + 1 < kBlock) shift_down<I + 1>(columns);
}

/// The lower half of the columns gets @p more.
template <unsigned I = 0>
HOPSEAL_INLINE void add_lower(Columns& columns, const __m512i* more) {
  columns.at[I] = _mm512_add_epi64(columns.at[I], more[I]);
  if constexpr (I + 1 < kBlock) add_lower<I + 1>(columns, more);
}

/// Columns from I + J on get a limb, number I of its block, times limbs J.. of @p b.
template <unsigned I, unsigned J>
HOPSEAL_INLINE void add_row(Columns& columns, __m512i a, const Block& b) {
  columns.at[I + J] = _mm512_madd52lo_epu64(columns.at[I + J], a, b.limb[J]);
  columns.at[I + J + 1] = _mm512_madd52hi_epu64(columns.at[I + J + 1], a, b.limb[J]);
  if constexpr (J + 1 < kBlock) add_row<I, J + 1>(columns, a, b);
}

/// columns += a * b, block by block.
template <unsigned I = 0>
HOPSEAL_INLINE void add_product(Columns& columns, const __m512i* a, const Block& b) {
  add_row<I, 0>(columns, a[I], b);
  if constexpr (I + 1 < kBlock) add_product<I + 1>(columns, a, b);
}

/// The products of two different limbs in the square of a block, each once.
template <unsigned I = 0>
HOPSEAL_INLINE void add_unequal(Columns& columns, const Block& a) {
  add_row<I, I + 1>(columns, a.limb[I], a);
  if constexpr (I + 2 < kBlock) add_unequal<I + 1>(columns, a);
}

/// Turns half of the columns, which hold the products of unequal limbs once, into columns of the
/// square: doubles them and adds the squares of the five limbs at @p a.
template <unsigned From, unsigned I = 0>
HOPSEAL_INLINE void finish_square(Columns& columns, const __m512i* a) {
  __m512i& lower = columns.at[From + 2 * I];
  __m512i& upper = columns.at[From + 2 * I + 1];
  lower = _mm512_madd52lo_epu64(_mm512_add_epi64(lower, lower), a[I], a[I]);
  upper = _mm512_madd52hi_epu64(_mm512_add_epi64(upper, upper), a[I], a[I]);
  if constexpr (2 * I + 2 < kBlock) finish_square<From, I + 1>(columns, a);
}

/// Chooses quotient limbs q so that the lower columns of columns + q * n are 0, and carries them
/// into the upper ones. @p n is the lowest block of the modulus.
template <unsigned I = 0>
HOPSEAL_INLINE void add_quotient(Columns& columns, __m512i* q, const Block& n,
                                 __m512i neg_inverse) {
  // madd52 reads the low 52 bits of its factors, so the column needs no mask; the digit is tight.
  const __m512i digit = _mm512_madd52lo_epu64(_mm512_setzero_si512(), columns.at[I], neg_inverse);
  q[I] = digit;
  add_row<I, 0>(columns, digit, n);
  columns.at[I + 1] =
      _mm512_add_epi64(columns.at[I + 1], _mm512_srai_epi64(columns.at[I], kRsaLimbBits));
  if constexpr (I + 1 < kBlock) add_quotient<I + 1>(columns, q, n, neg_inverse);
}

/// The lower columns become tight limbs; the last one carries into the upper half.
template <unsigned I = 0>
HOPSEAL_INLINE void store_limbs(Columns& columns, __m512i* out) {
  out[I] = _mm512_and_si512(columns.at[I], limb_mask());
  columns.at[I + 1] =
      _mm512_add_epi64(columns.at[I + 1], _mm512_srai_epi64(columns.at[I], kRsaLimbBits));
  if constexpr (I + 1 < kBlock) store_limbs<I + 1>(columns, out);
}

}  // namespace
}  // namespace crypto::avx512ifma
