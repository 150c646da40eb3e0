// SPDX-License-Identifier: Apache-2.0
// Signers, their tables and signed messages for hopseal-bench verify.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/batch_verify.h"
#include "crypto/signing_key.h"

namespace bench {

using Bytes = std::vector<std::byte>;

/// What is signed with. RSA counts as one algorithm for each length of the modulus.
struct Signature {
  const char* name;  ///< "ed25519", "p256", "rsa2048", ...
  crypto::Algorithm algorithm;
  int rsa_bits;             ///< 0 for the others
  std::size_t max_signers;  ///< making RSA keys is slow
};
[[nodiscard]] std::span<const Signature> signatures() noexcept;

/// Keys of one kind, made when first asked for and kept.
class Signers {
 public:
  explicit Signers(const Signature& signature) : signature_(signature) {}

  /// Makes keys until there are @p count.
  void grow(std::size_t count);
  [[nodiscard]] const crypto::SigningKey& signing(std::size_t i) const { return *signing_[i]; }
  [[nodiscard]] const crypto::PublicKey& verifying(std::size_t i) const { return *verifying_[i]; }
  [[nodiscard]] const Signature& signature() const noexcept { return signature_; }

 private:
  const Signature& signature_;
  std::vector<std::unique_ptr<crypto::SigningKey>> signing_;
  std::vector<std::unique_ptr<crypto::PublicKey>> verifying_;
};

/// One kernel's tables of the first signers, in huge pages when the system has enough of them.
class Tables {
 public:
  Tables(const crypto::KernelTable& kernel, const Signers& signers, std::size_t count);
  ~Tables();
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
  /// nullptr when the kernel has none for these keys.
  [[nodiscard]] const std::byte* of(std::size_t signer) const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool in_huge_pages() const noexcept { return huge_; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t stride_ = 0;
  std::size_t bytes_ = 0;
  bool huge_ = false;
};

/// Signed messages in an order without a pattern: every signer once before any comes again.
struct Traffic {
  Traffic(const Signers& signers, std::size_t count, std::size_t message_bytes);

  struct Message {
    std::size_t signer;
    Bytes bytes;
    Bytes signature;
  };
  /// The message in four parts, as a RELOAD message is signed (RFC 6940 section 6.3.4).
  [[nodiscard]] crypto::VerifyJob job(const Signers& signers, std::size_t i,
                                      const Tables* tables) const;
  std::vector<Message> messages;
};

}  // namespace bench
