// SPDX-License-Identifier: Apache-2.0
// Arithmetic modulo p = 2^255 - 19 in eight lanes, for lanes files only.
//
// A number is five limbs of 51 bits, limb i worth 2^(51 i); vector i holds limb i of eight numbers.
// VPMADD52 multiplies the low 52 bits of its operands and adds the low or the high 52 bits of the
// product, so operands must be below 2^52. Two kinds of numbers keep that in mind:
//
//   Fe    operand of a product. Limbs below 2^51 + 2^17.
//   Wide  product or sum of products, carries not yet taken. Limbs below 2^63.
//
// mul() gives limbs below 2^59 (bounds at mul()); sums and differences of a few products are still
// Wide, so a carry pass is paid once for each operand and not once for each product and each sum:
// E = B - A and H = B + A of a point addition need two passes, where A, B, E, H would need four.
// That 2^51 radix leaves one spare bit per operand is why sums are taken before the pass and not
// after it.

#pragma once

#include <immintrin.h>

#include <cassert>
#include <cstdint>

namespace crypto::avx512ifma {
namespace {

struct Fe {
  __m512i v[5];
};
struct Wide {
  __m512i v[5];
};

constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51U) - 1;

#define HOPSEAL_INLINE inline __attribute__((always_inline))

HOPSEAL_INLINE __m512i lanes_of(std::uint64_t value) {
  return _mm512_set1_epi64(static_cast<long long>(value));
}

/// Debug builds check that all limbs are below @p bound.
HOPSEAL_INLINE void check_below([[maybe_unused]] const __m512i* limbs,
                                [[maybe_unused]] std::uint64_t bound) {
#ifndef NDEBUG
  for (unsigned i = 0; i < 5; ++i) {
    assert(_mm512_cmplt_epu64_mask(limbs[i], lanes_of(bound)) == 0xff);
  }
#endif
}
HOPSEAL_INLINE void check_operand(const Fe& a) {
  check_below(a.v, kMask51 + (std::uint64_t{1} << 17U));
}

/// The same number in all lanes, from limbs below 2^51.
HOPSEAL_INLINE Fe broadcast(const std::uint64_t* limbs) {
  Fe a;
  for (unsigned i = 0; i < 5; ++i) a.v[i] = lanes_of(limbs[i]);
  return a;
}

HOPSEAL_INLINE Fe small(std::uint64_t value) {
  const std::uint64_t limbs[5] = {value, 0, 0, 0, 0};
  return broadcast(limbs);
}

/// Limb i of p, times @p factor, in all lanes.
HOPSEAL_INLINE __m512i p_limb(unsigned i, std::uint64_t factor) {
  return lanes_of(factor * (i == 0 ? kMask51 - 18 : kMask51));
}

/// One parallel carry pass, limb by limb: limb i needs limbs i and i - 1 (limb 0 the topmost). From
/// limbs below 2^63: carries are below 2^12, and 19 times the topmost, below 2^17, comes in at limb
/// 0.
HOPSEAL_INLINE void carry_limb(const Wide& a, unsigned i, Fe& r) {
  const __m512i own = _mm512_and_si512(a.v[i], lanes_of(kMask51));
  r.v[i] = i == 0 ? _mm512_madd52lo_epu64(own, _mm512_srli_epi64(a.v[4], 51), lanes_of(19))
                  : _mm512_add_epi64(own, _mm512_srli_epi64(a.v[i - 1], 51));
}

HOPSEAL_INLINE Fe carry(const Wide& a) {
  check_below(a.v, std::uint64_t{1} << 63U);
  Fe r;
  for (unsigned i = 0; i < 5; ++i) carry_limb(a, i, r);
  return r;
}

HOPSEAL_INLINE Wide widened(const Fe& a) { return {{a.v[0], a.v[1], a.v[2], a.v[3], a.v[4]}}; }

HOPSEAL_INLINE Wide operator+(const Wide& a, const Wide& b) {
  Wide r;
  for (unsigned i = 0; i < 5; ++i) r.v[i] = _mm512_add_epi64(a.v[i], b.v[i]);
  return r;
}

/// a - b + 2^10 p. @pre limbs of b below 2^60.
HOPSEAL_INLINE Wide operator-(const Wide& a, const Wide& b) {
  check_below(b.v, std::uint64_t{1} << 60U);
  Wide r;
  for (unsigned i = 0; i < 5; ++i) {
    r.v[i] = _mm512_sub_epi64(_mm512_add_epi64(a.v[i], p_limb(i, 1U << 10U)), b.v[i]);
  }
  return r;
}

HOPSEAL_INLINE __m512i lo(const __m512i& sum, const __m512i& a, const __m512i& b) {
  return _mm512_madd52lo_epu64(sum, a, b);
}
HOPSEAL_INLINE __m512i hi(const __m512i& sum, const __m512i& a, const __m512i& b) {
  return _mm512_madd52hi_epu64(sum, a, b);
}
HOPSEAL_INLINE __m512i twice(const __m512i& a) { return _mm512_add_epi64(a, a); }
HOPSEAL_INLINE __m512i times19(const __m512i& a) {
  __m512i nineteen = lanes_of(19);
  // Hides the number: GCC would make two shifts and two additions of one fast VPMULLQ.
  asm("" : "+v"(nineteen));
  return _mm512_mullo_epi64(a, nineteen);
}

/// What mul() has room for between its steps: calls with 0 to kSteps - 1.
constexpr unsigned kSteps = 21;
struct NoOtherWork {
  HOPSEAL_INLINE void operator()(unsigned /*step*/) const {}
};

/// a b. The low half of a_i b_j is worth 2^(51 (i + j)); the high half 2^52 times that, which is
/// two of the next limb: it is summed apart and doubled at the end. Columns from 5 up come back 19
/// times at column - 5. Limbs are below 2^59: limb 0 gets 1 low half (below 2^52) and 19 times 4
/// low halves and 5 doubled high halves (below 2^51 + 2^19), which is 2^52 (1 + 19 * 6.5 + tiny) <
/// 2^59; the others get less.
///
/// VPMADD52 keeps two of four vector pipes busy. The CPU looks only some 64 vector instructions
/// ahead, so what should fill the other two must stand between these: @p other_work is called with
/// numbers of steps, and does about four cheap instructions each time that do not depend on this
/// product.
template <class OtherWork>
HOPSEAL_INLINE Wide mul(const Fe& a, const Fe& b, OtherWork other_work) {
  check_operand(a);
  check_operand(b);
  __m512i low[9];
  __m512i high[10];
  for (auto& column : low) column = _mm512_setzero_si512();
  for (auto& column : high) column = _mm512_setzero_si512();
  unsigned step = 0;
#pragma GCC unroll 5
  for (unsigned i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (unsigned j = 4 - i; j < 5; ++j) {
      if (i + j >= 5) low[i + j] = lo(low[i + j], a.v[i], b.v[j]);
      high[i + j + 1] = hi(high[i + j + 1], a.v[i], b.v[j]);
      other_work(step++);
    }
  }
#pragma GCC unroll 5
  for (unsigned i = 0; i < 4; ++i) {
#pragma GCC unroll 5
    for (unsigned j = 0; i + j < 4; ++j) high[i + j + 1] = hi(high[i + j + 1], a.v[i], b.v[j]);
    if (i < 3) other_work(step++);
  }
  Wide r;
  for (unsigned k = 0; k < 4; ++k) {
    r.v[k] = times19(_mm512_add_epi64(low[k + 5], twice(high[k + 5])));
  }
  r.v[4] = times19(twice(high[9]));
#pragma GCC unroll 5
  for (unsigned i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (unsigned j = 0; i + j < 5; ++j) r.v[i + j] = lo(r.v[i + j], a.v[i], b.v[j]);
    if (i < 3) other_work(step++);
  }
  for (unsigned k = 1; k < 5; ++k) r.v[k] = _mm512_add_epi64(r.v[k], twice(high[k]));
  check_below(r.v, std::uint64_t{1} << 59U);
  return r;
}
HOPSEAL_INLINE Wide mul(const Fe& a, const Fe& b) { return mul(a, b, NoOtherWork{}); }

/// a^2. Low halves of a_i^2 count once; high halves of a_i^2 and low halves of a_i a_j twice; high
/// halves of a_i a_j four times. Same bound as mul().
HOPSEAL_INLINE Wide sqr(const Fe& a) {
  check_operand(a);
  __m512i once[5];  // columns 5..8 of low halves of squares
  __m512i two[10];
  __m512i four[10];
  for (auto& column : once) column = _mm512_setzero_si512();
  for (auto& column : two) column = _mm512_setzero_si512();
  for (auto& column : four) column = _mm512_setzero_si512();
  for (unsigned i = 0; i < 5; ++i) {
    two[2 * i + 1] = hi(two[2 * i + 1], a.v[i], a.v[i]);
    if (2 * i >= 5) once[2 * i - 5] = lo(once[2 * i - 5], a.v[i], a.v[i]);
    for (unsigned j = i + 1; j < 5; ++j) {
      two[i + j] = lo(two[i + j], a.v[i], a.v[j]);
      four[i + j + 1] = hi(four[i + j + 1], a.v[i], a.v[j]);
    }
  }
  Wide r;
  for (unsigned k = 0; k < 5; ++k) {
    const __m512i doubled = twice(_mm512_add_epi64(two[k + 5], twice(four[k + 5])));
    r.v[k] = times19(k == 1 || k == 3 ? _mm512_add_epi64(doubled, once[k]) : doubled);
  }
  for (unsigned i = 0; i < 3; ++i) r.v[2 * i] = lo(r.v[2 * i], a.v[i], a.v[i]);
  for (unsigned k = 1; k < 5; ++k) {
    const __m512i pairs = k == 1 ? two[1] : _mm512_add_epi64(two[k], twice(four[k]));
    r.v[k] = _mm512_add_epi64(r.v[k], twice(pairs));
  }
  check_below(r.v, std::uint64_t{1} << 59U);
  return r;
}

HOPSEAL_INLINE Fe operator*(const Fe& a, const Fe& b) { return carry(mul(a, b)); }
HOPSEAL_INLINE Fe operator+(const Fe& a, const Fe& b) { return carry(widened(a) + widened(b)); }
HOPSEAL_INLINE Fe operator-(const Fe& a, const Fe& b) { return carry(widened(a) - widened(b)); }

/// The unique limbs of numbers below p.
inline Fe canonical(const Fe& a) {
  const __m512i mask = lanes_of(kMask51);
  Fe r = carry(widened(a));  // the number is now below 2^255 + 2^52 < 2p
  // Adding 19 reaches bit 255 exactly when the number is at least p; then p is taken away by adding
  // 19 and dropping that bit.
  __m512i above = lanes_of(19);
  for (const auto& limb : r.v) above = _mm512_srli_epi64(_mm512_add_epi64(limb, above), 51);
  above = times19(above);
  for (auto& limb : r.v) {
    above = _mm512_add_epi64(limb, above);
    limb = _mm512_and_si512(above, mask);
    above = _mm512_srli_epi64(above, 51);
  }
  return r;
}

}  // namespace
}  // namespace crypto::avx512ifma
