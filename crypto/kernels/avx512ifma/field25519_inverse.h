// SPDX-License-Identifier: Apache-2.0
// Inverses modulo p = 2^255 - 19 in eight lanes, for lanes files only.
//
// The lanes are multiplied together, one number is inverted with plain instructions, and products
// of the other lanes give each lane its own inverse. The plain inversion is Bernstein and Yang's
// ("Fast constant-time gcd computation and modular inversion", CHES 2019), in variable time since
// all data is public: 62 division steps at a time on the low words, then one update of the long
// numbers. About 3000 cycles; raising to p - 2 in the lanes takes 18000, nearly all of it waiting.

#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/kernels/avx512ifma/division_steps.h"
#include "crypto/kernels/avx512ifma/field25519.h"

namespace crypto::avx512ifma {
namespace {

__extension__ using SignedDouble = __int128;

constexpr std::uint64_t kMask62 = (std::uint64_t{1} << kStepBits) - 1;

/// Five limbs of 62 bits, the topmost signed. p is -19 + 2^7 2^248 in this form.
struct Long {
  std::int64_t limb[5];
};

/// (a x + b y + m p) / 2^62, which is a whole number for the right m.
inline Long combine(std::int64_t a, const Long& x, std::int64_t b, const Long& y, std::int64_t m) {
  Long out;
  SignedDouble sum = static_cast<SignedDouble>(a) * x.limb[0] +
                     static_cast<SignedDouble>(b) * y.limb[0] - static_cast<SignedDouble>(m) * 19;
  for (unsigned i = 1; i < 5; ++i) {
    sum >>= kStepBits;
    sum += static_cast<SignedDouble>(a) * x.limb[i] + static_cast<SignedDouble>(b) * y.limb[i];
    if (i == 4) sum += static_cast<SignedDouble>(m) * 128;
    out.limb[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) & kMask62);
  }
  out.limb[4] = static_cast<std::int64_t>(sum >> kStepBits);
  return out;
}

/// The m below 2^62 that makes a x + b y + m p a multiple of 2^62: p is -19 modulo 2^62.
inline std::int64_t multiple_of_p(std::int64_t a, const Long& x, std::int64_t b, const Long& y) {
  constexpr std::uint64_t kInverse19 = 0x86bca1af286bca1b & kMask62;
  static_assert((kInverse19 * 19 & kMask62) == 1);
  const std::uint64_t low = static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(x.limb[0]) +
                            static_cast<std::uint64_t>(b) * static_cast<std::uint64_t>(y.limb[0]);
  return static_cast<std::int64_t>(low * kInverse19 & kMask62);
}

/// Replaces limbs of 51 bits, canonical and not 0 modulo p, by their inverse: limbs below 2^52.
inline void invert_one(std::uint64_t* a) {
  Long f = {{-19, 0, 0, 0, 128}};
  Long g = {{static_cast<std::int64_t>((a[0] | a[1] << 51U) & kMask62),
             static_cast<std::int64_t>((a[1] >> 11U | a[2] << 40U) & kMask62),
             static_cast<std::int64_t>((a[2] >> 22U | a[3] << 29U) & kMask62),
             static_cast<std::int64_t>((a[3] >> 33U | a[4] << 18U) & kMask62),
             static_cast<std::int64_t>(a[4] >> 44U)}};
  // d = f / a and e = g / a modulo p throughout. Each round adds at most p to their size.
  Long d = {{0, 0, 0, 0, 0}};
  Long e = {{1, 0, 0, 0, 0}};
  std::int64_t eta = -1;
  unsigned rounds = 0;
  while ((g.limb[0] | g.limb[1] | g.limb[2] | g.limb[3] | g.limb[4]) != 0) {
    const Steps s = division_steps(eta, static_cast<std::uint64_t>(f.limb[0]),
                                   static_cast<std::uint64_t>(g.limb[0]));
    const Long next_f = combine(s.u, f, s.v, g, 0);
    g = combine(s.q, f, s.r, g, 0);
    f = next_f;
    const Long next_d = combine(s.u, d, s.v, e, multiple_of_p(s.u, d, s.v, e));
    e = combine(s.q, d, s.r, e, multiple_of_p(s.q, d, s.r, e));
    d = next_d;
    ++rounds;
  }
  assert(rounds <= 12);
  // f is 1 or -1. d or -d, with 16 p added, is positive and below 2^260.
  const std::int64_t sign = f.limb[4] < 0 ? -1 : 1;
  SignedDouble sum = 0;
  std::uint64_t limb[5];
  for (unsigned i = 0; i < 5; ++i) {
    sum += static_cast<SignedDouble>(sign) * d.limb[i];
    if (i == 0) sum -= 16 * 19;
    if (i == 4) sum += 16 * 128;
    limb[i] = static_cast<std::uint64_t>(sum) & kMask62;
    sum >>= kStepBits;
  }
  a[0] = limb[0] & kMask51;
  a[1] = (limb[0] >> 51U | limb[1] << 11U) & kMask51;
  a[2] = (limb[1] >> 40U | limb[2] << 22U) & kMask51;
  a[3] = (limb[2] >> 29U | limb[3] << 33U) & kMask51;
  a[4] = (limb[3] >> 18U | limb[4] << 44U) & kMask51;
  a[0] += 19 * (limb[4] >> 7U);
}

inline Fe permuted(const Fe& a, int distance) {
  Fe r;
  for (unsigned i = 0; i < 5; ++i) {
    r.v[i] = distance == 1   ? _mm512_permutex_epi64(a.v[i], 0xb1)
             : distance == 2 ? _mm512_permutex_epi64(a.v[i], 0x4e)
                             : _mm512_shuffle_i64x2(a.v[i], a.v[i], 0x4e);
  }
  return r;
}

/// 1 / a in each lane. @pre no lane is 0 modulo p
inline Fe inverse(const Fe& a) {
  const Fe neighbour = permuted(a, 1);
  const Fe pairs = a * neighbour;
  const Fe other_pair = permuted(pairs, 2);
  const Fe quads = pairs * other_pair;
  const Fe other_quad = permuted(quads, 4);
  const Fe all = canonical(quads * other_quad);
  std::uint64_t limbs[5];
  for (unsigned i = 0; i < 5; ++i) {
    limbs[i] = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(all.v[i])));
  }
  invert_one(limbs);
  return broadcast(limbs) * (neighbour * other_pair * other_quad);
}

}  // namespace
}  // namespace crypto::avx512ifma
