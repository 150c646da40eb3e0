// SPDX-License-Identifier: Apache-2.0
// An Ed25519 public key A as vector kernels want it: decoded once, with a small comb of multiples
// of -A, so that a check of any signer needs 64 doublings and not 253.
//
// A check computes R' = [S]B + [h](-A), so everything here is about P = -A.

#pragma once

#include <cstddef>
#include <cstdint>

namespace crypto {

/// An affine point (x, y) of edwards25519 in the form that an addition multiplies with (Hisil et
/// al. 2008, section 3.1): y + x, y - x and t = 2dxy, each as five limbs of 51 bits, canonical
/// (below 2^255 - 19). Two halves of one cache line each, so that -P is P with its halves exchanged
/// and t negated: a lane takes the halves in the order it needs.
struct alignas(128) Ed25519Row {
  std::uint64_t y_plus_x[5];
  std::uint64_t t_low[3];  ///< limbs 0 to 2 of t
  std::uint64_t y_minus_x[5];
  std::uint64_t t_high[2];  ///< limbs 3 and 4 of t
  std::uint64_t unused;     ///< 0
};
static_assert(sizeof(Ed25519Row) == 128);

inline constexpr unsigned kEd25519KeyTeeth = 4;
inline constexpr unsigned kEd25519KeyRows = 1U << (kEd25519KeyTeeth - 1);

/// 1.4 KiB. Plain data: may be copied and read by any number of threads.
struct Ed25519Key {
  /// comb[m] = [2^192]P + sum over j < 3 of (bit j of m ? + : -) [2^(64 j)]P.
  Ed25519Row comb[kEd25519KeyRows];
  Ed25519Row negated;  ///< -P = A
  std::uint64_t x[5];  ///< P, in limbs of 51 bits, canonical
  std::uint64_t y[5];
  /// False: the 32 bytes name no point, and OpenSSL calls every signature bad. Then the rest holds
  /// the neutral element, which is harmless to compute with.
  bool on_curve;
  /// [L]P is the neutral element, so h may be replaced by h + L. False for keys with a part of
  /// small order, which exist only when somebody made them on purpose.
  bool prime_order;
};

/// Decodes @p encoded (32 bytes, RFC 8032 section 5.1.2) exactly as OpenSSL 3 does when it
/// verifies: y is taken modulo p, so encodings of y >= p are accepted, and so is x = 0 with the
/// sign bit set (RFC 8032 refuses both). Returns key.on_curve. About 100 us; not for the packet
/// path.
bool decode_ed25519(const std::byte* encoded, Ed25519Key& key) noexcept;

}  // namespace crypto
