// SPDX-License-Identifier: Apache-2.0
// The two register widths of the RSA lanes, in the same words.
//
// Four lanes of 256 bits do half the work of eight lanes of 512 bits in about half the time (Zen 4
// starts two of the narrow multiplications a cycle), so a pass with few checks takes them.
//
// Included by the lanes files of RSA alone, hence the anonymous namespace.

#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/kernels/rsa_key.h"

namespace crypto::avx512ifma {
namespace {

#define HOPSEAL_INLINE inline __attribute__((always_inline))

constexpr long long kLimbMask = (1LL << kRsaLimbBits) - 1;

/// Bit i is about lane i.
using Mask = __mmask8;

struct Eight {
  static constexpr unsigned kLanes = 8;
  using Word = __m512i;

  static HOPSEAL_INLINE Word zero() { return _mm512_setzero_si512(); }
  static HOPSEAL_INLINE Word all(long long word) { return _mm512_set1_epi64(word); }
  static HOPSEAL_INLINE Word load(const void* words) { return _mm512_loadu_si512(words); }
  static HOPSEAL_INLINE Word add(Word a, Word b) { return _mm512_add_epi64(a, b); }
  static HOPSEAL_INLINE Word sub(Word a, Word b) { return _mm512_sub_epi64(a, b); }
  static HOPSEAL_INLINE Word either(Word a, Word b) { return _mm512_or_si512(a, b); }
  /// sum + the lower, or the upper, 52 bits of the product of the lower 52 bits of a and b.
  static HOPSEAL_INLINE Word add_lower(Word sum, Word a, Word b) {
    return _mm512_madd52lo_epu64(sum, a, b);
  }
  static HOPSEAL_INLINE Word add_upper(Word sum, Word a, Word b) {
    return _mm512_madd52hi_epu64(sum, a, b);
  }
  /// What a signed column leaves to the next one, and what it keeps.
  static HOPSEAL_INLINE Word carry(Word a) { return _mm512_srai_epi64(a, kRsaLimbBits); }
  static HOPSEAL_INLINE Word limb(Word a) { return _mm512_and_si512(a, all(kLimbMask)); }
  static HOPSEAL_INLINE Word sign(Word a) { return _mm512_srai_epi64(a, 63); }  ///< 0 or -1
  static HOPSEAL_INLINE Word shift_right(Word a, unsigned bits) {
    return _mm512_srl_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static HOPSEAL_INLINE Word shift_left(Word a, unsigned bits) {
    return _mm512_sll_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static HOPSEAL_INLINE Mask negative(Word a) { return _mm512_movepi64_mask(a); }
  static HOPSEAL_INLINE Mask is_zero(Word a) { return _mm512_testn_epi64_mask(a, a); }
  static HOPSEAL_INLINE Mask above(Word a, Word b) { return _mm512_cmpgt_epu64_mask(a, b); }
  /// Where the mask is set, a + b, a - b or b; else a.
  static HOPSEAL_INLINE Word add_where(Mask where, Word a, Word b) {
    return _mm512_mask_add_epi64(a, where, a, b);
  }
  static HOPSEAL_INLINE Word sub_where(Mask where, Word a, Word b) {
    return _mm512_mask_sub_epi64(a, where, a, b);
  }
  static HOPSEAL_INLINE Word choose(Mask where, Word a, Word b) {
    return _mm512_mask_mov_epi64(a, where, b);
  }
  /// The bytes of each word in the opposite order.
  static HOPSEAL_INLINE Word swap_bytes(Word a);
  /// Rows of words become columns.
  static inline void transpose(Word (&rows)[kLanes]);
};

struct Four {
  static constexpr unsigned kLanes = 4;
  using Word = __m256i;

  static HOPSEAL_INLINE Word zero() { return _mm256_setzero_si256(); }
  static HOPSEAL_INLINE Word all(long long word) { return _mm256_set1_epi64x(word); }
  static HOPSEAL_INLINE Word load(const void* words) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(words));
  }
  static HOPSEAL_INLINE Word add(Word a, Word b) { return _mm256_add_epi64(a, b); }
  static HOPSEAL_INLINE Word sub(Word a, Word b) { return _mm256_sub_epi64(a, b); }
  static HOPSEAL_INLINE Word either(Word a, Word b) { return _mm256_or_si256(a, b); }
  static HOPSEAL_INLINE Word add_lower(Word sum, Word a, Word b) {
    return _mm256_madd52lo_epu64(sum, a, b);
  }
  static HOPSEAL_INLINE Word add_upper(Word sum, Word a, Word b) {
    return _mm256_madd52hi_epu64(sum, a, b);
  }
  static HOPSEAL_INLINE Word carry(Word a) { return _mm256_srai_epi64(a, kRsaLimbBits); }
  static HOPSEAL_INLINE Word limb(Word a) { return _mm256_and_si256(a, all(kLimbMask)); }
  static HOPSEAL_INLINE Word sign(Word a) { return _mm256_srai_epi64(a, 63); }
  static HOPSEAL_INLINE Word shift_right(Word a, unsigned bits) {
    return _mm256_srl_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static HOPSEAL_INLINE Word shift_left(Word a, unsigned bits) {
    return _mm256_sll_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  static HOPSEAL_INLINE Mask negative(Word a) { return _mm256_movepi64_mask(a); }
  static HOPSEAL_INLINE Mask is_zero(Word a) { return _mm256_testn_epi64_mask(a, a); }
  static HOPSEAL_INLINE Mask above(Word a, Word b) { return _mm256_cmpgt_epu64_mask(a, b); }
  static HOPSEAL_INLINE Word add_where(Mask where, Word a, Word b) {
    return _mm256_mask_add_epi64(a, where, a, b);
  }
  static HOPSEAL_INLINE Word sub_where(Mask where, Word a, Word b) {
    return _mm256_mask_sub_epi64(a, where, a, b);
  }
  static HOPSEAL_INLINE Word choose(Mask where, Word a, Word b) {
    return _mm256_mask_mov_epi64(a, where, b);
  }
  static HOPSEAL_INLINE Word swap_bytes(Word a) {
    return _mm256_shuffle_epi8(
        a, _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,
                            1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
  }
  static inline void transpose(Word (&rows)[kLanes]);
};

template <class V>
using Word = typename V::Word;

HOPSEAL_INLINE Eight::Word Eight::swap_bytes(Word a) {
  // By halves: AVX2 is part of AVX-512F, AVX-512BW is not.
  const __m256i lower = Four::swap_bytes(_mm512_castsi512_si256(a));
  const __m256i upper = Four::swap_bytes(_mm512_extracti64x4_epi64(a, 1));
  return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
}

inline void Eight::transpose(Word (&rows)[kLanes]) {
  Word pairs[2][4];  // words 0, 2, 4, 6 of two rows, in turns; then words 1, 3, 5, 7
  for (unsigned i = 0; i < 4; ++i) {
    pairs[0][i] = _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);
    pairs[1][i] = _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
  }
  for (unsigned odd = 0; odd < 2; ++odd) {
    const Word* const p = pairs[odd];
    const Word low_front = _mm512_shuffle_i64x2(p[0], p[1], 0x88);
    const Word low_back = _mm512_shuffle_i64x2(p[2], p[3], 0x88);
    const Word high_front = _mm512_shuffle_i64x2(p[0], p[1], 0xdd);
    const Word high_back = _mm512_shuffle_i64x2(p[2], p[3], 0xdd);
    rows[odd] = _mm512_shuffle_i64x2(low_front, low_back, 0x88);
    rows[odd + 2] = _mm512_shuffle_i64x2(high_front, high_back, 0x88);
    rows[odd + 4] = _mm512_shuffle_i64x2(low_front, low_back, 0xdd);
    rows[odd + 6] = _mm512_shuffle_i64x2(high_front, high_back, 0xdd);
  }
}

inline void Four::transpose(Word (&rows)[kLanes]) {
  const Word even_front = _mm256_unpacklo_epi64(rows[0], rows[1]);
  const Word even_back = _mm256_unpacklo_epi64(rows[2], rows[3]);
  const Word odd_front = _mm256_unpackhi_epi64(rows[0], rows[1]);
  const Word odd_back = _mm256_unpackhi_epi64(rows[2], rows[3]);
  rows[0] = _mm256_permute2x128_si256(even_front, even_back, 0x20);
  rows[1] = _mm256_permute2x128_si256(odd_front, odd_back, 0x20);
  rows[2] = _mm256_permute2x128_si256(even_front, even_back, 0x31);
  rows[3] = _mm256_permute2x128_si256(odd_front, odd_back, 0x31);
}

}  // namespace
}  // namespace crypto::avx512ifma
