// SPDX-License-Identifier: Apache-2.0
// Rows of multiples of a point: signers' tables, the base point's, and those of one cold check.
// Lanes files only.

#pragma once

#include "crypto/kernels/avx512ifma/p256_invert_lanes.h"
#include "crypto/kernels/avx512ifma/p256_point.h"
#include "crypto/kernels/avx512ifma/p256_rows.h"

namespace crypto::avx512ifma {
namespace {

/// Jacobian points that share an inversion when they become affine.
constexpr std::uint32_t kBlock = 32;

HOPSEAL_INLINE RowPick moved(const RowPick& pick, std::uint64_t bytes) {
  RowPick r;
  for (int i = 0; i < 8; ++i) r.address[i] = pick.address[i] + bytes;
  return r;
}

/// Writes points[v][0..count) to the rows at first[v], first[v] + stride, ...
/// @pre no Z is 0; 1 <= count <= kBlock; vectors <= kMaxVectors
inline void store_affine(const Jacobian (*points)[kBlock], std::uint32_t count,
                         std::uint32_t vectors, const RowPick* first, std::uint64_t stride) {
  Fe before[kMaxVectors][kBlock];
  Fe inverse[kMaxVectors];
  for (std::uint32_t v = 0; v < vectors; ++v) {
    inverse[v] = points[v][0].z;
    for (std::uint32_t i = 1; i < count; ++i) {
      before[v][i] = inverse[v];
      inverse[v] = mul(inverse[v], points[v][i].z);
    }
  }
  invert_lanes(inverse, vectors);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    for (std::uint32_t i = count; i-- > 0;) {
      const Jacobian& p = points[v][i];
      const Fe z = i > 0 ? mul(inverse[v], before[v][i]) : inverse[v];
      if (i > 0) inverse[v] = mul(inverse[v], p.z);
      const Fe zz = sqr(z);
      store_rows(moved(first[v], i * stride), mul(p.x, zz), mul(p.y, mul(z, zz)));
    }
  }
}

/// Rows of 1, 3, 5, ... 2 * rows - 1 times base[v] at first[v].
inline void store_odd_multiples(const Affine* base, std::uint32_t rows, std::uint32_t vectors,
                                const RowPick* first) {
  Fe inverse[kMaxVectors];
  Affine twice[kMaxVectors];
  Jacobian at[kMaxVectors];
  for (std::uint32_t v = 0; v < vectors; ++v) {
    at[v] = doubled({base[v].x, base[v].y, fe_one()});
    inverse[v] = at[v].z;
  }
  invert_lanes(inverse, vectors);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const Fe zz = sqr(inverse[v]);
    twice[v] = {mul(at[v].x, zz), mul(at[v].y, mul(inverse[v], zz))};
    store_rows(first[v], base[v].x, base[v].y);
  }
  Jacobian points[kMaxVectors][kBlock];
  for (std::uint32_t row = 1; row < rows;) {
    const std::uint32_t block = rows - row < kBlock ? rows - row : kBlock;
    RowPick to[kMaxVectors];
    for (std::uint32_t v = 0; v < vectors; ++v) {
      for (std::uint32_t i = 0; i < block; ++i) {
        at[v] = row + i == 1 ? sum(twice[v], base[v]) : sum(at[v], twice[v], 0);
        points[v][i] = at[v];
      }
      to[v] = moved(first[v], std::uint64_t{row} * kRowBytes);
    }
    store_affine(points, block, vectors, to, kRowBytes);
    row += block;
  }
}

}  // namespace
}  // namespace crypto::avx512ifma
