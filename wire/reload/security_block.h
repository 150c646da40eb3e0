// SPDX-License-Identifier: Apache-2.0
// The Security Block: certificates, SignerIdentity, Signature
// (RFC 6940 section 6.3.4; requirements, E-02, E-04 to E-08).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/forwarding_header.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

/// SignatureAndHashAlgorithm as two bytes, hash first (RFC 5246 section 7.4.1.4.1).
enum class SignatureScheme : std::uint16_t {
  kNone = 0x0000,
  kRsaPkcs1Sha256 = 0x0401,  ///< mandatory (E-04)
  kEcdsaP256Sha256 = 0x0403,
  kEd25519 = 0x0807,  ///< RFC 8422 section 5.1.3; decision 0002
};

enum class SignerIdentityType : std::uint8_t {
  kInvalid = 0,
  kCertHash = 1,
  kCertHashNodeId = 2,
  kNone = 3,
};

/// SHA-256 is the only hash we accept in a SignerIdentity.
inline constexpr std::size_t kCertificateHashBytes = 32;
inline constexpr std::uint8_t kHashSha256 = 4;

/// What a signer is looked up by: the identity type and the SHA-256 in it. As a struct because it
/// is a hash table key; unused bytes are zero.
struct SignerKey {
  std::array<std::byte, kCertificateHashBytes> hash{};
  SignerIdentityType type = SignerIdentityType::kInvalid;
  std::array<std::byte, 7> zero{};

  friend bool operator==(const SignerKey&, const SignerKey&) = default;
};
static_assert(sizeof(SignerKey) == 40);

struct Signature {
  SignatureScheme scheme = SignatureScheme::kNone;
  SignerKey signer;
  std::span<const std::byte> identity;  ///< the whole encoded SignerIdentity, as signed
  std::span<const std::byte> value;     ///< signature_value without its length
};

struct SecurityBlock {
  std::span<const std::byte> certificates;  ///< the packed GenericCertificates, without the length
  Signature signature;
  std::span<const std::byte> encoded;
};

/// Reads the security block of a *message*, which must fill @p bytes exactly. Refuses identity type
/// none and scheme {0,0} (E-08), hashes other than SHA-256, and malformed certificate entries.
/// An unknown scheme is no fault: the caller drops it by name.
[[nodiscard]] ParseError parse_security_block(std::span<const std::byte> bytes, SecurityBlock& out,
                                              std::uint32_t base = 0) noexcept;

/// Reads the certificate at the front of the bucket and gives its DER bytes and the rest.
[[nodiscard]] ParseError read_certificate(std::span<const std::byte> certificates,
                                          std::span<const std::byte>& der,
                                          std::span<const std::byte>& rest) noexcept;

/// The four parts the signature covers, in order and in place: overlay, transaction_id,
/// MessageContents, SignerIdentity (E-02). @pre message holds at least kFixedHeaderBytes.
[[nodiscard]] inline std::array<std::span<const std::byte>, 4> signed_parts(
    std::span<const std::byte> message, std::span<const std::byte> contents,
    std::span<const std::byte> identity) noexcept {
  return {message.subspan(header_offset::kOverlay, 4),
          message.subspan(header_offset::kTransactionId, 8), contents, identity};
}

[[nodiscard]] const char* scheme_name(SignatureScheme scheme) noexcept;  ///< "ed25519", or nullptr

}  // namespace wire::reload
