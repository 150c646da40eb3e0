// SPDX-License-Identifier: Apache-2.0
// Compiled with -mavx2 in a library of its own (decision 0005): plain C types only, so that nothing
// built here can stand in for code that other CPUs run.

#include "dataplane/checksum_avx2.h"

#include <immintrin.h>

namespace dataplane {

std::uint64_t sum_bytes_avx2(const std::byte* from, std::size_t n, std::uint64_t sum) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  __m256i low = zero, high = zero;
  for (; n >= 64; from += 64, n -= 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
    low = _mm256_add_epi64(low, _mm256_unpacklo_epi32(a, zero));
    high = _mm256_add_epi64(high, _mm256_unpackhi_epi32(a, zero));
    low = _mm256_add_epi64(low, _mm256_unpacklo_epi32(b, zero));
    high = _mm256_add_epi64(high, _mm256_unpackhi_epi32(b, zero));
  }
  if (n >= 32) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    low = _mm256_add_epi64(low, _mm256_unpacklo_epi32(a, zero));
    high = _mm256_add_epi64(high, _mm256_unpackhi_epi32(a, zero));
    from += 32;
    n -= 32;
  }
  const __m256i lanes = _mm256_add_epi64(low, high);
  __m128i half = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  if (n >= 16) {
    const __m128i none = _mm_setzero_si128();
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    half = _mm_add_epi64(half,
                         _mm_add_epi64(_mm_unpacklo_epi32(a, none), _mm_unpackhi_epi32(a, none)));
    from += 16;
    n -= 16;
  }
  sum += static_cast<std::uint64_t>(_mm_cvtsi128_si64(half)) +
         static_cast<std::uint64_t>(_mm_extract_epi64(half, 1));
  // The rest, below 16 bytes, as in sum_tail(); __builtin_memcpy is a plain load here.
  if ((n & 8U) != 0) {
    std::uint64_t words;
    __builtin_memcpy(&words, from, 8);
    sum += (words & 0xffffffffU) + (words >> 32U);
    from += 8;
  }
  if ((n & 4U) != 0) {
    std::uint32_t word;
    __builtin_memcpy(&word, from, 4);
    sum += word;
    from += 4;
  }
  if ((n & 2U) != 0) {
    std::uint16_t word;
    __builtin_memcpy(&word, from, 2);
    sum += word;
    from += 2;
  }
  if ((n & 1U) != 0) sum += static_cast<std::uint8_t>(*from);
  return sum;
}

}  // namespace dataplane
