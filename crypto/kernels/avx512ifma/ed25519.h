// SPDX-License-Identifier: Apache-2.0
// Ed25519 checks in eight lanes of AVX-512 IFMA, one check per lane.
//
// A check is good when S < L and the encoding of R' = [S]B - [h]A equals the bytes of R. That is
// what OpenSSL computes (no cofactor, no decoding of R), so it is right for every input: R' is
// always encoded canonically, so a non-canonical R is bad, and points of small or mixed order take
// no other path because the addition formulas are complete and h is reduced modulo L and not modulo
// 8L.
//
// All inputs are public: time and memory accesses depend on them.

#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/kernels/ed25519_key.h"

namespace crypto::avx512ifma {

/// Everything is borrowed until the call returns.
struct Ed25519Check {
  const Ed25519Key* key;
  const std::byte* table;      ///< built for this key; not read on the cold path
  const std::byte* signature;  ///< 64 bytes: R, then S
  const std::byte* hash;       ///< 64 bytes: SHA-512(R | A | message)
};

/// A signer's table: 8 blocks of 128 rows (ed25519_comb.h), and room to align them to 128 bytes.
inline constexpr std::size_t kEd25519TableBytes = std::size_t{8} * 128 * sizeof(Ed25519Row) + 64;
inline constexpr std::uint32_t kEd25519TableSlices = 5;

/// Builds the shared table of the base point, once; later calls only answer. Call it before
/// anything else here, from one thread. False: out of memory. 16 MiB, some 20 ms.
bool ed25519_prepare() noexcept;

/// Builds part @p slice of a table; slices in order 0 to kEd25519TableSlices - 1, each a few tens
/// of microseconds. @p table: kEd25519TableBytes, 64-byte aligned; unfinished tables must not be
/// used.
void ed25519_build_slice(const Ed25519Key& key, std::byte* table, std::uint32_t slice) noexcept;

/// Fills valid[0..count), 1 <= count <= 64. Idle lanes repeat the last check. Needs about 40 KiB of
/// stack. All checks have tables.
void ed25519_verify_known(const Ed25519Check* checks, std::uint32_t count, bool* valid) noexcept;
/// The same with the comb in each key: about twice the work.
void ed25519_verify_cold(const Ed25519Check* checks, std::uint32_t count, bool* valid) noexcept;

}  // namespace crypto::avx512ifma
