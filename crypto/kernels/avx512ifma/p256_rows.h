// SPDX-License-Identifier: Apache-2.0
// Tables of points in memory, and the digits that pick their rows. Lanes files only.
//
// A row is one affine point in one cache line: x then y, each four 64-bit words, least significant
// first, in [0, p) and in Montgomery's form. Eight lanes read eight rows whole and transpose them
// in registers: gathers are slower here.
//
// Digits. For odd k < 2^L, k' = (k + 2^L - 1) / 2 has the bits of k written with digits 1 (bit 1)
// and -1 (bit 0): k = sum of (2 * bit - 1) * 2^i. So the w bits v of a window of k' are the odd
// digit 2v - (2^w - 1), never 0, and no addition ever meets the point at infinity for a digit. A
// window's table has the 2^(w - 1) odd multiples 1, 3, ... 2^w - 1. An even k is replaced by n - k
// and its point by the opposite one. Example, w = 2: v = 0, 1, 2, 3 are -3, -1, 1, 3.

#pragma once

#include "crypto/kernels/avx512ifma/p256_field.h"
#include "crypto/kernels/avx512ifma/p256_scalar.h"

namespace crypto::avx512ifma {
namespace {

constexpr std::uint32_t kRowBytes = 64;

/// Windows that cover a 256-bit number; they may reach a few bits further.
constexpr std::uint32_t windows_of(std::uint32_t width) { return (256 + width - 1) / width; }
constexpr std::uint32_t rows_per_window(std::uint32_t width) { return 1U << (width - 1); }

/// The rows that the eight lanes add for one window.
struct alignas(64) RowPick {
  std::uint64_t address[8];
};

/// k' for windows of kWidth bits, and the lanes whose point is to be negated. The top limb holds up
/// to 56 bits here.
template <std::uint32_t kWidth>
HOPSEAL_INLINE Limbs signed_bits(const Scalar& k, __mmask8& opposite) {
  constexpr std::uint32_t kLength = kWidth * windows_of(kWidth);
  static_assert(kLength >= 256 && kLength <= 264);
  __mmask8 negative = 0;
  const Limbs other = difference(scalar(kN), k, negative);
  opposite = _mm512_testn_epi64_mask(k.limb[0], all(1));
  const Limbs odd = blend(opposite, k, other);
  Limbs r;
  for (int i = 0; i < kLimbs; ++i) {
    r.limb[i] = _mm512_srli_epi64(odd.limb[i], 1);
    if (i + 1 < kLimbs) {
      const __m512i above = _mm512_and_si512(odd.limb[i + 1], all(1));
      r.limb[i] = _mm512_or_si512(r.limb[i], _mm512_slli_epi64(above, 51));
    }
  }
  r.limb[4] = _mm512_or_si512(r.limb[4], all(1LL << (kLength - 1 - 208)));
  return r;
}

/// Rows of window @p window in tables at @p table (one address a lane) and the lanes in which their
/// points are to be negated.
template <std::uint32_t kWidth>
HOPSEAL_INLINE __mmask8 pick_rows(const Limbs& bits, __mmask8 opposite, std::uint32_t window,
                                  __m512i table, RowPick& pick) {
  constexpr long long kRows = rows_per_window(kWidth);
  const std::uint32_t at = window * kWidth;
  const std::uint32_t limb = at / 52 < 4 ? at / 52 : 4;
  const std::uint32_t offset = at - 52 * limb;
  __m512i v = _mm512_srl_epi64(bits.limb[limb], _mm_cvtsi32_si128(static_cast<int>(offset)));
  if (limb < 4 && offset + kWidth > 52) {
    v = _mm512_or_si512(
        v, _mm512_sll_epi64(bits.limb[limb + 1], _mm_cvtsi32_si128(static_cast<int>(52 - offset))));
  }
  const __mmask8 minus = _mm512_testn_epi64_mask(v, all(kRows));
  // Digit 2v - (2^w - 1): row v - 2^(w-1) when positive, 2^(w-1) - 1 - v when negative.
  v = _mm512_and_si512(_mm512_mask_xor_epi64(v, minus, v, all(-1)), all(kRows - 1));
  const __m512i row = _mm512_add_epi64(v, all(static_cast<long long>(window) * kRows));
  _mm512_store_si512(pick.address, _mm512_add_epi64(table, _mm512_slli_epi64(row, 6)));
  return static_cast<__mmask8>(minus ^ opposite);
}

/// Into the second-level cache: asked into the first one, so many rows at a time arrive at half the
/// rate.
HOPSEAL_INLINE void prefetch(const RowPick& pick) {
  for (std::uint64_t address : pick.address) {
    _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T1);
  }
}

/// Two quarters of a zmm from two rows.
HOPSEAL_INLINE __m512i halves(const std::uint64_t* low, const std::uint64_t* high) {
  return _mm512_inserti64x4(
      _mm512_castsi256_si512(_mm256_load_si256(reinterpret_cast<const __m256i*>(low))),
      _mm256_load_si256(reinterpret_cast<const __m256i*>(high)), 1);
}

/// Four words of each of eight rows. With rows 0, 2 and 1, 3 in a and b, unpacking gives word 0 of
/// rows 0, 1 | word 2 of rows 0, 1 | word 0 of rows 2, 3 | word 2 of rows 2, 3; even quarters of
/// two such vectors are word 0 of all rows, odd quarters word 2.
HOPSEAL_INLINE Fe load_halves(const RowPick& pick, std::uint32_t words_in) {
  const std::uint64_t* row[8];
  for (int i = 0; i < 8; ++i) {
    row[i] = reinterpret_cast<const std::uint64_t*>(pick.address[i]) + words_in;
  }
  const __m512i a = halves(row[0], row[2]);
  const __m512i b = halves(row[1], row[3]);
  const __m512i c = halves(row[4], row[6]);
  const __m512i d = halves(row[5], row[7]);
  const __m512i ab02 = _mm512_unpacklo_epi64(a, b);
  const __m512i ab13 = _mm512_unpackhi_epi64(a, b);
  const __m512i cd02 = _mm512_unpacklo_epi64(c, d);
  const __m512i cd13 = _mm512_unpackhi_epi64(c, d);
  const __m512i w[4] = {
      _mm512_shuffle_i64x2(ab02, cd02, 0x88), _mm512_shuffle_i64x2(ab13, cd13, 0x88),
      _mm512_shuffle_i64x2(ab02, cd02, 0xdd), _mm512_shuffle_i64x2(ab13, cd13, 0xdd)};
  return {limbs_of_words(w)};
}

HOPSEAL_INLINE Fe load_x(const RowPick& pick) { return load_halves(pick, 0); }
HOPSEAL_INLINE Fe load_y(const RowPick& pick) { return load_halves(pick, 4); }

/// Stores two words of eight lanes at an offset in eight rows.
HOPSEAL_INLINE void store_pairs(const RowPick& pick, std::uint32_t words_in, __m512i even,
                                __m512i odd) {
  const __m512i low = _mm512_unpacklo_epi64(even, odd);   // lanes 0, 2, 4, 6
  const __m512i high = _mm512_unpackhi_epi64(even, odd);  // lanes 1, 3, 5, 7
  const auto at = [&pick, words_in](int lane) {
    return reinterpret_cast<__m128i*>(reinterpret_cast<std::uint64_t*>(pick.address[lane]) +
                                      words_in);
  };
  _mm_store_si128(at(0), _mm512_castsi512_si128(low));
  _mm_store_si128(at(1), _mm512_castsi512_si128(high));
  _mm_store_si128(at(2), _mm512_extracti64x2_epi64(low, 1));
  _mm_store_si128(at(3), _mm512_extracti64x2_epi64(high, 1));
  _mm_store_si128(at(4), _mm512_extracti64x2_epi64(low, 2));
  _mm_store_si128(at(5), _mm512_extracti64x2_epi64(high, 2));
  _mm_store_si128(at(6), _mm512_extracti64x2_epi64(low, 3));
  _mm_store_si128(at(7), _mm512_extracti64x2_epi64(high, 3));
}

/// Writes a point to one row a lane. Coordinates below 2p.
HOPSEAL_INLINE void store_rows(const RowPick& pick, const Fe& x, const Fe& y) {
  __m512i w[4];
  words_of_limbs(reduce_once(x, fe(kP)), w);
  store_pairs(pick, 0, w[0], w[1]);
  store_pairs(pick, 2, w[2], w[3]);
  words_of_limbs(reduce_once(y, fe(kP)), w);
  store_pairs(pick, 4, w[0], w[1]);
  store_pairs(pick, 6, w[2], w[3]);
}

}  // namespace
}  // namespace crypto::avx512ifma
