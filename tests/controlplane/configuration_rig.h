// SPDX-License-Identifier: Apache-2.0
// An authority, signers and signed documents, for tests of configuration documents.

#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "controlplane/configuration/signed_document.h"
#include "controlplane/configuration/write.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"

namespace controlplane::configuration {

inline constexpr std::int64_t kTestNow = 1'800'000'000;
inline constexpr const char* kTestOverlay = "overlay.example.org";

/// A certificate and its key.
struct TestSigner {
  trust::Certificate certificate;
  std::unique_ptr<crypto::SigningKey> key;
  [[nodiscard]] const wire::reload::NodeId& node_id() const {
    return certificate.nodes.front().node_id;
  }
};

class TestAuthority {
 public:
  TestAuthority() {
    std::string why;
    authority_ = trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "a test's CA",
                                          {kTestNow - 1000, kTestNow + 100'000}, why);
    if (authority_ == nullptr) throw std::runtime_error(why);
  }

  [[nodiscard]] std::string root_pem() const { return authority_->certificate_pem(); }
  [[nodiscard]] std::vector<std::byte> root_der() const {
    std::string why;
    return trust::Certificate::from_pem(root_pem(), why).value().der;
  }
  [[nodiscard]] TestSigner signer(crypto::Algorithm algorithm = crypto::Algorithm::kEd25519,
                                  const trust::Validity& validity = {kTestNow - 1000,
                                                                     kTestNow + 10'000},
                                  const std::string& overlay = kTestOverlay) const {
    auto key = crypto::SigningKey::generate(algorithm);
    std::string why;
    const std::string pem =
        authority_->issue(key->public_spki(),
                          {.user_name = "signer@example.org",
                           .uris = {trust::node_uri(trust::random_node_id(), overlay)},
                           .validity = validity},
                          why);
    return {trust::Certificate::from_pem(pem, why).value(), std::move(key)};
  }

 private:
  std::unique_ptr<trust::Authority> authority_;
};

/// A valid configuration of @p sequence whose signers are @p signer.
inline OverlayConfiguration test_configuration(const TestAuthority& authority,
                                               const TestSigner& signer, std::uint16_t sequence) {
  OverlayConfiguration configuration;
  configuration.instance_name = kTestOverlay;
  configuration.sequence = sequence;
  configuration.expiration_unix_s = kTestNow + 5000;
  configuration.root_certs = {authority.root_der()};
  configuration.no_ice = true;
  configuration.configuration_signers = {signer.node_id()};
  configuration.kind_signers = {signer.node_id()};
  return configuration;
}

/// The file of @p configuration, signed by @p signer.
inline std::string signed_file(const OverlayConfiguration& configuration,
                               const TestSigner& signer) {
  const SignedFile made = sign_document(write_document(configuration), configuration.instance_name,
                                        signer.certificate, *signer.key);
  if (made.text.empty()) throw std::runtime_error(made.fault.sentence() + made.why);
  return made.text;
}

}  // namespace controlplane::configuration
