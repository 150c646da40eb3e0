// SPDX-License-Identifier: Apache-2.0
// A P-256 public key as kernels want it.

#pragma once

#include <openssl/types.h>

#include <cstdint>

namespace crypto {

/// A point of P-256 other than infinity, affine. Words least significant first, in [0, p).
struct P256Key {
  std::uint64_t x[4];
  std::uint64_t y[4];
};

/// From a key that PublicKey::from_spki accepts (a point of the curve, not infinity). False when
/// OpenSSL does not give its coordinates. Allocates.
[[nodiscard]] bool decode_p256_key(const EVP_PKEY* from, P256Key& key);

}  // namespace crypto
