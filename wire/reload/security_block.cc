// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/security_block.h"

#include <algorithm>
#include <cstring>

#include "wire/cursor.h"

namespace wire::reload {

namespace {

/// RFC 6091 section 3.1: 0 is X.509, 1 is OpenPGP, which RELOAD does not define.
constexpr std::uint8_t kCertificateTypeX509 = 0;

/// Reads the value of a SignerIdentity: hash_alg(1), hash<0..2^8-1>, and nothing else.
/// The offset of a fault counts from the start of @p value.
ParseError read_identity_value(std::span<const std::byte> value, SignerKey& out) noexcept {
  ReadCursor in(value);
  if (in.u8() != kHashSha256) return {ParseFault::kBadIdentity, 0};
  const std::span<const std::byte> hash = in.vector8();
  if (!in.ok() || hash.size() != out.hash.size()) return {ParseFault::kBadIdentity, 1};
  if (!in.at_end()) {
    return {ParseFault::kBadIdentity, static_cast<std::uint32_t>(in.offset())};
  }
  std::copy(hash.begin(), hash.end(), out.hash.begin());
  return {};
}

ParseError read_signature(ReadCursor& in, Signature& out) noexcept {
  const auto offset_of = [](std::size_t at) { return static_cast<std::uint32_t>(at); };
  const std::size_t scheme_at = in.offset();
  out.scheme = SignatureScheme{in.u16()};
  const std::size_t identity_at = in.offset();
  const std::uint8_t type = in.u8();
  const std::span<const std::byte> identity_value = in.vector16();
  out.identity = in.since(identity_at);
  const std::size_t value_at = in.offset();
  out.value = in.vector16();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};

  // E-08: messages are always signed; {0,0} and identity "none" belong to synthesised values.
  if (out.scheme == SignatureScheme::kNone) {
    return {ParseFault::kBadSignature, offset_of(scheme_at)};
  }
  out.signer = {};
  out.signer.type = SignerIdentityType{type};
  if (out.signer.type != SignerIdentityType::kCertHash &&
      out.signer.type != SignerIdentityType::kCertHashNodeId) {
    return {ParseFault::kBadIdentity, offset_of(identity_at)};
  }
  const ParseError error = read_identity_value(identity_value, out.signer);
  if (!error.ok()) return {error.fault, offset_of(identity_at) + 3 + error.offset};
  if (out.value.empty()) return {ParseFault::kBadSignature, offset_of(value_at)};
  return {};
}

/// The block of nearly every message: no certificates, because the signer's is known by now, and no
/// fault. Then all lies at fixed offsets, and no cursor is needed. False: read it step by step.
bool read_plain_block(std::span<const std::byte> bytes, SecurityBlock& out) noexcept {
  constexpr std::size_t kSchemeAt = 2, kIdentityAt = 4, kHashLengthAt = 8, kHashAt = 9;
  constexpr std::size_t kValueLengthAt = kHashAt + kCertificateHashBytes;
  constexpr std::size_t kValueAt = kValueLengthAt + 2;
  if (bytes.size() <= kValueAt) return false;
  const std::byte* const at = bytes.data();
  const auto type = SignerIdentityType{load_u8(at + kIdentityAt)};
  const auto scheme = SignatureScheme{load_be16(at + kSchemeAt)};
  if (load_be16(at) != 0 || scheme == SignatureScheme::kNone ||
      (type != SignerIdentityType::kCertHash && type != SignerIdentityType::kCertHashNodeId) ||
      load_be16(at + kIdentityAt + 1) != 2 + kCertificateHashBytes ||
      load_u8(at + kHashLengthAt - 1) != kHashSha256 ||
      load_u8(at + kHashLengthAt) != kCertificateHashBytes ||
      load_be16(at + kValueLengthAt) != bytes.size() - kValueAt) {
    return false;
  }
  out.certificates = bytes.subspan(2, 0);
  out.signature.scheme = scheme;
  out.signature.signer.type = type;
  std::memcpy(out.signature.signer.hash.data(), at + kHashAt, kCertificateHashBytes);
  out.signature.signer.zero = {};
  out.signature.identity = bytes.subspan(kIdentityAt, kValueLengthAt - kIdentityAt);
  out.signature.value = bytes.subspan(kValueAt);
  out.encoded = bytes;
  return true;
}

}  // namespace

ParseError parse_security_block(std::span<const std::byte> bytes, SecurityBlock& out,
                                std::uint32_t base) noexcept {
  if (read_plain_block(bytes, out)) [[likely]]
    return {};
  ReadCursor in(bytes);
  const std::span<const std::byte> certificates = in.vector16();
  if (!in.ok()) return {ParseFault::kTruncated, base + in.failed_at()};
  out.certificates = certificates;

  const std::size_t certificates_at = in.offset() - certificates.size();
  for (std::span<const std::byte> rest = certificates; !rest.empty();) {
    const std::size_t at = certificates_at + (certificates.size() - rest.size());
    std::span<const std::byte> der;
    const ParseError error = read_certificate(rest, der, rest);
    if (!error.ok()) return {error.fault, base + static_cast<std::uint32_t>(at) + error.offset};
  }

  const ParseError error = read_signature(in, out.signature);
  if (!error.ok()) return {error.fault, base + error.offset};
  if (!in.at_end()) {
    return {ParseFault::kTrailingBytes, base + static_cast<std::uint32_t>(in.offset())};
  }
  out.encoded = bytes;
  return {};
}

ParseError read_certificate(std::span<const std::byte> certificates,
                            std::span<const std::byte>& der,
                            std::span<const std::byte>& rest) noexcept {
  ReadCursor in(certificates);
  const std::uint8_t type = in.u8();
  const std::span<const std::byte> certificate = in.vector16();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};
  if (type != kCertificateTypeX509) return {ParseFault::kBadCertificate, 0};
  if (certificate.empty()) return {ParseFault::kBadCertificate, 1};
  der = certificate;
  rest = in.rest();
  return {};
}

const char* scheme_name(SignatureScheme scheme) noexcept {
  switch (scheme) {
    case SignatureScheme::kRsaPkcs1Sha256:
      return "rsa_pkcs1_sha256";
    case SignatureScheme::kEcdsaP256Sha256:
      return "ecdsa_p256_sha256";
    case SignatureScheme::kEd25519:
      return "ed25519";
    case SignatureScheme::kNone:
      break;
  }
  return nullptr;
}

}  // namespace wire::reload
