// SPDX-License-Identifier: Apache-2.0
// Many affine additions with one inversion. Lanes files only.
//
// An affine addition is 2 products and 1 square once 1 / (x2 - x1) is known, and Montgomery's trick
// gives that for 3 products more: half of a Jacobian addition. So the points of a check are not
// added one after the other but in pairs, then pairs of pairs: each level of that tree is a set of
// independent additions, of all lanes of all vectors, whose denominators are inverted together.
// Where a level has too few additions to pay for its inversion, Jacobian additions take the rest.
//
// Each vector has a product of its own, so the product of a lane is that of one check: if it is 0,
// this check met equal or opposite points, is marked undecided, and leaves the inversion.

#pragma once

#include "crypto/kernels/avx512ifma/p256_invert_lanes.h"
#include "crypto/kernels/avx512ifma/p256_point.h"
#include "crypto/kernels/avx512ifma/p256_rows.h"

namespace crypto::avx512ifma {
namespace {

/// Additions (of eight lanes) in a level from which its inversion pays.
constexpr std::uint32_t kLevelPays = 18;

/// Working space for the points of one vector of checks.
template <std::uint32_t kPoints>
struct Terms {
  static constexpr std::uint32_t kSlots = (kPoints + 1) / 2;
  Affine point[kSlots];  ///< first level: x1 and x2 - x1 on the way down, then the sums
  Fe denominator[kSlots / 2];
  Fe before[kSlots];  ///< products of the denominators up to here
  __mmask8 undecided;
};

/// The last step of an affine addition: p + q, given d = y2 - y1, h = x2 - x1 and 1 / h.
HOPSEAL_INLINE Affine affine_sum(const Fe& x1, const Limbs& y1, const Fe& h, const Fe& d,
                                 const Fe& inverse) {
  const Fe slope = mul(d, inverse);
  Affine r;
  r.x = fold(minus(minus(sqr_loose(slope), h), shifted<1>(x1)));  // h + 2 x1 = x1 + x2
  r.y = fold(minus(mul_loose(slope, settle(minus(x1, r.x))), y1));
  return r;
}

/// Inverts the products at the end of each chain. A product of 0 marks the lane and becomes 1.
template <class TermsOf>
inline void invert_chains(TermsOf* terms, std::uint32_t vectors, Fe* product) {
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const __mmask8 zero = is_zero(product[v]);
    terms[v].undecided = static_cast<__mmask8>(terms[v].undecided | zero);
    product[v] = {blend(zero, product[v], fe_one())};
  }
  invert_lanes(product, vectors);
}

/// Moves one addition back in the chain: 1 / (this denominator), and @p product without it.
HOPSEAL_INLINE Fe step_back(Fe& product, const Fe& denominator, const Fe* before) {
  if (before == nullptr) return product;
  const Fe inverse = mul(product, *before);
  product = mul(product, denominator);
  return inverse;
}

/// Rows 2i and 2i + 1 into slot i. While one vector's x are read, the rows of the next come near.
template <std::uint32_t kPoints>
inline void sum_rows(const RowPick (*picks)[kPoints], const __mmask8 (*negate)[kPoints],
                     std::uint32_t vectors, Terms<kPoints>* terms) {
  constexpr std::uint32_t kPairs = kPoints / 2;
  Fe product[kMaxVectors];
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const RowPick* next = picks[v + 1 < vectors ? v + 1 : v];
    for (std::uint32_t i = 0; i < kPairs; ++i) {
      prefetch(next[2 * i]);
      prefetch(next[2 * i + 1]);
      const Fe x1 = load_x(picks[v][2 * i]);
      const Fe h = settle(minus(load_x(picks[v][2 * i + 1]), x1));
      product[v] = i == 0 ? h : mul(product[v], h);
      terms[v].point[i] = {x1, h};
      terms[v].before[i] = product[v];
    }
    prefetch(next[kPoints - 1]);
  }
  invert_chains(terms, vectors, product);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    for (std::uint32_t i = kPairs; i-- > 0;) {
      Affine& at = terms[v].point[i];
      const Fe x1 = at.x;
      const Fe h = at.y;
      const Fe inverse = step_back(product[v], h, i > 0 ? &terms[v].before[i - 1] : nullptr);
      const LooseFe y1 = negated_in(negate[v][2 * i], load_y(picks[v][2 * i]));
      const LooseFe y2 = negated_in(negate[v][2 * i + 1], load_y(picks[v][2 * i + 1]));
      at = affine_sum(x1, y1, h, settle(minus(y2, y1)), inverse);
    }
    if constexpr (kPoints % 2 != 0) {
      const RowPick& last = picks[v][kPoints - 1];
      terms[v].point[kPairs] = negated_in(negate[v][kPoints - 1], {load_x(last), load_y(last)});
    }
  }
}

/// Points in slots 0, step, 2 step, ... : adds each second one to its neighbour.
template <std::uint32_t kPoints>
inline void sum_neighbours(std::uint32_t vectors, std::uint32_t step, Terms<kPoints>* terms) {
  constexpr std::uint32_t kSlots = Terms<kPoints>::kSlots;
  Fe product[kMaxVectors];
  std::uint32_t pairs = 0;
  for (std::uint32_t v = 0; v < vectors; ++v) {
    Terms<kPoints>& t = terms[v];
    pairs = 0;
    for (std::uint32_t at = 0; at + step < kSlots; at += 2 * step, ++pairs) {
      const Fe h = settle(minus(t.point[at + step].x, t.point[at].x));
      product[v] = pairs == 0 ? h : mul(product[v], h);
      t.denominator[pairs] = h;
      t.before[pairs] = product[v];
    }
  }
  invert_chains(terms, vectors, product);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    Terms<kPoints>& t = terms[v];
    for (std::uint32_t i = pairs; i-- > 0;) {
      Affine& p = t.point[2 * step * i];
      const Affine& q = t.point[2 * step * i + step];
      const Fe h = t.denominator[i];
      const Fe inverse = step_back(product[v], h, i > 0 ? &t.before[i - 1] : nullptr);
      p = affine_sum(p.x, p.y, h, settle(minus(q.y, p.y)), inverse);
    }
  }
}

/// Adds the rows of each vector as far as common inversions pay; returns the distance of the slots
/// that then hold the points still to be added.
template <std::uint32_t kPoints>
inline std::uint32_t sum_in_levels(const RowPick (*picks)[kPoints],
                                   const __mmask8 (*negate)[kPoints], std::uint32_t vectors,
                                   Terms<kPoints>* terms) {
  for (const RowPick& pick : picks[0]) prefetch(pick);
  for (std::uint32_t v = 0; v < vectors; ++v) terms[v].undecided = 0;
  sum_rows<kPoints>(picks, negate, vectors, terms);
  std::uint32_t step = 1;
  while (Terms<kPoints>::kSlots / (2 * step) * vectors >= kLevelPays) {
    sum_neighbours<kPoints>(vectors, step, terms);
    step *= 2;
  }
  return step;
}

}  // namespace
}  // namespace crypto::avx512ifma
