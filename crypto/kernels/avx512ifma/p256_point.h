// SPDX-License-Identifier: Apache-2.0
// Points of P-256, eight side by side: Jacobian coordinates (x = X / Z^2, y = Y / Z^3) and affine
// ones. Lanes files only.
//
// None of these formulas is complete, and none needs to be. Adding two points with equal x (equal,
// or opposite) gives Z = 0, and a Z of 0 stays 0 through every later step, so one look at the last
// Z finds every lane in which that happened on the way. The group's order is an odd prime: no y is
// 0, and doubling a point never gives Z = 0. Starting points come from tables, never infinity.
//
// Bounds (multiples of p, p256_field.h): x and y are below 2.1 in and out, also of affine points; Z
// is below 4, but for the sum of two affine points, 6.1, which may be added to and not doubled. A
// factor is carried, a difference of products stays in columns and shares one reduction.

#pragma once

#include "crypto/kernels/avx512ifma/p256_field.h"

namespace crypto::avx512ifma {
namespace {

struct Affine {
  Fe x, y;
};
struct Jacobian {
  Fe x, y, z;
};

/// "dbl-2001-b" of the Explicit-Formulas Database, for a = -3. 4 products, 4 squares, one of each
/// reduced together; in an order in which neighbours do not wait for each other.
HOPSEAL_INLINE Jacobian doubled(const Jacobian& p) {
  const Fe delta = sqr(p.z);  // < 2
  const Fe gamma = sqr(p.y);  // < 1.3
  const LooseFe sum = plus(p.x, delta);
  const Fe three = carried(plus(sum, shifted<1>(sum)));    // < 12.3
  const Fe alpha = mul(settle(minus(p.x, delta)), three);  // < 5.7
  const Fe beta = mul(p.x, gamma);                         // < 1.2
  const LooseFe half_z = mul_loose(p.y, p.z);
  const LooseFe four_beta = shifted<2>(beta);
  Jacobian r;
  r.z = carried(plus(half_z, half_z));
  r.x = fold(minus(sqr_loose(alpha), shifted<1>(four_beta)));
  Columns y = squared(gamma);
  shift_and_negate<3>(y);
  add_product(y, alpha, settle(minus(four_beta, r.x)));
  r.y = fold(reduce(y));
  return r;
}

/// x and y of both additions, from the first point's and from h = x2 - x1 (settled, below 6.1), its
/// square (below 3.4) and d = y2 - y1 (folded), all with the first point's denominators.
HOPSEAL_INLINE void add_chord(const Fe& x1, const Fe& y1, const Fe& h, const Fe& hh, const Fe& d,
                              Jacobian& r) {
  const Fe hhh = mul(hh, h);  // < 2.3
  const Fe v = mul(x1, hh);   // < 1.5
  r.x = fold(minus(minus(sqr_loose(d), hhh), shifted<1>(v)));
  Columns y = no_columns();
  add_product(y, y1, hhh);
  shift_and_negate<0>(y);
  add_product(y, d, settle(minus(v, r.x)));
  r.y = fold(reduce(y));
}

/// p + q, q negated in some lanes. 8 products, 3 squares, two products reduced together.
HOPSEAL_INLINE Jacobian sum(const Jacobian& p, const Affine& q, __mmask8 negate) {
  const Fe zz = sqr(p.z);  // < 3.4
  const Fe h = settle(minus(mul_loose(q.x, zz), p.x));
  const Fe zzz = mul(p.z, zz);  // < 2.3
  const Fe hh = sqr(h);
  const Fe d = fold(minus(negated_in(negate, mul_loose(q.y, zzz)), p.y));
  Jacobian r;
  r.z = mul(p.z, h);  // < 3.4
  add_chord(p.x, p.y, h, hh, d, r);
  return r;
}

/// p + q of two affine points. 4 products, 2 squares.
HOPSEAL_INLINE Jacobian sum(const Affine& p, const Affine& q) {
  Jacobian r;
  r.z = settle(minus(q.x, p.x));
  add_chord(p.x, p.y, r.z, sqr(r.z), fold(minus(q.y, p.y)), r);
  return r;
}

/// -p in some lanes.
HOPSEAL_INLINE Affine negated_in(__mmask8 lanes, const Affine& p) {
  return {p.x, fold(negated_in(lanes, p.y))};
}

}  // namespace
}  // namespace crypto::avx512ifma
