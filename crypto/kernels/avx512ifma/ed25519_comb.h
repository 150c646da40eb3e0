// SPDX-License-Identifier: Apache-2.0
// Combs (Lim and Lee 1994) with digits +1 and -1: how a scalar becomes rows of a table.
//
// An odd k below 2^n is the sum of s_i 2^i, i < n, all s_i = +-1: s_i = 2 b_i - 1 where b_i are the
// bits of (k >> 1) + 2^(n - 1). No digit is 0, so no row is the neutral element, and half of the
// rows are negatives of the others.
//
// A table is cut into blocks of `teeth * 4` consecutive digits. Column c (0 to 3) of a block takes
// the digits c, c + 4, c + 8, ...: as many as the comb has teeth. The row for digits (d_0 ..
// d_{teeth - 1}) of block `b` is sum of d_j [2^(4 teeth b + 4 j)]P. Rows with d_{teeth-1} = +1 are
// stored, numbered by the other bits. [k]P is 3 doublings and 4 rows of each block:
//   for c = 3 .. 0: double; add column c of every block.
//
//   signer's table   8 teeth, 8 blocks, n = 256, 1024 rows, 128 KiB: 32 additions
//   base point       16 teeth, 4 blocks, n = 256, 131072 rows, 16 MiB: 16 additions
//   in each key      4 teeth 64 digits apart, n = 256, 8 rows, 1 KiB: 64 additions, 63 doublings

#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "crypto/kernels/ed25519_key.h"

namespace crypto::avx512ifma {
namespace {

constexpr unsigned kSpacing = 4;

struct CombShape {
  unsigned teeth;
  unsigned blocks_log;  ///< at most 3: a table is built with one block per lane
  constexpr unsigned blocks() const { return 1U << blocks_log; }
  constexpr unsigned rows_per_block() const { return 1U << (teeth - 1); }
  constexpr unsigned rows() const { return blocks() * rows_per_block(); }
  constexpr unsigned block_digits() const { return teeth * kSpacing; }
  /// log2 of the bytes from one row to the next of its block.
  constexpr unsigned row_shift() const { return 7 + blocks_log; }
};
constexpr CombShape kSignerComb = {8, 3};
constexpr CombShape kBaseComb = {16, 2};
constexpr unsigned kColumnRows = kSignerComb.blocks() + kBaseComb.blocks();

/// Address of the half row to load first: y + x, or y - x when the digits call for the negative.
/// The other half is at this address ^ 64, since rows are 128-byte aligned.
using HalfRow = std::uint64_t;

/// Turns the bits of one column of block @p block, of eight lanes, into half rows: bit teeth - 1
/// tells the sign. Rows of one number lie side by side, block after block.
inline void find_rows(const CombShape& shape, unsigned block, const __m512i& tables,
                      HalfRow* bits_then_rows) {
  const auto all = [](std::uint64_t value) {
    return _mm512_set1_epi64(static_cast<long long>(value));
  };
  const __m512i bits = _mm512_load_si512(bits_then_rows);
  const __m512i negative =  // all ones, or 0
      _mm512_sub_epi64(_mm512_srli_epi64(bits, shape.teeth - 1), all(1));
  const __m512i number =
      _mm512_and_si512(_mm512_xor_si512(bits, negative), all(shape.rows_per_block() - 1));
  const __m512i row = _mm512_slli_epi64(number, shape.row_shift());
  const __m512i half = _mm512_and_si512(negative, all(64));
  _mm512_store_si512(bits_then_rows,
                     _mm512_add_epi64(_mm512_add_epi64(tables, all(block * sizeof(Ed25519Row))),
                                      _mm512_add_epi64(row, half)));
}

/// Rows start at the first multiple of 128.
inline std::uint64_t aligned_rows(const std::byte* table) {
  return (reinterpret_cast<std::uint64_t>(table) + 127) & ~std::uint64_t{127};
}

}  // namespace

/// Rows of the base point's comb; nullptr until ed25519_prepare().
const Ed25519Row* ed25519_base_rows() noexcept;

}  // namespace crypto::avx512ifma
