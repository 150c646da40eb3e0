// SPDX-License-Identifier: Apache-2.0
// Brings eight keys, signatures and digests into lanes: rows are loaded whole and transposed in
// registers, because gathers and stores of single words are slow.
//
// Included by the lanes files of RSA alone, hence the anonymous namespace.

#pragma once

#include "crypto/kernels/avx512ifma/rsa_columns.h"

namespace crypto::avx512ifma {
namespace {

/// Eight rows of eight words become eight columns.
inline void transpose(__m512i (&rows)[kLanes]) {
  __m512i even[4];  // words 0, 2, 4, 6 of two rows, in turns
  __m512i odd[4];
  for (unsigned i = 0; i < 4; ++i) {
    even[i] = _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);
    odd[i] = _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
  }
  const auto spread = [](const __m512i(&pairs)[4], __m512i& a, __m512i& b, __m512i& c, __m512i& d)
      __attribute__((always_inline)) {
    const __m512i low_front = _mm512_shuffle_i64x2(pairs[0], pairs[1], 0x88);
    const __m512i low_back = _mm512_shuffle_i64x2(pairs[2], pairs[3], 0x88);
    const __m512i high_front = _mm512_shuffle_i64x2(pairs[0], pairs[1], 0xdd);
    const __m512i high_back = _mm512_shuffle_i64x2(pairs[2], pairs[3], 0xdd);
    a = _mm512_shuffle_i64x2(low_front, low_back, 0x88);
    b = _mm512_shuffle_i64x2(high_front, high_back, 0x88);
    c = _mm512_shuffle_i64x2(low_front, low_back, 0xdd);
    d = _mm512_shuffle_i64x2(high_front, high_back, 0xdd);
  };
  spread(even, rows[0], rows[2], rows[4], rows[6]);
  spread(odd, rows[1], rows[3], rows[5], rows[7]);
}

/// out[i] = word i of the eight arrays. They hold at least @p count words, rounded up to eight.
inline void load_words(const std::uint64_t* const (&arrays)[kLanes], unsigned count, __m512i* out) {
  for (unsigned begin = 0; begin < count; begin += kLanes) {
    __m512i rows[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      rows[lane] = _mm512_loadu_si512(arrays[lane] + begin);
    }
    transpose(rows);
    for (unsigned i = 0; i < kLanes && begin + i < count; ++i) out[begin + i] = rows[i];
  }
}

/// The bytes of each word in the opposite order.
inline __m512i swap_bytes(__m512i words) {
  // By halves: AVX2 is part of AVX-512F, AVX-512BW is not.
  const __m256i order = _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
                                         5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  const __m256i lower = _mm256_shuffle_epi8(_mm512_castsi512_si256(words), order);
  const __m256i upper = _mm256_shuffle_epi8(_mm512_extracti64x4_epi64(words, 1), order);
  return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
}

/// A big-endian number to load, at most 64 * kRows bytes long.
struct BigEndian {
  const std::byte* bytes;
  std::uint32_t length;
};

/// out = L limbs of eight big-endian numbers. Bytes above the limbs are dropped.
template <unsigned L>
inline void load_big_endian(const BigEndian (&numbers)[kLanes], __m512i* out) {
  constexpr unsigned kRowBytes = 64;
  constexpr unsigned kRows = (L * kRsaLimbBits + 8 * kRowBytes - 1) / (8 * kRowBytes);
  // Each number right-aligned in whole rows, zeros in front.
  alignas(kRowBytes) unsigned char aligned[kLanes][kRows * kRowBytes];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const std::uint32_t zeros = kRows * kRowBytes - numbers[lane].length;
    __builtin_memset(aligned[lane], 0, zeros);
    __builtin_memcpy(aligned[lane] + zeros, numbers[lane].bytes, numbers[lane].length);
  }
  __m512i words[kRows * kLanes + 1];  // 64 bits each, lowest first
  for (unsigned row = 0; row < kRows; ++row) {
    __m512i rows[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      rows[lane] = _mm512_load_si512(aligned[lane] + row * kRowBytes);
    }
    transpose(rows);
    for (unsigned i = 0; i < kLanes; ++i) {
      words[(kRows - row) * kLanes - 1 - i] = swap_bytes(rows[i]);
    }
  }
  words[kRows * kLanes] = _mm512_setzero_si512();
  for (unsigned i = 0; i < L; ++i) {
    const unsigned bit = i * kRsaLimbBits;
    const __m512i lower = _mm512_srli_epi64(words[bit / 64], bit % 64);
    // A shift by 64 gives 0, which is right: the limb then starts at its word's first bit.
    const __m512i upper = _mm512_slli_epi64(words[bit / 64 + 1], 64 - bit % 64);
    out[i] = _mm512_and_si512(_mm512_or_si512(lower, upper), limb_mask());
  }
}

}  // namespace
}  // namespace crypto::avx512ifma
