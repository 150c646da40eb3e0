// SPDX-License-Identifier: Apache-2.0
// ECDSA on P-256 with SHA-256 (FIPS 186-5 section 6.4.2), one check a lane.
//
// Everything is public data: time and memory accesses depend on it. Nothing here allocates, locks
// or keeps a reference, except p256_prepare.

#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/kernels/p256_key.h"

namespace crypto::avx512ifma {

/// Borrowed until the call returns.
struct P256Check {
  const P256Key* key;
  const std::byte* table;  ///< of this key, complete and aligned to 64 bytes; null on the cold path
  const std::byte* r;      ///< 32 bytes, big-endian, any value
  const std::byte* s;      ///< 32 bytes, big-endian, any value
  const std::byte* hash;   ///< 32 bytes: SHA-256 of the message
};

inline constexpr std::uint32_t kP256MaxChecks = 64;

/// Builds the shared table of the base point, about 5 MB and 5 ms. Once, before anything else here
/// and before other threads start; later calls return at once. False: out of memory.
[[nodiscard]] bool p256_prepare() noexcept;

/// Fills valid[i] with OpenSSL's verdict on checks[i] and returns the set of the *undecided* ones,
/// bit i for checks[i]: there additions met equal or opposite points, valid[i] is false, and the
/// caller has to ask OpenSSL. Only a signature made for it, or a key whose private part is a small
/// or a special number, ever does that. Verdicts do not depend on neighbours or on positions.
/// @pre 1 <= count <= kP256MaxChecks. Uses about 200 KB of stack.
[[nodiscard]] std::uint64_t p256_verify_known(const P256Check* checks, std::uint32_t count,
                                              bool* valid) noexcept;
[[nodiscard]] std::uint64_t p256_verify_cold(const P256Check* checks, std::uint32_t count,
                                             bool* valid) noexcept;

/// A signer's table: windows of kP256KeyWidth bits (p256_rows.h), 43 of 32 rows, 88 KB.
inline constexpr std::uint32_t kP256KeyWidth = 6;
inline constexpr std::uint32_t kP256KeyWindows = (256 + kP256KeyWidth - 1) / kP256KeyWidth;
inline constexpr std::size_t kP256TableBytes =
    std::size_t{kP256KeyWindows} * (std::size_t{64} << (kP256KeyWidth - 1));
/// The first four slices walk through the windows' lowest rows, the others fill eight windows each.
inline constexpr std::uint32_t kP256TableSlices = 4 + (kP256KeyWindows + 7) / 8;

/// One part of a table, in the order 0, 1, ... kP256TableSlices - 1; each takes some 20 us. The
/// table is aligned to 64 bytes and is usable when the last slice is done.
void p256_build_slice(const P256Key& key, std::byte* table, std::uint32_t slice) noexcept;

}  // namespace crypto::avx512ifma
