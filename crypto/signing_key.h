// SPDX-License-Identifier: Apache-2.0
// A private key that signs messages. Control plane, tools and tests; never in the dataplane.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/public_key.h"

namespace crypto {

class SigningKey {
 public:
  /// From PEM (PKCS#8 or traditional). nullptr with @p why on refusal. Same kinds as PublicKey.
  [[nodiscard]] static std::unique_ptr<SigningKey> from_pem(std::string_view pem, std::string& why);
  /// A new random key; RSA with 2048 bits.
  [[nodiscard]] static std::unique_ptr<SigningKey> generate(Algorithm algorithm);
  ~SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;

  [[nodiscard]] Algorithm algorithm() const noexcept { return algorithm_; }
  /// signature_value over @p message; empty when OpenSSL fails.
  [[nodiscard]] std::vector<std::byte> sign(std::span<const std::byte> message) const;
  [[nodiscard]] std::vector<std::byte> public_spki() const;          ///< DER
  [[nodiscard]] std::string to_pem() const;                          ///< PKCS#8, unencrypted
  [[nodiscard]] void* openssl() const noexcept { return openssl_; }  ///< EVP_PKEY*

 private:
  SigningKey(Algorithm algorithm, void* openssl) noexcept
      : algorithm_(algorithm), openssl_(openssl) {}
  Algorithm algorithm_;
  void* openssl_;
};

}  // namespace crypto
