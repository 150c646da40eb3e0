// SPDX-License-Identifier: Apache-2.0
// RSASSA-PKCS1-v1_5 with SHA-256, eight or four checks side by side, each with its own key.
//
// Public data only: the time depends on keys, signatures and digests. Source: Montgomery
// multiplication in radix 2^52 (docs/crypto-kernels.md, "RSA").

#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/kernels/rsa_key.h"

namespace crypto::avx512ifma {

inline constexpr std::uint32_t kRsaMaxChecks = 64;

/// Everything is borrowed and only read.
struct RsaCheck {
  const RsaKey* key;
  const std::byte* signature;  ///< key->bytes bytes; any other length is a bad signature
  const std::byte* hash;       ///< SHA-256 of the signed bytes, 32 bytes
};

/// valid[i] is what OpenSSL's EVP says about checks[i]: that s < n, and that s^e mod n is the one
/// encoding of the digest which RFC 8017 section 9.2 allows.
///
/// One pass does eight checks and costs as much for fewer. A check with an exponent other than
/// 65537 costs up to four times as much, for itself and the seven it shares a pass with; such
/// checks share passes with each other only.
/// @pre 1 <= count <= kRsaMaxChecks; all keys have the same `limbs`
void rsa_verify(const RsaCheck* checks, std::uint32_t count, bool* valid) noexcept;

}  // namespace crypto::avx512ifma
