// SPDX-License-Identifier: Apache-2.0
// An RSA public key as vector kernels want it: numbers modulo n that every check would otherwise
// compute again.
//
// R stands for 2^(52 * limbs), the Montgomery radix. With Montgomery products only, s^e comes out
// as s^e * R^-(e-1) when s goes in as it is, in whatever order one squares and multiplies by s.
// Kernels therefore convert nothing: they scale what they compare with (docs/crypto-kernels.md,
// "RSA").

#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>

namespace crypto {

inline constexpr std::uint32_t kRsaLimbBits = 52;
inline constexpr std::uint32_t kRsaMaxLimbs = 80;  ///< 4160 bits
inline constexpr std::uint32_t kRsaFoldLimbs = 20;

/// Every number is in little-endian limbs of 52 bits, below 2^52 each, zero from `limbs` on, and
/// below n. Plain data: copy it freely, any number of threads may read one.
struct RsaKey {
  std::uint32_t limbs = 0;     ///< size class: 40, 60 or 80; jobs of one class share lanes
  std::uint32_t bytes = 0;     ///< length of the modulus, and of every signature that can be good
  std::uint32_t exponent = 0;  ///< odd, at least 3
  std::uint64_t neg_inverse = 0;                ///< -n^-1 mod 2^52
  std::uint64_t modulus[kRsaMaxLimbs] = {};     ///< n: odd, at least 12 bits shorter than R
  std::uint64_t fold[kRsaMaxLimbs] = {};        ///< 2^-(52 * kRsaFoldLimbs) mod n
  std::uint64_t hash_scale[kRsaMaxLimbs] = {};  ///< -R^-(e-2) mod n
  /// hash_scale times the encoded message with a digest of zeros (RFC 8017 section 9.2), mod n.
  std::uint64_t padding_scaled[kRsaMaxLimbs] = {};
};

/// Fills @p key from OpenSSL's RSA public key. False when the kernels' arithmetic does not cover it
/// (even or negative modulus, length out of range, even exponent, exponent 1) or when memory runs
/// out: then OpenSSL answers for this key. Allocates; some 100 us. Not for the packet path.
[[nodiscard]] bool decode_rsa_key(const EVP_PKEY* openssl, RsaKey& key);

}  // namespace crypto
