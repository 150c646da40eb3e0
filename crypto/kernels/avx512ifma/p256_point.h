// SPDX-License-Identifier: Apache-2.0
// Points of P-256, eight side by side: Jacobian coordinates (x = X / Z^2, y = Y / Z^3) and affine
// ones. Lanes files only.
//
// None of these formulas is complete, and none needs to be. Adding two points with equal x (equal,
// or opposite) gives Z = 0, and a Z of 0 stays 0 through every later step, so one look at the last
// Z finds every lane in which that happened on the way. The group's order is an odd prime: no y is
// 0, and doubling a point never gives Z = 0. Starting points come from tables, never infinity.
//
// Bounds (p256_field.h): coordinates below 2.1 in and out, affine ones too.

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

/// "dbl-2001-b" of the Explicit-Formulas Database, for a = -3. 3 products, 5 squares.
HOPSEAL_INLINE Jacobian doubled(const Jacobian& p) {
  const Fe delta = sqr(p.z);                                                   // < 1.3
  const Fe gamma = sqr(p.y);                                                   // < 1.3
  const Fe beta = mul(p.x, gamma);                                             // < 1.2
  const Fe third = mul(settle(minus(p.x, delta)), carried(plus(p.x, delta)));  // < 2.4
  const Fe alpha = carried(plus(third, shifted<1>(third)));                    // < 7.2
  const Fe four_beta = {carried(shifted<2>(beta))};
  Jacobian r;
  r.x = fold(minus(sqr(alpha), shifted<1>(four_beta)));
  r.z = fold(minus(minus(sqr(carried(plus(p.y, p.z))), gamma), delta));
  r.y = fold(minus(mul(alpha, fold(minus(four_beta, r.x))), shifted<3>(sqr(gamma))));
  return r;
}

/// What both mixed additions do once h = x2 - x1 (settled) and d = y2 - y1 (folded) are known, in
/// the denominator of the first point. Z is left to them.
HOPSEAL_INLINE Jacobian chord(const Fe& x1, const Fe& y1, const Fe& h, const Fe& d) {
  const Fe hh = sqr(h);       // < 3.4
  const Fe hhh = mul(hh, h);  // < 2.3
  const Fe v = mul(x1, hh);   // < 1.5
  Jacobian r;
  r.x = fold(minus(minus(sqr(d), hhh), shifted<1>(v)));
  r.y = fold(minus(mul(d, settle(minus(v, r.x))), mul(y1, hhh)));
  return r;
}

/// p + q, q negated in some lanes. 8 products, 3 squares.
HOPSEAL_INLINE Jacobian sum(const Jacobian& p, const Affine& q, __mmask8 negate) {
  const Fe zz = sqr(p.z);
  const Fe h = settle(minus(mul(q.x, zz), p.x));  // < 6.1
  const Fe d = fold(minus(negated_in(negate, mul(q.y, mul(p.z, zz))), p.y));
  Jacobian r = chord(p.x, p.y, h, d);
  r.z = mul(p.z, h);
  return r;
}

/// p + q of two affine points. 4 products, 2 squares.
HOPSEAL_INLINE Jacobian sum(const Affine& p, const Affine& q) {
  const Fe h = settle(minus(q.x, p.x));
  Jacobian r = chord(p.x, p.y, h, fold(minus(q.y, p.y)));
  r.z = h;
  return r;
}

/// -p in some lanes.
HOPSEAL_INLINE Affine negated_in(__mmask8 lanes, const Affine& p) {
  return {p.x, fold(negated_in(lanes, p.y))};
}

}  // namespace
}  // namespace crypto::avx512ifma
