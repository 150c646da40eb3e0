// SPDX-License-Identifier: Apache-2.0
// Scalars modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base point.
// Four or more words of 64 bits, least significant first.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace crypto::avx512ifma {
namespace {

__extension__ using DoubleWord = unsigned __int128;

constexpr std::uint64_t kOrder[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

struct Scalar {
  std::uint64_t word[4];
};

/// a - L in @p difference; true when a < L.
inline bool subtract_order(const std::uint64_t* a, std::uint64_t* difference) {
  std::uint64_t borrow = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const DoubleWord d = static_cast<DoubleWord>(a[i]) - kOrder[i] - borrow;
    difference[i] = static_cast<std::uint64_t>(d);
    borrow = static_cast<std::uint64_t>(d >> 64U) & 1U;
  }
  return borrow != 0;
}

inline bool below_order(const Scalar& a) {
  std::uint64_t difference[4];
  return subtract_order(a.word, difference);
}

/// a + b, modulo 2^256.
inline Scalar sum(const Scalar& a, const std::uint64_t* b) {
  Scalar r;
  DoubleWord carry = 0;
  for (unsigned i = 0; i < 4; ++i) {
    carry += static_cast<DoubleWord>(a.word[i]) + b[i];
    r.word[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64U;
  }
  return r;
}

inline Scalar load_scalar(const std::byte* bytes) {
  Scalar a;
  std::memcpy(a.word, bytes, sizeof a.word);
  return a;
}

/// 64 bytes modulo L, by Barrett's method (Handbook of Applied Cryptography, algorithm 14.42):
/// q = floor(floor(a / 2^192) floor(2^512 / L) / 2^320) is at most 2 less than floor(a / L).
inline Scalar reduce_order(const std::byte* bytes) {
  constexpr std::uint64_t kReciprocal[5] = {0xed9ce5a30a2c131b, 0x2106215d086329a7,
                                            0xffffffffffffffeb, 0xffffffffffffffff, 0xf};
  std::uint64_t a[8];
  std::memcpy(a, bytes, sizeof a);
  std::uint64_t product[10] = {};
  for (unsigned i = 0; i < 5; ++i) {
    std::uint64_t carry = 0;
    for (unsigned j = 0; j < 5; ++j) {
      const DoubleWord d =
          static_cast<DoubleWord>(a[3 + i]) * kReciprocal[j] + product[i + j] + carry;
      product[i + j] = static_cast<std::uint64_t>(d);
      carry = static_cast<std::uint64_t>(d >> 64U);
    }
    product[i + 5] = carry;
  }
  // a - q L is below 3 L < 2^254, so four words of both are enough. Word 2 of L is 0.
  const std::uint64_t* q = product + 5;
  std::uint64_t q_order[4] = {};
  for (unsigned i = 0; i < 4; ++i) {
    std::uint64_t carry = 0;
    for (unsigned j = 0; i + j < 4; ++j) {
      const DoubleWord d = static_cast<DoubleWord>(q[i]) * kOrder[j] + q_order[i + j] + carry;
      q_order[i + j] = static_cast<std::uint64_t>(d);
      carry = static_cast<std::uint64_t>(d >> 64U);
    }
  }
  Scalar r;
  std::uint64_t borrow = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const DoubleWord d = static_cast<DoubleWord>(a[i]) - q_order[i] - borrow;
    r.word[i] = static_cast<std::uint64_t>(d);
    borrow = static_cast<std::uint64_t>(d >> 64U) & 1U;
  }
  for (unsigned pass = 0; pass < 2; ++pass) {
    Scalar less;
    if (subtract_order(r.word, less.word)) break;
    r = less;
  }
  return r;
}

/// The digits +-1 of an odd scalar below 2^256, one bit each (ed25519_comb.h, n = 256).
inline Scalar digits(const Scalar& a) {
  return {{a.word[0] >> 1U | a.word[1] << 63U, a.word[1] >> 1U | a.word[2] << 63U,
           a.word[2] >> 1U | a.word[3] << 63U, a.word[3] >> 1U | std::uint64_t{1} << 63U}};
}

}  // namespace
}  // namespace crypto::avx512ifma
