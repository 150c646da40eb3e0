// SPDX-License-Identifier: Apache-2.0
// OpenSSL's AES-GCM and ChaCha20-Poly1305: the second opinion of tests.

#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "crypto/link_cipher.h"

namespace tests {

inline std::size_t key_bytes(crypto::AeadCipher cipher) {
  return cipher == crypto::AeadCipher::kAes128Gcm ? 16 : 32;
}
inline std::size_t iv_bytes(crypto::AeadCipher cipher) {
  return cipher == crypto::AeadCipher::kChaCha20Poly1305 ? 12 : 4;
}

/// Ciphertext and tag.
inline std::vector<std::byte> evp_seal(crypto::AeadCipher cipher, std::span<const std::byte> key,
                                       std::span<const std::byte> nonce,
                                       std::span<const std::byte> aad,
                                       std::span<const std::byte> plaintext) {
  const auto octets = [](std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  const EVP_CIPHER* const function = cipher == crypto::AeadCipher::kAes128Gcm ? EVP_aes_128_gcm()
                                     : cipher == crypto::AeadCipher::kAes256Gcm
                                         ? EVP_aes_256_gcm()
                                         : EVP_chacha20_poly1305();
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::vector<std::byte> sealed(plaintext.size() + crypto::kAeadTagBytes);
  auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
  int length = 0;
  const bool done =
      EVP_EncryptInit_ex(context.get(), function, nullptr, octets(key), octets(nonce)) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, octets(aad),
                        static_cast<int>(aad.size())) == 1 &&
      (plaintext.empty() || EVP_EncryptUpdate(context.get(), out, &length, octets(plaintext),
                                              static_cast<int>(plaintext.size())) == 1) &&
      EVP_EncryptFinal_ex(context.get(), out + plaintext.size(), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, crypto::kAeadTagBytes,
                          out + plaintext.size()) == 1;
  if (!done) std::abort();
  return sealed;
}

}  // namespace tests
