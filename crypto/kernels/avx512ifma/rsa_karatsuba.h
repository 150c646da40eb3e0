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
template <class V, unsigned N>
HOPSEAL_INLINE Mask subtract(const Word<V>* a, const Word<V>* b, Word<V>* out) {
  Word<V> borrow = V::zero();  // 0 or -1
#pragma GCC unroll 20
  for (unsigned i = 0; i < N; ++i) {
    const Word<V> limb = V::add(V::sub(a[i], b[i]), borrow);
    out[i] = V::limb(limb);
    borrow = V::sign(limb);
  }
  return V::negative(borrow);
}

/// 20 limbs as a factor: in two halves, with the difference of them.
template <class V>
struct Factor {
  const Word<V>* limb;
  Word<V> difference[kBlock];
  Mask negative;
};

/// The left factor of a product: lower half minus upper half. Borrows @p limbs.
template <class V>
HOPSEAL_INLINE void make_left(const Word<V>* limbs, Factor<V>& factor) {
  factor.limb = limbs;
  factor.negative = subtract<V, kBlock>(limbs, limbs + kBlock, factor.difference);
}

/// The right factor: upper half minus lower half. Borrows @p limbs.
template <class V>
HOPSEAL_INLINE void make_right(const Word<V>* limbs, Factor<V>& factor) {
  factor.limb = limbs;
  factor.negative = subtract<V, kBlock>(limbs + kBlock, limbs, factor.difference);
}

template <class V, unsigned From, unsigned I = 0>
HOPSEAL_INLINE void add_to_memory(const Columns<V>& columns, Word<V>* out) {
  out[I] = V::add(out[I], columns.at[From + I]);
  if constexpr (I + 1 < kBlock) add_to_memory<V, From, I + 1>(columns, out);
}

/// Turns (p0 upper + p1 lower, p1 upper) into the middle of the product, but for the product of
/// the differences.
template <class V, unsigned I = 0>
HOPSEAL_INLINE void make_middle(Columns<V>& columns, const Word<V>* p0_lower, const Factor<V>& a,
                                const Factor<V>& b) {
  Word<V>& lower = columns.at[I];
  Word<V>& upper = columns.at[kBlock + I];
  upper = V::add(upper, lower);
  lower = V::add(lower, p0_lower[I]);
  upper = V::sub_where(a.negative, upper, b.difference[I]);
  upper = V::sub_where(b.negative, upper, a.difference[I]);
  if constexpr (I + 1 < kBlock) make_middle<V, I + 1>(columns, p0_lower, a, b);
}

template <class V, unsigned I = 0>
HOPSEAL_INLINE void store_lower(const Columns<V>& columns, Word<V>* out) {
  out[I] = columns.at[I];
  if constexpr (I + 1 < kBlock) store_lower<V, I + 1>(columns, out);
}

/// columns[0..40) += a * b, for a left factor a and a right factor b. 600 vpmadd52 instead of 800.
///
/// With a = a0 + a1 X, b = b0 + b1 X, X = 2^520 and p0 = a0 b0, p1 = a1 b1 the product is
/// p0 + (p0 + p1 + (a0 - a1)(b1 - b0)) X + p1 X^2.
template <class V>
__attribute__((noinline)) void add_product_20(Word<V>* columns, const Factor<V>& a,
                                              const Factor<V>& b) {
  Columns<V> sums;
  Block<V> block;
  Word<V> p0_lower[kBlock];
  clear(sums);
  load(b.limb, block);
  add_product(sums, a.limb, block);
  store_lower(sums, p0_lower);
  add_to_memory<V, 0>(sums, columns);
  shift_down(sums);
  load(b.limb + kBlock, block);
  add_product(sums, a.limb + kBlock, block);
  add_to_memory<V, kBlock>(sums, columns + 3 * kBlock);
  make_middle(sums, p0_lower, a, b);
  load(b.difference, block);
  add_product(sums, a.difference, block);
  add_to_memory<V, 0>(sums, columns + kBlock);
  add_to_memory<V, kBlock>(sums, columns + 2 * kBlock);
  const auto both = static_cast<Mask>(a.negative & b.negative);
  columns[3 * kBlock] = V::add_where(both, columns[3 * kBlock], V::all(1));
}

