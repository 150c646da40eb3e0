// SPDX-License-Identifier: Apache-2.0
// Columns of products in radix 2^52, one number a lane: what fits the registers.
//
// Limb i of all lanes is one register. Limbs in memory are always below 2^52 ("tight"). A
// column is a signed sum of halves of products that belong to one limb; columns are summed in 64
// bits and carried once (bounds: rsa_montgomery.h).
//
// Included by the lanes files of RSA alone, hence the anonymous namespace.

#pragma once

#include <cassert>
#include <cstdint>

#include "crypto/kernels/avx512ifma/rsa_vectors.h"

namespace crypto::avx512ifma {
namespace {

/// Limbs of one block: a block of columns (20), one of a factor (10) and a limb fit the 32
/// registers.
constexpr unsigned kBlock = 10;

template <class V, unsigned L>
struct Lanes {
  Word<V> limb[L];
};

template <class V>
struct Columns {
  Word<V> at[2 * kBlock];
};

template <class V>
struct Block {
  Word<V> limb[kBlock];
};

template <class V, unsigned L>
HOPSEAL_INLINE void assert_tight([[maybe_unused]] const Lanes<V, L>& number) {
#ifndef NDEBUG
  for (unsigned i = 0; i < L; ++i) {
    assert(V::above(number.limb[i], V::all(kLimbMask)) == 0);
  }
#endif
}

// Loops over registers are recursions here: arrays that are indexed by loop counters stay in memory
// when the compiler unrolls too late.

template <class V, unsigned I = 0>
HOPSEAL_INLINE void load(const Word<V>* from, Block<V>& block) {
  block.limb[I] = from[I];
  if constexpr (I + 1 < kBlock) load<V, I + 1>(from, block);
}

template <class V, unsigned I = 0>
HOPSEAL_INLINE void clear(Columns<V>& columns) {
  columns.at[I] = V::zero();
  if constexpr (I + 1 < 2 * kBlock) clear<V, I + 1>(columns);
}

/// The upper half of the columns becomes the lower one.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void shift_down(Columns<V>& columns) {
  columns.at[I] = columns.at[kBlock + I];
  columns.at[kBlock + I] = V::zero();
  if constexpr (I + 1 < kBlock) shift_down<V, I + 1>(columns);
}

/// The lower half of the columns gets @p more.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void add_to_lower(Columns<V>& columns, const Word<V>* more) {
  columns.at[I] = V::add(columns.at[I], more[I]);
  if constexpr (I + 1 < kBlock) add_to_lower<V, I + 1>(columns, more);
}

/// Columns from I + J on get a limb, number I of its block, times limbs J.. of @p b.
template <class V, unsigned I, unsigned J>
HOPSEAL_INLINE void add_row(Columns<V>& columns, Word<V> a, const Block<V>& b) {
  columns.at[I + J] = V::add_lower(columns.at[I + J], a, b.limb[J]);
  columns.at[I + J + 1] = V::add_upper(columns.at[I + J + 1], a, b.limb[J]);
  if constexpr (J + 1 < kBlock) add_row<V, I, J + 1>(columns, a, b);
}

/// columns += a * b, block by block.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void add_product(Columns<V>& columns, const Word<V>* a, const Block<V>& b) {
  add_row<V, I, 0>(columns, a[I], b);
  if constexpr (I + 1 < kBlock) add_product<V, I + 1>(columns, a, b);
}

/// The products of two different limbs in the square of a block, each once.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void add_unequal(Columns<V>& columns, const Block<V>& a) {
  add_row<V, I, I + 1>(columns, a.limb[I], a);
  if constexpr (I + 2 < kBlock) add_unequal<V, I + 1>(columns, a);
}

/// Turns half of the columns, which hold the products of unequal limbs once, into columns of the
/// square: doubles them and adds the squares of the five limbs at @p a.
template <class V, unsigned From, unsigned I = 0>
HOPSEAL_INLINE void finish_square(Columns<V>& columns, const Word<V>* a) {
  Word<V>& lower = columns.at[From + 2 * I];
  Word<V>& upper = columns.at[From + 2 * I + 1];
  lower = V::add_lower(V::add(lower, lower), a[I], a[I]);
  upper = V::add_upper(V::add(upper, upper), a[I], a[I]);
  if constexpr (2 * I + 2 < kBlock) finish_square<V, From, I + 1>(columns, a);
}

/// Chooses quotient limbs q so that the lower columns of columns + q * n are 0, and carries them
/// into the upper ones. @p n is the lowest block of the modulus.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void add_quotient(Columns<V>& columns, Word<V>* q, const Block<V>& n,
                                 Word<V> neg_inverse) {
  // madd52 reads the low 52 bits of its factors, so the column needs no mask; the digit is tight.
  const Word<V> digit = V::add_lower(V::zero(), columns.at[I], neg_inverse);
  q[I] = digit;
  add_row<V, I, 0>(columns, digit, n);
  columns.at[I + 1] = V::add(columns.at[I + 1], V::carry(columns.at[I]));
  if constexpr (I + 1 < kBlock) add_quotient<V, I + 1>(columns, q, n, neg_inverse);
}

/// The lower columns become tight limbs; the last one carries into the upper half.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void store_limbs(Columns<V>& columns, Word<V>* out) {
  out[I] = V::limb(columns.at[I]);
  columns.at[I + 1] = V::add(columns.at[I + 1], V::carry(columns.at[I]));
  if constexpr (I + 1 < kBlock) store_limbs<V, I + 1>(columns, out);
}

}  // namespace
}  // namespace crypto::avx512ifma
