// SPDX-License-Identifier: Apache-2.0
// The inner functions of the P-256 lanes, for p256_arithmetic_test.cc.

#pragma once

#include <cstdint>

namespace crypto::test {

enum class P256Step {
  kProduct,        ///< a * b / R mod p
  kSquare,         ///< a * a / R mod p
  kTwoProducts,    ///< (a * b - 8 * b * b) / R mod p
  kSettledMinus,   ///< a - b mod p
  kFoldedMinus,    ///< a - 8 * b mod p
  kFoldedRest,     ///< how far fold's result is from [0, 3p): 0 if it is within
  kScalarProduct,  ///< a * b / R mod n
  kIsZero,         ///< 1 if a is 0 mod p
};

/// Runs one step on numbers of five 52-bit limbs in lane @p lane, other numbers in the other lanes.
void p256_probe(P256Step step, const std::uint64_t (&a)[5], const std::uint64_t (&b)[5],
                unsigned lane, std::uint64_t (&out)[5]);

}  // namespace crypto::test
