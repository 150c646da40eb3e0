// SPDX-License-Identifier: Apache-2.0
// Inversion by division steps (division_steps.h) on numbers of five words of 62 bits.
#include "crypto/kernels/avx512ifma/p256_inverse.h"

#include <cassert>

#include "crypto/kernels/avx512ifma/division_steps.h"

namespace crypto::avx512ifma {
namespace {

__extension__ typedef __int128 Int128;

constexpr int kWords = 5;
constexpr int kBits = kStepBits;
constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;

/// Signed: the lower words in [0, 2^62), the top word with the sign.
struct Long {
  std::int64_t word[kWords];
};

struct Modulus {
  Long value;
  std::uint64_t minus_inverse;  ///< -value^-1 mod 2^62
};

constexpr Modulus kField = {{{0x3fffffffffffffff, 0x3ffffffff, 0x0, 0x3fffffc000000040, 0xff}},
                            0x1};
constexpr Modulus kOrder = {
    {{0x33b9cac2fc632551, 0x339beab69c5e7a13, 0x3ffffffffffffffb, 0x3fffffc00000003f, 0xff}},
    0xcd1c8aaee00bc4f};

/// (a * x + b * y) / 2^62, which is exact.
Long combined(std::int64_t a, const Long& x, std::int64_t b, const Long& y) {
  Long out;
  Int128 sum = Int128{a} * x.word[0] + Int128{b} * y.word[0];
  assert((static_cast<std::uint64_t>(sum) & kMask) == 0);
  for (int i = 1; i < kWords; ++i) {
    sum = (sum >> kBits) + Int128{a} * x.word[i] + Int128{b} * y.word[i];
    out.word[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) & kMask);
  }
  out.word[kWords - 1] = static_cast<std::int64_t>(sum >> kBits);
  return out;
}

/// (a * x + b * y) / 2^62 mod the modulus: a multiple of the modulus between -2^61 and 2^61 times
/// it makes the division exact. Values grow by half a modulus each time, so twelve times give less
/// than seven times the modulus.
Long combined_mod(std::int64_t a, const Long& x, std::int64_t b, const Long& y, const Modulus& m) {
  Long out;
  Int128 sum = Int128{a} * x.word[0] + Int128{b} * y.word[0];
  const std::uint64_t low = static_cast<std::uint64_t>(sum) * m.minus_inverse;
  const std::int64_t k = static_cast<std::int64_t>(low << 2U) >> 2;
  sum += Int128{k} * m.value.word[0];
  for (int i = 1; i < kWords; ++i) {
    sum = (sum >> kBits) + Int128{a} * x.word[i] + Int128{b} * y.word[i] +
          Int128{k} * m.value.word[i];
    out.word[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) & kMask);
  }
  out.word[kWords - 1] = static_cast<std::int64_t>(sum >> kBits);
  return out;
}

bool is_zero(const Long& a) {
  return (a.word[0] | a.word[1] | a.word[2] | a.word[3] | a.word[4]) == 0;
}

/// x + sign * y.
Long sum_of(const Long& x, std::int64_t sign, const Long& y) {
  Long out;
  std::int64_t carry = 0;
  for (int i = 0; i + 1 < kWords; ++i) {
    const std::int64_t s = x.word[i] + sign * y.word[i] + carry;
    out.word[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(s) & kMask);
    carry = s >> kBits;
  }
  out.word[kWords - 1] = x.word[kWords - 1] + sign * y.word[kWords - 1] + carry;
  return out;
}

}  // namespace

void p256_invert(P256Modulus modulus, const std::uint64_t x[4], std::uint64_t out[4]) noexcept {
  const Modulus& m = modulus == P256Modulus::kField ? kField : kOrder;
  Long f = m.value;
  Long g = {{static_cast<std::int64_t>(x[0] & kMask),
             static_cast<std::int64_t>((x[0] >> 62U | x[1] << 2U) & kMask),
             static_cast<std::int64_t>((x[1] >> 60U | x[2] << 4U) & kMask),
             static_cast<std::int64_t>((x[2] >> 58U | x[3] << 6U) & kMask),
             static_cast<std::int64_t>(x[3] >> 56U)}};
  // Throughout: f = d * x and g = e * x mod m.
  Long d = {};
  Long e = {{1, 0, 0, 0, 0}};
  std::int64_t eta = -1;
  while (!is_zero(g)) {
    const Steps step = division_steps(eta, static_cast<std::uint64_t>(f.word[0]),
                                      static_cast<std::uint64_t>(g.word[0]));
    const Long f_before = f;
    const Long d_before = d;
    f = combined(step.u, f_before, step.v, g);
    g = combined(step.q, f_before, step.r, g);
    d = combined_mod(step.u, d_before, step.v, e, m);
    e = combined_mod(step.q, d_before, step.r, e, m);
  }
  // The modulus is prime and x is not 0, so f is 1 or -1.
  if (f.word[kWords - 1] < 0) d = sum_of(Long{}, -1, d);
  while (d.word[kWords - 1] < 0) d = sum_of(d, 1, m.value);
  for (;;) {
    const Long less = sum_of(d, -1, m.value);
    if (less.word[kWords - 1] < 0) break;
    d = less;
  }
  std::uint64_t w[kWords];
  for (int i = 0; i < kWords; ++i) w[i] = static_cast<std::uint64_t>(d.word[i]);
  out[0] = w[0] | w[1] << 62U;
  out[1] = w[1] >> 2U | w[2] << 60U;
  out[2] = w[2] >> 4U | w[3] << 58U;
  out[3] = w[3] >> 6U | w[4] << 56U;
}

}  // namespace crypto::avx512ifma
