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

/// A point that a row is added to next: Y - X, Y + X, T and Z.
struct ForAdding {
  Fe minus, plus, t;
  Wide z;  ///< below 2^59
};

/// A point that is doubled next, or done: X, Y, X + Y, Z.
struct ForDoubling {
  Fe x, y, sum, z;
};

/// The result of both as X = EF, Y = GH, Z = FG, T = EH, before these products: whoever asks for
/// the next form makes those it needs.
struct Unfinished {
  Fe e, h;
  Wide f, g;  ///< below 2^63
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

/// p + rows: 3 of 7 products.
HOPSEAL_INLINE Unfinished add(const ForAdding& p, const Rows& rows) {
  const Wide a = mul(p.minus, rows.minus);
  const Wide b = mul(p.plus, rows.plus);
  Unfinished r;
  const Wide difference = b - a;
  const Wide sum = b + a;
  Wide c = mul(p.t, rows.t, [&](unsigned step) {
    if (step >= 5 && step < 10) carry_limb(difference, step - 5, r.e);
    if (step >= 10 && step < 15) carry_limb(sum, step - 10, r.h);
  });
  // Negative lanes of c wrap around 2^64; the 2^10 p in d takes them back.
  c = negated_in(c, rows.negative);
  for (unsigned i = 0; i < 5; ++i) {
    const __m512i d = _mm512_add_epi64(twice(p.z.v[i]), p_limb(i, 1U << 10U));
    r.f.v[i] = _mm512_sub_epi64(d, c.v[i]);
    r.g.v[i] = _mm512_add_epi64(d, c.v[i]);
  }
  return r;
}

/// p + p: 4 squares of 4 squares and 4 products.
HOPSEAL_INLINE Unfinished twice(const ForDoubling& p) {
  const Wide a = sqr(p.x);
  const Wide b = sqr(p.y);
  const Wide s = sqr(p.sum);
  const Wide c = sqr(p.z);
  const Wide h = a + b;
  const Wide g = a - b;
  return {carry(h - s), carry(h), c + c + g, g};
}

/// 4 products.
HOPSEAL_INLINE ForAdding for_adding(const Unfinished& p) {
  Fe f;
  Fe g;
  ForAdding r;
  const Wide t = mul(p.e, p.h, [&](unsigned step) {
    if (step < 5) carry_limb(p.f, step, f);
    if (step >= 5 && step < 10) carry_limb(p.g, step - 5, g);
  });
  const Wide x = mul(p.e, f, [&](unsigned step) {
    if (step >= 5 && step < 10) carry_limb(t, step - 5, r.t);
  });
  const Wide y = mul(g, p.h);
  const Wide minus = y - x;
  const Wide plus = y + x;
  r.z = mul(f, g, [&](unsigned step) {
    if (step >= 5 && step < 10) carry_limb(minus, step - 5, r.minus);
    if (step >= 10 && step < 15) carry_limb(plus, step - 10, r.plus);
  });
  return r;
}

/// 3 products: T is not needed.
HOPSEAL_INLINE ForDoubling for_doubling(const Unfinished& p) {
  ForDoubling r;
  const Fe f = carry(p.f);
  const Fe g = carry(p.g);
  const Wide x = mul(p.e, f);
  const Wide y = mul(g, p.h, [&](unsigned step) {
    if (step >= 5 && step < 10) carry_limb(x, step - 5, r.x);
  });
  const Wide sum = x + y;
  const Wide z = mul(f, g, [&](unsigned step) {
    if (step >= 5 && step < 10) carry_limb(y, step - 5, r.y);
    if (step >= 10 && step < 15) carry_limb(sum, step - 10, r.sum);
  });
  r.z = carry(z);
  return r;
}

/// The rows themselves. A row holds 2dxy and not xy, so all is scaled by d:
/// (2dx : 2dy : 2d : 2dxy).
HOPSEAL_INLINE ForAdding for_adding(const Rows& rows) {
  constexpr std::uint64_t k2D[5] = {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                                    0x6738cc7407977, 0x2406d9dc56dff};
  const Fe d2 = broadcast(k2D);
  const Fe minus_t = small(0) - rows.t;
  ForAdding r = {carry(mul(rows.minus, d2)), carry(mul(rows.plus, d2)), rows.t, widened(d2)};
  for (unsigned i = 0; i < 5; ++i) {
    r.t.v[i] = _mm512_mask_mov_epi64(rows.t.v[i], rows.negative, minus_t.v[i]);
  }
  return r;
}

/// The rows themselves: (2x : 2y : 2).
HOPSEAL_INLINE ForDoubling for_doubling(const Rows& rows) {
  return {rows.plus - rows.minus, rows.plus + rows.minus, rows.plus + rows.plus, small(2)};
}

}  // namespace
}  // namespace crypto::avx512ifma
