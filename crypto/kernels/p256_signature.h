// SPDX-License-Identifier: Apache-2.0
// ECDSA signatures as bytes: DER Ecdsa-Sig-Value (RFC 3279 section 2.2.3).

#pragma once

#include <cstddef>
#include <span>

namespace crypto {

/// r and s as 32 bytes each, big-endian; any values, also 0 and those not below the order.
struct P256Signature {
  std::byte r[32];
  std::byte s[32];
};

/// Accepts what OpenSSL 3.0 accepts and a check could still find valid. OpenSSL decodes, encodes
/// again and wants the same bytes (ossl_ecdsa_verify), so only DER's one encoding of two
/// non-negative integers passes and nothing may follow it. Integers above 2^256 - 1, which it finds
/// out of range later, are refused here. Does not allocate.
[[nodiscard]] bool decode_p256_signature(std::span<const std::byte> der,
                                         P256Signature& signature) noexcept;

}  // namespace crypto
