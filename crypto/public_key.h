// SPDX-License-Identifier: Apache-2.0
// A signer's public key, decoded once and then only read.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace crypto {

struct Ed25519Key;
struct P256Key;
struct RsaKey;

enum class Algorithm : std::uint8_t { kRsaPkcs1Sha256, kEcdsaP256Sha256, kEd25519 };
inline constexpr std::size_t kAlgorithmCount = 3;
[[nodiscard]] const char* algorithm_name(Algorithm algorithm) noexcept;  ///< "ed25519"

/// Immutable once made, so any number of lcores may use one at the same time. What kernels want to
/// keep per key (decoded points, tables) is made with it and hangs off it. Whoever frees it makes
/// sure no lcore still holds the handle (the dataplane's signer table does, by quiescent states).
class PublicKey {
 public:
  static constexpr std::size_t kEd25519Bytes = 32;

  /// From DER SubjectPublicKeyInfo (RFC 5280 section 4.1; Ed25519 per RFC 8410). Accepts RSA with a
  /// modulus of 2048 to 4096 bits, EC keys on P-256, and Ed25519. On refusal returns nullptr and
  /// says why in @p why. Allocates; not for the packet path.
  [[nodiscard]] static std::unique_ptr<PublicKey> from_spki(std::span<const std::byte> der,
                                                            std::string& why);
  ~PublicKey();
  PublicKey(const PublicKey&) = delete;
  PublicKey& operator=(const PublicKey&) = delete;

  [[nodiscard]] Algorithm algorithm() const noexcept { return algorithm_; }
  /// Opaque to everyone but the kernels: OpenSSL's EVP_PKEY*.
  [[nodiscard]] void* openssl() const noexcept { return openssl_; }
  // The same key as vector kernels want it. nullptr for other algorithms, and for keys that their
  // arithmetic does not cover: OpenSSL answers for those.
  [[nodiscard]] const Ed25519Key* ed25519() const noexcept { return ed25519_.get(); }
  [[nodiscard]] const P256Key* p256() const noexcept { return p256_.get(); }
  [[nodiscard]] const RsaKey* rsa() const noexcept { return rsa_.get(); }
  /// The key as RFC 8032 encodes it. @pre ed25519() != nullptr
  [[nodiscard]] const std::array<std::byte, kEd25519Bytes>& ed25519_encoded() const noexcept {
    return ed25519_encoded_;
  }

 private:
  PublicKey(Algorithm algorithm, void* openssl);
  Algorithm algorithm_;
  void* openssl_;
  std::unique_ptr<const Ed25519Key> ed25519_;
  std::unique_ptr<const P256Key> p256_;
  std::unique_ptr<const RsaKey> rsa_;
  std::array<std::byte, kEd25519Bytes> ed25519_encoded_{};
};

}  // namespace crypto
