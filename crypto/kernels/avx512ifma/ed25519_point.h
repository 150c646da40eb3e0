// SPDX-License-Identifier: Apache-2.0
// Points of edwards25519, -x^2 + y^2 = 1 + d x^2 y^2, in eight lanes, for lanes files only.
//
// Extended coordinates (X : Y : Z : T) with x = X/Z, y = Y/Z, xy = T/Z, and the formulas of Hisil,
// Wong, Carter, Dawson (Asiacrypt 2008, sections 3.1 and 3.3) for a = -1. d is not a square, so
// they are complete: right for all pairs of points, also equal, opposite, neutral and of small
// order, and Z is never 0.

#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/kernels/avx512ifma/field25519.h"
#include "crypto/kernels/ed25519_key.h"

namespace crypto::avx512ifma {
namespace {

/// Limbs below 2^59: products whose carries the next operation takes.
struct Point {
  Wide x, y, z, t;
};

/// Eight rows, transposed. Limbs below 2^51. In lanes of `negative` y + x and y - x are exchanged
/// already and t still has to be negated.
struct Rows {
  Fe plus, minus, t;
  __mmask8 negative;
};

/// Turns eight vectors of eight words into vectors of word 0, word 1, ...
HOPSEAL_INLINE void transpose(__m512i* r) {
  __m512i a[8];
  __m512i b[8];
  for (unsigned i = 0; i < 4; ++i) {  // a[2i]: words 0 2 4 6 of rows 2i and 2i+1; a[2i+1]: 1 3 5 7
    a[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
  }
  for (unsigned i = 0; i < 2; ++i) {  // b[4i + w]: words w and w + 4 of rows 4i to 4i + 3
    for (unsigned w = 0; w < 2; ++w) {
      b[4 * i + w] = _mm512_shuffle_i64x2(a[4 * i + w], a[4 * i + 2 + w], 0x88);
      b[4 * i + w + 2] = _mm512_shuffle_i64x2(a[4 * i + w], a[4 * i + 2 + w], 0xdd);
    }
  }
  for (unsigned w = 0; w < 4; ++w) {
    r[w] = _mm512_shuffle_i64x2(b[w], b[4 + w], 0x88);
    r[w + 4] = _mm512_shuffle_i64x2(b[w], b[4 + w], 0xdd);
  }
}

/// Loads eight rows whole, 16 cache lines: @p half holds addresses as HalfRow describes them.
HOPSEAL_INLINE Rows load_rows(const std::uint64_t* half) {
  __m512i first[8];
  __m512i second[8];
  for (unsigned lane = 0; lane < 8; ++lane) {
    first[lane] = _mm512_load_si512(reinterpret_cast<const void*>(half[lane]));
    second[lane] = _mm512_load_si512(reinterpret_cast<const void*>(half[lane] ^ 64U));
  }
  transpose(first);
  transpose(second);
  Rows rows;
  for (unsigned i = 0; i < 5; ++i) {
    rows.plus.v[i] = first[i];
    rows.minus.v[i] = second[i];
  }
  const __mmask8 negative = _mm512_test_epi64_mask(_mm512_load_si512(half), lanes_of(64));
  rows.negative = negative;
  for (unsigned i = 0; i < 3; ++i) {
    rows.t.v[i] = _mm512_mask_mov_epi64(first[5 + i], negative, second[5 + i]);
  }
  for (unsigned i = 0; i < 2; ++i) {
    rows.t.v[3 + i] = _mm512_mask_mov_epi64(second[5 + i], negative, first[5 + i]);
  }
  return rows;
}

HOPSEAL_INLINE Wide negated_in(const Wide& a, __mmask8 lanes) {
  Wide r;
  for (unsigned i = 0; i < 5; ++i) {
    r.v[i] = _mm512_mask_sub_epi64(a.v[i], lanes, _mm512_setzero_si512(), a.v[i]);
  }
  return r;
}

/// The last two steps of all formulas: X = EF, Y = GH, Z = FG, T = EH.
HOPSEAL_INLINE Point combined(const Fe& e, const Fe& f, const Fe& g, const Fe& h) {
  Point p;
  p.t = mul(e, h);
  p.x = mul(e, f);
  p.y = mul(g, h);
  p.z = mul(f, g);
  return p;
}

/// p + rows: 7 products.
HOPSEAL_INLINE Point added(const Point& p, const Rows& rows) {
  const Wide a = mul(carry(p.y - p.x), rows.minus);
  const Wide b = mul(carry(p.y + p.x), rows.plus);
  // Negative lanes of c wrap around 2^64; the 2^10 p in d takes them back.
  const Wide c = negated_in(mul(carry(p.t), rows.t), rows.negative);
  Wide d;
  Wide f;
  Wide g;
  for (unsigned i = 0; i < 5; ++i) {
    d.v[i] = _mm512_add_epi64(twice(p.z.v[i]), p_limb(i, 1U << 10U));
    f.v[i] = _mm512_sub_epi64(d.v[i], c.v[i]);
    g.v[i] = _mm512_add_epi64(d.v[i], c.v[i]);
  }
  return combined(carry(b - a), carry(f), carry(g), carry(b + a));
}

/// p + p: 4 squares and 4 products.
HOPSEAL_INLINE Point doubled(const Point& p) {
  const Wide a = sqr(carry(p.x));
  const Wide b = sqr(carry(p.y));
  const Wide c = sqr(carry(p.z));
  const Wide s = sqr(carry(p.x + p.y));
  const Wide h = a + b;
  const Wide g = a - b;
  return combined(carry(h - s), carry(c + c + g), carry(g), carry(h));
}

/// The rows themselves, scaled by d because a row holds 2dxy and not xy:
/// (2dx : 2dy : 2d : 2dxy).
HOPSEAL_INLINE Point started(const Rows& rows) {
  constexpr std::uint64_t kD[5] = {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029,
                                   0x739c663a03cbb, 0x52036cee2b6ff};
  const Fe d = broadcast(kD);
  const Wide t = widened(rows.t);
  const Wide minus_t = widened(small(0)) - t;
  Point p = {mul(rows.plus - rows.minus, d), mul(rows.plus + rows.minus, d),
             widened(d) + widened(d), t};
  for (unsigned i = 0; i < 5; ++i) {
    p.t.v[i] = _mm512_mask_mov_epi64(t.v[i], rows.negative, minus_t.v[i]);
  }
  return p;
}

}  // namespace
}  // namespace crypto::avx512ifma
