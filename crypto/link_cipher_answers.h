// SPDX-License-Identifier: Apache-2.0
// Known answers of the ciphers of links. Self-test only.

#pragma once

#include <span>

#include "crypto/link_cipher.h"

namespace crypto {

/// Bytes are hex.
struct AeadAnswer {
  AeadCipher cipher;
  const char* source;
  const char* key;
  const char* nonce;
  const char* aad;
  const char* plaintext;
  const char* ciphertext;
  const char* tag;
};

/// One for each cipher. Static.
[[nodiscard]] std::span<const AeadAnswer> aead_answers() noexcept;

}  // namespace crypto
