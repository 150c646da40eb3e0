// SPDX-License-Identifier: Apache-2.0
// Keys, signatures and hashes as the avx512ifma lanes take them: one piece of plain memory, which
// make_lane_inputs writes to a file and crypto_lanes_initialized_test reads back. OpenSSL is not
// instrumented for MemorySanitizer, so it cannot be in the same program as lanes that are.

#pragma once

#include <cstddef>

#include "crypto/kernels/ed25519_key.h"
#include "crypto/kernels/p256_key.h"
#include "crypto/kernels/rsa_key.h"

namespace crypto::test {

inline constexpr unsigned kLaneKeys = 5;
inline constexpr unsigned kLaneChecks = 64;
inline constexpr unsigned kRsaSizes = 3;
inline constexpr unsigned kMaxRsaBytes = 512;

/// Check i is by key i % kLaneKeys (RSA: i % 2) and good unless i % 3 is 1.
struct LaneInputs {
  Ed25519Key ed25519[kLaneKeys];
  std::byte ed25519_signature[kLaneChecks][64];
  std::byte ed25519_hash[kLaneChecks][64];

  P256Key p256[kLaneKeys];
  std::byte p256_r[kLaneChecks][32];
  std::byte p256_s[kLaneChecks][32];
  std::byte p256_hash[kLaneChecks][32];

  RsaKey rsa[kRsaSizes][2];
  std::byte rsa_signature[kRsaSizes][kLaneChecks][kMaxRsaBytes];
  std::byte rsa_hash[kLaneChecks][32];
};

}  // namespace crypto::test
