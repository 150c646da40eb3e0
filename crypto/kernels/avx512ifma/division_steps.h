// SPDX-License-Identifier: Apache-2.0
// Division steps of Bernstein and Yang ("Fast constant-time gcd computation and modular inversion",
// CHES 2019), in variable time since all data is public: 62 at once look only at the low words of f
// and g and give a 2x2 matrix, which the caller applies to the long numbers. For lanes files only.

#pragma once

#include <cstdint>

namespace crypto::avx512ifma {
namespace {

constexpr unsigned kStepBits = 62;

/// What some division steps did to f and g: (f, g) becomes (u f + v g, q f + r g) / 2^62.
struct Steps {
  std::int64_t u, v, q, r;
};

/// 62 division steps on the low words of f (odd) and g. @p eta is minus the delta of the paper.
inline Steps division_steps(std::int64_t& eta, std::uint64_t f, std::uint64_t g) {
  std::uint64_t u = 1;
  std::uint64_t v = 0;
  std::uint64_t q = 0;
  std::uint64_t r = 1;
  for (unsigned left = kStepBits;;) {
    // Steps while g is even halve it. The ones above bit `left` stop the count there.
    const auto zeros = static_cast<unsigned>(__builtin_ctzll(g | ~std::uint64_t{0} << left));
    g >>= zeros;
    u <<= zeros;
    v <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    if (eta < 0) {  // g takes the place of f, and -f that of g
      eta = -eta;
      const std::uint64_t old_f = f;
      const std::uint64_t old_u = u;
      const std::uint64_t old_v = v;
      f = g;
      u = q;
      v = r;
      g = 0 - old_f;
      q = 0 - old_u;
      r = 0 - old_v;
    }
    // Now eta + 1 steps at least keep f, so as many low bits of g (6 at most) may be cleared at
    // once with a multiple of f. 1/f modulo 64 is f (2 - f^2), as f is its own inverse modulo 8.
    const auto keeps = static_cast<std::uint64_t>(eta) + 1;
    unsigned bits = left < 6 ? left : 6;
    if (keeps < bits) bits = static_cast<unsigned>(keeps);
    const std::uint64_t w = (0 - g) * f * (2 - f * f) & ((std::uint64_t{1} << bits) - 1);
    g += f * w;
    q += u * w;
    r += v * w;
  }
  return {static_cast<std::int64_t>(u), static_cast<std::int64_t>(v), static_cast<std::int64_t>(q),
          static_cast<std::int64_t>(r)};
}

}  // namespace
}  // namespace crypto::avx512ifma