/// The columns of a square of 20 limbs, or of what becomes of it, in two halves that lie apart.
template <class V>
struct Halves {
  Word<V>* lower;
  Word<V>* upper;
};

/// Hands the columns of a square of 20 limbs to @p emit, ten at a time. 420 vpmadd52.
template <class V, class Emit>
HOPSEAL_INLINE void square_20(const Word<V>* a, const Emit& emit) {
  Columns<V> sums;
  Block<V> block;
  clear(sums);
  load(a, block);
  add_unequal(sums, block);
  finish_square<V, 0>(sums, a);
  emit.template store<0, 0>(sums);
  shift_down(sums);
  add_product(sums, a + kBlock, block);
  finish_square<V, 0>(sums, a + kBlock / 2);
  emit.template store<0, 1>(sums);
  shift_down(sums);
  load(a + kBlock, block);
  add_unequal(sums, block);
  finish_square<V, 0>(sums, a + kBlock);
  emit.template store<0, 2>(sums);
  finish_square<V, kBlock>(sums, a + kBlock + kBlock / 2);
  emit.template store<kBlock, 3>(sums);
}

template <class V>
struct StoreSquare {
  Halves<V> out;

  /// Ten columns from From on are block B of the square.
  template <unsigned From, unsigned B, unsigned I = 0>
  HOPSEAL_INLINE void store(const Columns<V>& sums) const {
    (B < 2 ? out.lower : out.upper)[B % 2 * kBlock + I] = sums.at[From + I];
    if constexpr (I + 1 < kBlock) store<From, B, I + 1>(sums);
  }
};

/// out = before + first + second - (the square).
template <class V>
struct StoreMiddle {
  Halves<V> before;
  Halves<V> first;
  Halves<V> second;
  Halves<V> out;

  template <unsigned From, unsigned B, unsigned I = 0>
  HOPSEAL_INLINE void store(const Columns<V>& sums) const {
    constexpr unsigned kAt = B % 2 * kBlock + I;
    const auto half = [](const Halves<V>& halves) __attribute__((always_inline)) {
      return B < 2 ? halves.lower : halves.upper;
    };
    const Word<V> outer = V::add(half(first)[kAt], half(second)[kAt]);
    const Word<V> inner = V::sub(half(before)[kAt], sums.at[From + I]);
    half(out)[kAt] = V::add(outer, inner);
    if constexpr (I + 1 < kBlock) store<From, B, I + 1>(sums);
  }
};

template <class V>
__attribute__((noinline)) void store_square_20(const Word<V>* a, const Halves<V>& out) {
  square_20<V>(a, StoreSquare<V>{out});
}

/// to.out = to.before + 2 a b, where to.first and to.second are the squares of a and b: they minus
/// (a - b)^2.
template <class V>
__attribute__((noinline)) void add_double_product_20(const Word<V>* a, const Word<V>* b,
                                                     const StoreMiddle<V>& to) {
  Word<V> difference[kChunk];
  const Mask negative = subtract<V, kChunk>(a, b, difference);
  square_20<V>(difference, to);
  // -(d - negative B)^2 = -d^2 + 2 negative d B - negative B^2
#pragma GCC unroll 20
  for (unsigned i = 0; i < kChunk; ++i) {
    Word<V>& column = to.out.upper[i];
    const Word<V> twice = V::add(difference[i], difference[i]);
    column = V::add_where(negative, column, twice);
  }
  Word<V>& last = to.out.upper[kChunk - 1];
  last = V::sub_where(negative, last, V::all(1LL << kRsaLimbBits));
}

}  // namespace
}  // namespace crypto::avx512ifma
