// SPDX-License-Identifier: Apache-2.0
// Montgomery products and squares of 40, 60 or 80 limbs, one a lane.
//
// A product is summed as 2 L columns and then made L limbs shorter from the bottom, 20 limbs at a
// time: all but the last time by adding (the lowest 20 limbs) * (2^-1040 mod n), which needs no
// quotient and is a product of 20-limb chunks; the last time by Montgomery's quotient digits.
//
// Ranges. Limbs are below 2^52 (tight). Columns are signed, below 2^62 in size: for L = 80 at most
// 360 halves of products from a square, 480 from shortening, 40 from the quotient. Results are
// below a b / R + (L / 20) n; with n at least 12 bits shorter than R and factors below 5 n that is
// below 5 n again.

#pragma once

#include "crypto/kernels/avx512ifma/rsa_karatsuba.h"

namespace crypto::avx512ifma {
namespace {

template <class V, unsigned L>
struct Modulus {
  static constexpr unsigned kChunks = L / kChunk;
  Lanes<V, L> n;
  Lanes<V, L> fold;  ///< 2^-1040 mod n
  Factor<V> fold_chunk[kChunks];
  Word<V> neg_inverse;  ///< -n^-1 mod 2^52
};

/// Completes @p modulus, which must stay where it is.
template <class V, unsigned L>
inline void prepare(Modulus<V, L>& modulus) {
  for (unsigned i = 0; i < Modulus<V, L>::kChunks; ++i) {
    make_right<V>(&modulus.fold.limb[i * kChunk], modulus.fold_chunk[i]);
  }
}

/// Takes the lowest 20 limbs off: columns[20..) = columns / 2^1040 mod n.
template <class V, unsigned L>
HOPSEAL_INLINE void fold_chunk(Word<V>* columns, const Modulus<V, L>& modulus) {
  Word<V> limbs[kChunk];
  Word<V> carry = V::zero();
#pragma GCC unroll 20
  for (unsigned i = 0; i < kChunk; ++i) {
    const Word<V> column = V::add(columns[i], carry);
    limbs[i] = V::limb(column);
    carry = V::carry(column);
  }
  columns[kChunk] = V::add(columns[kChunk], carry);
  Factor<V> left;
  make_left<V>(limbs, left);
  for (unsigned i = 0; i < Modulus<V, L>::kChunks; ++i) {
    add_product_20<V>(columns + (i + 1) * kChunk, left, modulus.fold_chunk[i]);
  }
}

/// out = columns / 2^1040 mod n by Montgomery's quotient digits, for L + 20 columns.
template <class V, unsigned L>
HOPSEAL_INLINE void reduce_last_chunk(const Word<V>* columns, const Modulus<V, L>& modulus,
                                      Lanes<V, L>& out) {
  constexpr unsigned kBlocks = L / kBlock;
  const Word<V>* const n = modulus.n.limb;
  Word<V> q[kChunk];
  Columns<V> sums;
  Block<V> block;
  // Blocks of columns + q n: two that the choice of q makes 0 ...
  clear(sums);
  add_to_lower(sums, columns);
  load(n, block);
  add_quotient(sums, q, block, modulus.neg_inverse);
  shift_down(sums);
  add_to_lower(sums, columns + kBlock);
  load(n + kBlock, block);
  add_product(sums, q, block);
  load(n, block);
  add_quotient(sums, q + kBlock, block, modulus.neg_inverse);
  // ... and the others, which are the result.
  for (unsigned k = 2; k <= kBlocks; ++k) {
    shift_down(sums);
    add_to_lower(sums, columns + k * kBlock);
    if (k < kBlocks) {
      load(n + k * kBlock, block);
      add_product(sums, q, block);
    }
    load(n + (k - 1) * kBlock, block);
    add_product(sums, q + kBlock, block);
    store_limbs(sums, &out.limb[(k - 2) * kBlock]);
  }
  shift_down(sums);
  add_to_lower(sums, columns + (kBlocks + 1) * kBlock);
  store_limbs(sums, &out.limb[(kBlocks - 1) * kBlock]);
  assert_tight(out);
}

/// out = columns / R mod n, for 2 L columns that are spoilt.
template <class V, unsigned L>
HOPSEAL_INLINE void reduce(Word<V>* columns, const Modulus<V, L>& modulus, Lanes<V, L>& out) {
  constexpr unsigned kFolds = L / kChunk - 1;
  for (unsigned i = 0; i < kFolds; ++i) fold_chunk(columns + i * kChunk, modulus);
  reduce_last_chunk(columns + kFolds * kChunk, modulus, out);
}

/// columns[0..2 L) += a b.
template <class V, unsigned L>
inline void add_product(const Lanes<V, L>& a, const Lanes<V, L>& b, Word<V>* columns) {
  for (unsigned i = 0; i < L / kChunk; ++i) {
    Factor<V> left;
    make_left<V>(&a.limb[i * kChunk], left);
    for (unsigned j = 0; j < L / kChunk; ++j) {
      Factor<V> right;
      make_right<V>(&b.limb[j * kChunk], right);
      add_product_20<V>(columns + (i + j) * kChunk, left, right);
    }
  }
}

/// out = a b / R mod n. out may be a or b.
template <class V, unsigned L>
inline void multiply(const Lanes<V, L>& a, const Lanes<V, L>& b, const Modulus<V, L>& modulus,
                     Lanes<V, L>& out) {
  Word<V> columns[2 * L] = {};
  add_product(a, b, columns);
  reduce(columns, modulus, out);
}

/// out = a^2 / R mod n. out may be a.
template <class V, unsigned L>
inline void square(const Lanes<V, L>& a, const Modulus<V, L>& modulus, Lanes<V, L>& out) {
  constexpr unsigned kChunks = L / kChunk;
  Word<V> columns[2 * L];
  // The squares of the chunks: in place where nothing else is added, else apart, to be read again.
  Word<V> apart[2 * L];
  Halves<V> squares[kChunks];
  Word<V>* so_far[2 * kChunks];  // where the sums of 20 columns lie until a pair adds to them
  for (unsigned i = 0; i < kChunks; ++i) {
    so_far[2 * i] = (i == 0 ? columns : apart) + 2 * i * kChunk;
    so_far[2 * i + 1] = (i + 1 == kChunks ? columns : apart) + (2 * i + 1) * kChunk;
    squares[i] = {so_far[2 * i], so_far[2 * i + 1]};
    store_square_20<V>(&a.limb[i * kChunk], squares[i]);
  }
  for (unsigned j = 1; j < kChunks; ++j) {
    for (unsigned i = 0; i < j; ++i) {
      const Halves<V> sums = {columns + (i + j) * kChunk, columns + (i + j + 1) * kChunk};
      add_double_product_20<V>(&a.limb[i * kChunk], &a.limb[j * kChunk],
                               {{so_far[i + j], so_far[i + j + 1]}, squares[i], squares[j], sums});
      so_far[i + j] = sums.lower;
      so_far[i + j + 1] = sums.upper;
    }
  }
  reduce(columns, modulus, out);
}

}  // namespace
}  // namespace crypto::avx512ifma
