// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "controlplane/configuration/base64.h"
#include "controlplane/trust/signature_scheme.h"
#include "crypto/public_key.h"
#include "wire/reload/message_builder.h"

namespace controlplane::configuration {
namespace {

using Bytes = std::vector<std::byte>;
using trust::algorithm_of;
using trust::scheme_of;
using wire::reload::SignatureScheme;

constexpr std::size_t kMaxCertificates = 8;  // a chain is never longer

Bytes to_be_signed(std::string_view element, std::span<const std::byte> identity,
                   SignedInput input) {
  const auto bytes = std::as_bytes(std::span(element));
  Bytes joined(bytes.begin(), bytes.end());
  if (input == SignedInput::kElementAndIdentity) {
    joined.insert(joined.end(), identity.begin(), identity.end());
  }
  return joined;
}

/// With OpenSSL itself: a document may be longer than the batch verifier takes.
bool matches(const crypto::PublicKey& key, std::span<const std::byte> message,
             std::span<const std::byte> signature) {
  const auto octets = [](std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) return false;
  const char* digest = key.algorithm() == crypto::Algorithm::kEd25519 ? nullptr : "SHA256";
  ERR_set_mark();
  const bool valid = EVP_DigestVerifyInit_ex(context, nullptr, digest, nullptr, nullptr,
                                             static_cast<EVP_PKEY*>(key.openssl()), nullptr) == 1 &&
                     EVP_DigestVerify(context, octets(signature), signature.size(), octets(message),
                                      message.size()) == 1;
  ERR_pop_to_mark();
  EVP_MD_CTX_free(context);
  return valid;
}

SignerTrust::Signer refused(Refusal refusal, std::string why = {}) {
  SignerTrust::Signer signer;
  signer.fault = {refusal, {0, "", std::move(why)}};
  return signer;
}

}  // namespace

std::string to_pem(std::span<const std::byte> der) {
  return "-----BEGIN CERTIFICATE-----\n" + encode_base64(der) + "-----END CERTIFICATE-----\n";
}

std::unique_ptr<SignerTrust> SignerTrust::of(const OverlayConfiguration& configuration,
                                             std::span<const std::string> more_roots,
                                             std::string& why) {
  std::vector<std::string> roots(more_roots.begin(), more_roots.end());
  for (const Bytes& der : configuration.root_certs) roots.push_back(to_pem(der));
  std::unique_ptr<SignerTrust> made(new SignerTrust);
  made->checker_ = trust::CertificateChecker::make(roots, configuration.instance_name, why,
                                                   self_signed_of(configuration));
  if (made->checker_ == nullptr) return nullptr;
  made->bad_nodes_ = configuration.bad_nodes;
  return made;
}

SignerTrust::Signer SignerTrust::check(std::string_view element,
                                       std::span<const std::byte> security_block,
                                       std::int64_t now_unix_s, std::span<const Bytes> known,
                                       SignedInput input) const {
  wire::reload::SecurityBlock block;
  if (const auto error = wire::reload::parse_security_block(security_block, block); !error.ok()) {
    return refused(Refusal::kSignatureFormat, "the base64 holds no SecurityBlock; offset " +
                                                  std::to_string(error.offset) + " is wrong");
  }
  const wire::reload::Signature& signature = block.signature;
  const auto algorithm = algorithm_of(signature.scheme);
  if (!algorithm) return refused(Refusal::kAlgorithm);

  std::vector<trust::CertificateChecker::Der> certificates;
  std::span<const std::byte> der;
  for (auto rest = block.certificates; certificates.size() < kMaxCertificates && !rest.empty() &&
                                       wire::reload::read_certificate(rest, der, rest).ok();) {
    certificates.push_back(der);
  }
  certificates.insert(certificates.end(), known.begin(), known.end());

  // Only a certificate whose hash is in the SignerIdentity can be the signer's.
  std::optional<trust::Checked> checked;
  for (const auto certificate : certificates) {
    std::string why;
    const auto read = trust::Certificate::from_der(certificate, why);
    if (!read || !read->node_of(signature.signer)) continue;
    checked = checker_->check_signer(certificate, signature.signer, now_unix_s, certificates);
    break;
  }
  if (!checked) return refused(Refusal::kNoCertificate);
  if (!checked->accepted()) {
    std::string why = trust::refusal_sentence(checked->refusal);
    if (!checked->detail.empty()) why += " (" + checked->detail + ")";
    return refused(Refusal::kCertificate, std::move(why));
  }
  // E-22.
  if (std::ranges::find(bad_nodes_, checked->node_id) != bad_nodes_.end()) {
    return refused(Refusal::kBadNode);
  }
  std::string why;
  const auto key = crypto::PublicKey::from_spki(checked->certificate->spki, why);
  // The algorithm field is not signed: a key never answers for another algorithm than its own.
  if (key == nullptr || key->algorithm() != *algorithm) return refused(Refusal::kBadSignature);
  if (!matches(*key, to_be_signed(element, signature.identity, input), signature.value)) {
    return refused(Refusal::kBadSignature);
  }
  Signer signer;
  signer.node_id = checked->node_id;
  signer.certificate_expires_unix_s = checked->certificate->not_after_unix_s;
  return signer;
}

std::vector<std::byte> sign_element(std::string_view element, const trust::Certificate& certificate,
                                    const crypto::SigningKey& key, std::string& why,
                                    SignedInput input) {
  why.clear();
  if (certificate.nodes.empty()) {
    why = "the certificate names no node";
    return {};
  }
  if (key.public_spki() != certificate.spki) {
    why = "the key is not the certificate's";
    return {};
  }
  const auto signer = certificate.signer_key(certificate.nodes.front().node_id);
  const Bytes identity = wire::reload::encode_signer_identity(*signer);
  const Bytes value = key.sign(to_be_signed(element, identity, input));
  if (value.empty()) {
    why = "OpenSSL cannot sign with this key";
    return {};
  }
  const std::vector<Bytes> certificates = {certificate.der};
  return wire::reload::encode_security_block(certificates, scheme_of(key.algorithm()), identity,
                                             value);
}

}  // namespace controlplane::configuration
