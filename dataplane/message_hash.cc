// SPDX-License-Identifier: Apache-2.0
#include "dataplane/message_hash.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

namespace dataplane {

namespace {

constexpr std::size_t kStep = 16;

/// Odd constants from the fractions of the golden ratio and of the square root of two: nothing up
/// the sleeve.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
constexpr std::uint64_t kRoot = 0x6a09e667f3bcc909U;

/// Two products of 32-bit words, one per half: (m0 + k0)(m1 + k1) and (m2 + k2)(m3 + k3).
__m128i products(__m128i words, const std::uint64_t* key) noexcept {
  const __m128i sum = _mm_add_epi32(words, _mm_load_si128(reinterpret_cast<const __m128i*>(key)));
  return _mm_mul_epu32(sum, _mm_srli_epi64(sum, 32));
}

__m128i load(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

}  // namespace

MessageHash::MessageHash(std::uint64_t secret) noexcept : secret_(secret) {
  for (std::size_t i = 0; i < key_.size(); ++i) key_[i] = hash_id(i * kGolden, secret);
}

std::uint64_t MessageHash::of(std::span<const std::byte> bytes, std::uint64_t seed) const noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = fold_multiply(seed ^ secret_, (left + kRoot) ^ secret_);
  do {
    const std::size_t here = std::min(left, kChunk);
    const std::byte* const end = at + (here & ~(kStep - 1));
    const std::uint64_t* key = key_.data();
    __m128i sum = _mm_setzero_si128(), other = sum;
    for (; end - at >= static_cast<std::ptrdiff_t>(2 * kStep); at += 2 * kStep, key += 4) {
      sum = _mm_add_epi64(sum, products(load(at), key));
      other = _mm_add_epi64(other, products(load(at + kStep), key + 2));
    }
    if (at != end) {
      sum = _mm_add_epi64(sum, products(load(at), key));
      at += kStep;
      key += 2;
    }
    if (const std::size_t rest = here % kStep; rest != 0) {
      // Bytes may be taken a second time; only a message shorter than a step is padded.
      std::array<std::byte, kStep> padded{};
      const std::byte* from = at + rest - kStep;
      if (bytes.size() < kStep) {
        std::memcpy(padded.data(), at, rest);
        from = padded.data();
      }
      other = _mm_add_epi64(other, products(load(from), key));
      at += rest;
    }
    sum = _mm_add_epi64(sum, other);
    // Not the two halves added: they meet under different secrets.
    const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum));
    const auto high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sum, sum)));
    hash = fold_multiply(hash ^ low, (high ^ kGolden) + secret_);
    left -= here;
  } while (left != 0);
  return fold_multiply(hash ^ kRoot, secret_ ^ kGolden);
}

}  // namespace dataplane
