// SPDX-License-Identifier: Apache-2.0
// Brings keys, signatures and digests into lanes: rows are loaded whole and transposed in
// registers, because gathers and stores of single words are slow.
//
// Included by the lanes files of RSA alone, hence the anonymous namespace.

#pragma once

#include "crypto/kernels/avx512ifma/rsa_columns.h"

namespace crypto::avx512ifma {
namespace {

/// out[i] = word i of each lane's array. They hold @p count words, rounded up to eight, or more.
template <class V>
inline void load_words(const std::uint64_t* const* arrays, unsigned count, Word<V>* out) {
  for (unsigned begin = 0; begin < count; begin += V::kLanes) {
    Word<V> rows[V::kLanes];
    for (unsigned lane = 0; lane < V::kLanes; ++lane) rows[lane] = V::load(arrays[lane] + begin);
    V::transpose(rows);
    for (unsigned i = 0; i < V::kLanes && begin + i < count; ++i) out[begin + i] = rows[i];
  }
}

struct BigEndian {
  const std::byte* bytes;
  std::uint32_t length;
};

/// out = L limbs of each lane's big-endian number, which is at most as long as they are.
template <class V, unsigned L>
inline void load_big_endian(const BigEndian* numbers, Word<V>* out) {
  constexpr unsigned kRowBytes = 8 * V::kLanes;
  constexpr unsigned kRows = (L * kRsaLimbBits + 8 * kRowBytes - 1) / (8 * kRowBytes);
  // Each number right-aligned in whole rows, zeros in front.
  alignas(kRowBytes) unsigned char aligned[V::kLanes][kRows * kRowBytes];
  for (unsigned lane = 0; lane < V::kLanes; ++lane) {
    const std::uint32_t zeros = kRows * kRowBytes - numbers[lane].length;
    __builtin_memset(aligned[lane], 0, zeros);
    __builtin_memcpy(aligned[lane] + zeros, numbers[lane].bytes, numbers[lane].length);
  }
  Word<V> words[kRows * V::kLanes + 1];  // 64 bits each, lowest first
  for (unsigned row = 0; row < kRows; ++row) {
    Word<V> rows[V::kLanes];
    for (unsigned lane = 0; lane < V::kLanes; ++lane) {
      rows[lane] = V::load(aligned[lane] + row * kRowBytes);
    }
    V::transpose(rows);
    for (unsigned i = 0; i < V::kLanes; ++i) {
      words[(kRows - row) * V::kLanes - 1 - i] = V::swap_bytes(rows[i]);
    }
  }
  words[kRows * V::kLanes] = V::zero();
  for (unsigned i = 0; i < L; ++i) {
    const unsigned bit = i * kRsaLimbBits;
    const Word<V> lower = V::shift_right(words[bit / 64], bit % 64);
    // A shift by 64 gives 0, which is right: the limb then starts at its word's first bit.
    const Word<V> upper = V::shift_left(words[bit / 64 + 1], 64 - bit % 64);
    out[i] = V::limb(V::either(lower, upper));
  }
}

}  // namespace
}  // namespace crypto::avx512ifma
