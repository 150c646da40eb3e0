// SPDX-License-Identifier: Apache-2.0
// Numbers of up to 4160 bits in radix 2^52, eight at a time, and their Montgomery product.
//
// A Lanes<L> holds eight numbers below 2^(52 L): limb i of all eight is one register. Limbs in
// memory are always below 2^52 ("tight"). A column is the sum of the product halves that belong to
// one limb: below 2^61 for L = 80 (158 halves of the product, 158 of the reduction, a carry), so
// columns are summed in 64 bits and carried once.
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

template <unsigned I = 0>
HOPSEAL_INLINE void double_all(Columns& columns) {
  columns.at[I] = _mm512_add_epi64(columns.at[I], columns.at[I]);
  if constexpr (I + 1 < 2 * kBlock) double_all<I + 1>(columns);
}

/// The lower half of the columns gets what the block before left over.
template <unsigned I = 0>
HOPSEAL_INLINE void add_left_over(Columns& columns, const __m512i* left_over) {
  columns.at[I] = _mm512_add_epi64(columns.at[I], left_over[I]);
  if constexpr (I + 1 < kBlock) add_left_over<I + 1>(columns, left_over);
}

template <unsigned I = 0>
HOPSEAL_INLINE void store_left_over(const Columns& columns, __m512i* left_over) {
  left_over[I] = columns.at[kBlock + I];
  if constexpr (I + 1 < kBlock) store_left_over<I + 1>(columns, left_over);
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

template <unsigned I = 0>
HOPSEAL_INLINE void add_squares(Columns& columns, const Block& a) {
  columns.at[2 * I] = _mm512_madd52lo_epu64(columns.at[2 * I], a.limb[I], a.limb[I]);
  columns.at[2 * I + 1] = _mm512_madd52hi_epu64(columns.at[2 * I + 1], a.limb[I], a.limb[I]);
  if constexpr (I + 1 < kBlock) add_squares<I + 1>(columns, a);
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
      _mm512_add_epi64(columns.at[I + 1], _mm512_srli_epi64(columns.at[I], kRsaLimbBits));
  if constexpr (I + 1 < kBlock) add_quotient<I + 1>(columns, q, n, neg_inverse);
}

/// The lower columns become tight limbs; the last one carries into the upper half.
template <unsigned I = 0>
HOPSEAL_INLINE void store_limbs(Columns& columns, __m512i* out) {
  out[I] = _mm512_and_si512(columns.at[I], limb_mask());
  columns.at[I + 1] =
      _mm512_add_epi64(columns.at[I + 1], _mm512_srli_epi64(columns.at[I], kRsaLimbBits));
  if constexpr (I + 1 < kBlock) store_limbs<I + 1>(columns, out);
}

template <unsigned L>
struct Modulus {
  Lanes<L> n;
  __m512i neg_inverse;  ///< -n^-1 mod 2^52
};

/// Adds q * n to the columns of block @p k and settles them: quotient limbs while k is in the lower
/// half of the product, limbs of the result after. By then nobody reads that block of the factors
/// any more, so the result may overwrite one.
template <unsigned L>
HOPSEAL_INLINE void reduce_block(Columns& columns, unsigned k, const Modulus<L>& modulus,
                                 Lanes<L>& q, Lanes<L>& out) {
  constexpr unsigned kBlocks = L / kBlock;
  Block block;
  for (unsigned j = k < kBlocks ? 1 : k - kBlocks + 1; j < kBlocks && j <= k; ++j) {
    load(&modulus.n.limb[j * kBlock], block);
    add_product(columns, &q.limb[(k - j) * kBlock], block);
  }
  if (k < kBlocks) {
    load(&modulus.n.limb[0], block);
    add_quotient(columns, &q.limb[k * kBlock], block, modulus.neg_inverse);
  } else {
    store_limbs(columns, &out.limb[(k - kBlocks) * kBlock]);
  }
}

/// out = (a * b + addend) / R mod n, where @p addend is that many columns' worth of start values,
/// each below 2^59, or null.
///
/// a, b tight. out tight and below (a b + addend) / R + n. out may be a or b.
/// 4 L^2 + L vpmadd52 (L = 40: 6440).
template <unsigned L>
inline void multiply(const Lanes<L>& a, const Lanes<L>& b, const __m512i* addend,
                     const Modulus<L>& modulus, Lanes<L>& out) {
  constexpr unsigned kBlocks = L / kBlock;
  Lanes<L> q;
  __m512i left_over[kBlock] = {};
  for (unsigned k = 0; k < 2 * kBlocks; ++k) {
    Columns columns;
    clear(columns);
    add_left_over(columns, left_over);
    if (addend != nullptr) add_left_over(columns, addend + k * kBlock);
    for (unsigned j = k < kBlocks ? 0 : k - kBlocks + 1; j < kBlocks && j <= k; ++j) {
      Block block;
      load(&b.limb[j * kBlock], block);
      add_product(columns, &a.limb[(k - j) * kBlock], block);
    }
    reduce_block(columns, k, modulus, q, out);
    store_left_over(columns, left_over);
  }
  assert_tight(out);
}

/// out = a^2 / R mod n. a tight; out tight and below a^2 / R + n. out may be a.
/// 3 L^2 + 2 L vpmadd52 (L = 40: 4880).
template <unsigned L>
inline void square(const Lanes<L>& a, const Modulus<L>& modulus, Lanes<L>& out) {
  constexpr unsigned kBlocks = L / kBlock;
  Lanes<L> q;
  __m512i left_over[kBlock] = {};
  for (unsigned k = 0; k < 2 * kBlocks; ++k) {
    Columns columns;
    Block block;
    clear(columns);
    for (unsigned j = k / 2 + 1; j < kBlocks && j <= k; ++j) {
      load(&a.limb[j * kBlock], block);
      add_product(columns, &a.limb[(k - j) * kBlock], block);
    }
    if (k % 2 == 0) {
      load(&a.limb[k / 2 * kBlock], block);
      add_unequal(columns, block);
    }
    double_all(columns);
    if (k % 2 == 0) add_squares(columns, block);
    add_left_over(columns, left_over);
    reduce_block(columns, k, modulus, q, out);
    store_left_over(columns, left_over);
  }
  assert_tight(out);
}

}  // namespace
}  // namespace crypto::avx512ifma
