// SPDX-License-Identifier: Apache-2.0
// The ciphers of DTLS 1.2 records that links use, with the sizes that follow from each
// (RFC 5288 section 3, RFC 7905 section 2, RFC 5246 section 6.3).

#pragma once

#include <cstddef>
#include <cstdint>

namespace wire::dtls {

enum class Aead : std::uint8_t { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };
inline constexpr std::size_t kAeadCount = 3;
inline constexpr const char* kAeadNames[] = {"aes128-gcm", "aes256-gcm", "chacha20-poly1305"};

inline constexpr std::size_t kMaxKeyBytes = 32;
inline constexpr std::size_t kMaxIvBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

/// Bytes of a write key in the key block.
[[nodiscard]] constexpr std::size_t key_bytes(Aead aead) noexcept {
  return aead == Aead::kAes128Gcm ? 16 : 32;
}
/// Bytes of a write IV in the key block: the salt of GCM, the whole nonce mask of ChaCha20.
[[nodiscard]] constexpr std::size_t iv_bytes(Aead aead) noexcept {
  return aead == Aead::kChaCha20Poly1305 ? 12 : 4;
}
/// Nonce bytes that each record carries in front of its ciphertext.
[[nodiscard]] constexpr std::size_t explicit_nonce_bytes(Aead aead) noexcept {
  return aead == Aead::kChaCha20Poly1305 ? 0 : 8;
}

}  // namespace wire::dtls
