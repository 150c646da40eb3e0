// SPDX-License-Identifier: Apache-2.0
// The Montgomery products inside the avx512ifma RSA lanes, for numbers in one lane.

#pragma once

#include <cstdint>

#include "crypto/kernels/rsa_key.h"

namespace crypto::test {

/// out = a b / R mod key's n, in lane @p lane of @p lanes (4 or 8), while the other lanes compute
/// something else. Numbers are limbs of 52 bits, key.limbs of them.
void rsa_probe_multiply(const RsaKey& key, const std::uint64_t* a, const std::uint64_t* b,
                        unsigned lanes, unsigned lane, std::uint64_t* out);
/// out = a^2 / R mod n, alike.
void rsa_probe_square(const RsaKey& key, const std::uint64_t* a, unsigned lanes, unsigned lane,
                      std::uint64_t* out);

}  // namespace crypto::test
