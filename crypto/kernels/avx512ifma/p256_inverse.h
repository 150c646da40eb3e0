// SPDX-License-Identifier: Apache-2.0
// One inverse modulo p or n, on the integer unit: the batch inversions end in it.

#pragma once

#include <cstdint>

namespace crypto::avx512ifma {

enum class P256Modulus : std::uint8_t { kField, kOrder };

/// out = x^-1 mod the modulus, in [0, modulus). Words least significant first; x and out may be the
/// same. @pre 0 < x < modulus. Variable time. About 1.3 us, as long as ten additions of points.
void p256_invert(P256Modulus modulus, const std::uint64_t x[4], std::uint64_t out[4]) noexcept;

}  // namespace crypto::avx512ifma
