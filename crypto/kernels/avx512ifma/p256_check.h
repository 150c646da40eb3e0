// SPDX-License-Identifier: Apache-2.0
// What both paths do with a check before and after the additions: numbers mod n, and the comparison
// of the sum's x-coordinate with r. Lanes files only.

#pragma once

#include "crypto/kernels/avx512ifma/p256.h"
#include "crypto/kernels/avx512ifma/p256_invert_lanes.h"

namespace crypto::avx512ifma {
namespace {

/// Eight checks. Lanes behind the last check repeat it, so that none is uninitialised.
struct Prepared {
  Scalar u1, u2;  ///< hash / s and r / s
  Scalar r;
  __mmask8 in_range;  ///< r and s are in [1, n); elsewhere the lane computes something harmless
};

/// One of P256Check's numbers of eight checks.
HOPSEAL_INLINE Limbs load_big_endian(const P256Check* const (&checks)[8],
                                     const std::byte* P256Check::*number) {
  alignas(64) std::uint64_t words[4][8];
  for (int lane = 0; lane < 8; ++lane) {
    const std::byte* bytes = checks[lane]->*number;
    for (int i = 0; i < 4; ++i) {
      std::uint64_t word = 0;
      __builtin_memcpy(&word, bytes + 8 * i, 8);
      words[3 - i][lane] = __builtin_bswap64(word);
    }
  }
  __m512i w[4];
  for (int i = 0; i < 4; ++i) w[i] = _mm512_load_si512(words[i]);
  return limbs_of_words(w);
}

/// The eight checks of one vector.
HOPSEAL_INLINE void checks_of(const P256Check* checks, std::uint32_t count, std::uint32_t vector,
                              const P256Check* (&lanes)[8]) {
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::uint32_t at = vector * kLanes + i;
    lanes[i] = &checks[at < count ? at : count - 1];
  }
}

/// Reads the checks; one inversion mod n for all of them.
inline void prepare(const P256Check* checks, std::uint32_t count, std::uint32_t vectors,
                    Prepared* prepared) {
  Scalar s[kMaxVectors];
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const P256Check* lanes[8];
    checks_of(checks, count, v, lanes);
    Prepared& to = prepared[v];
    to.r = {load_big_endian(lanes, &P256Check::r)};
    s[v] = {load_big_endian(lanes, &P256Check::s)};
    const __mmask8 s_is_good = in_range(s[v]);
    to.in_range = static_cast<__mmask8>(in_range(to.r) & s_is_good);
    // A 1 instead of what is no s: a 0 would make the common product 0.
    s[v] = {blend(s_is_good, scalar({1, 0, 0, 0, 0}), s[v])};
  }
  invert_lanes(s, vectors);
  for (std::uint32_t v = 0; v < vectors; ++v) {
    const P256Check* lanes[8];
    checks_of(checks, count, v, lanes);
    prepared[v].u1 = mul(Scalar{load_big_endian(lanes, &P256Check::hash)}, s[v]);
    prepared[v].u2 = mul(prepared[v].r, s[v]);
  }
}

/// Lanes in which the point's x-coordinate, taken mod n, is r: X = r * Z^2, or X = (r + n) * Z^2
/// when that is an x-coordinate at all. False where Z is 0.
HOPSEAL_INLINE __mmask8 x_is_r(const Prepared& check, const Fe& x, const Fe& zz) {
  const Fe r = mul(Fe{check.r}, fe(kR2));
  __mmask8 same = is_zero(settle(minus(mul(r, zz), x)));
  __mmask8 wraps = 0;
  difference(check.r, scalar(kPMinusN), wraps);
  if (wraps != 0) {
    const Fe r_plus_n = mul(carried(plus(check.r, scalar(kN))), fe(kR2));
    same |= static_cast<__mmask8>(wraps & is_zero(settle(minus(mul(r_plus_n, zz), x))));
  }
  return same;
}

/// Verdicts of one vector's lanes.
HOPSEAL_INLINE std::uint64_t write_verdicts(const Prepared& check, __mmask8 same,
                                            __mmask8 undecided, std::uint32_t vector,
                                            std::uint32_t count, bool* valid) {
  const auto open = static_cast<__mmask8>(undecided & check.in_range);
  const auto good = static_cast<__mmask8>(same & check.in_range & ~undecided);
  std::uint64_t undecided_set = 0;
  for (std::uint32_t lane = 0; lane < kLanes && vector * kLanes + lane < count; ++lane) {
    valid[vector * kLanes + lane] = (good >> lane & 1) != 0;
    undecided_set |= static_cast<std::uint64_t>(open >> lane & 1) << (vector * kLanes + lane);
  }
  return undecided_set;
}

/// Calls @p verify for as many checks at a time as fill kVectors vectors.
template <std::uint32_t kVectors, class Verify>
std::uint64_t in_parts(Verify verify, const P256Check* checks, std::uint32_t count, bool* valid) {
  assert(1 <= count && count <= kP256MaxChecks);
  std::uint64_t undecided = 0;
  for (std::uint32_t at = 0; at < count; at += kVectors * kLanes) {
    const std::uint32_t left = count - at;
    const std::uint32_t now = left < kVectors * kLanes ? left : kVectors * kLanes;
    undecided |= verify(checks + at, now, valid + at) << at;
  }
  return undecided;
}

}  // namespace
}  // namespace crypto::avx512ifma
