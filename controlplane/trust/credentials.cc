// SPDX-License-Identifier: Apache-2.0

#include "controlplane/trust/credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "controlplane/trust/judge.h"
#include "controlplane/trust/signature_scheme.h"
#include "crypto/signing_key.h"

namespace controlplane::trust {

using overlay::SigningName;

using wire::reload::SignatureScheme;

namespace {

class Loader {
 public:
  Loader(const config::NodeConfig& config, std::int64_t now_unix_s, CredentialsResult& result)
      : config_(config), now_unix_s_(now_unix_s), result_(result) {}

  void load(Credentials& credentials) {
    std::vector<std::string> roots;
    for (const std::string& file : config_.overlay.root_certificates) {
      if (auto text = read(file)) roots.push_back(std::move(*text));
    }
    if (roots.size() != config_.overlay.root_certificates.size()) return;
    std::string why;
    credentials.checker = CertificateChecker::make(roots, config_.overlay.name, why,
                                                   self_signed_of(config_.overlay.self_signed));
    if (!credentials.checker) {
      refuse(roots.empty() ? config_.file : config_.overlay.root_certificates.front(),
             "root certificates: " + why);
      return;
    }
    checker_ = credentials.checker.get();
    for (const config::Identity& identity : config_.identities) {
      load_identity(identity, credentials);
    }
    for (const config::Peer& peer : config_.peers) load_peer(peer, credentials);
  }

 private:
  void refuse(const std::string& file, const std::string& what) {
    result_.errors.push_back(file + ": " + what);
  }

  std::optional<std::string> read(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
      refuse(file, std::string(std::strerror(errno)) +
                       "; `hopsealctl lab init` makes certificates for a laboratory");
      return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  std::optional<Certificate> read_certificate(const std::string& file) {
    const auto text = read(file);
    if (!text) return std::nullopt;
    std::string why;
    auto certificate = Certificate::from_pem(*text, why);
    if (!certificate) refuse(file, "is no certificate in PEM: " + why);
    return certificate;
  }

  /// Checks that the overlay lets @p certificate speak as @p node_id.
  bool accept(const std::string& file, const Certificate& certificate,
              const wire::reload::NodeId& node_id) {
    const Checked checked = checker_->check_node(certificate.der, node_id, now_unix_s_);
    if (checked.accepted()) return true;
    std::string text = refusal_sentence(checked.refusal);
    if (!checked.detail.empty()) text += " (" + checked.detail + ")";
    refuse(file, text);
    return false;
  }

  void load_identity(const config::Identity& identity, Credentials& credentials) {
    const auto certificate = read_certificate(identity.certificate);
    const auto pem = read(identity.key);
    if (!certificate || !pem) return;
    if (certificate->nodes.empty()) {
      refuse(identity.certificate, refusal_sentence(Refusal::kNoNodeId));
      return;
    }
    const wire::reload::NodeId node_id = certificate->nodes.front().node_id;
    if (!accept(identity.certificate, *certificate, node_id)) return;
    std::string why;
    std::shared_ptr<crypto::SigningKey> key = crypto::SigningKey::from_pem(*pem, why);
    if (!key) {
      refuse(identity.key, "is no usable private key: " + why);
      return;
    }
    if (key->public_spki() != certificate->spki) {
      refuse(identity.key, "does not belong to the certificate " + identity.certificate +
                               "; identity \"" + identity.name + "\" needs the two of one pair");
      return;
    }
    const auto signer = certificate->signer_key(node_id);
    if (!signer) {
      refuse(identity.certificate, refusal_sentence(Refusal::kWrongNodeId));
      return;
    }
    if (credentials.names.empty()) {
      credentials.certificate = certificate->der;
      credentials.key = key;
    }
    SigningName name{identity.name, node_id, {}};
    name.identity.scheme = scheme_of(key->algorithm());
    name.identity.signer = *signer;
    if (identity.send_certificate) name.identity.certificates.push_back(certificate->der);
    name.identity.sign = [key](std::span<const std::byte> bytes) { return key->sign(bytes); };
    credentials.names.push_back(std::move(name));
    credentials.signers.push_back(signer_record(*certificate, *signer, node_id));
  }

  void load_peer(const config::Peer& peer, Credentials& credentials) {
    if (!peer.certificate) return;
    const auto certificate = read_certificate(*peer.certificate);
    if (!certificate || !accept(*peer.certificate, *certificate, peer.node_id)) return;
    if (const auto signer = certificate->signer_key(peer.node_id)) {
      credentials.signers.push_back(signer_record(*certificate, *signer, peer.node_id));
    }
  }

  const config::NodeConfig& config_;
  std::int64_t now_unix_s_;
  CredentialsResult& result_;
  const CertificateChecker* checker_ = nullptr;
};

}  // namespace

CredentialsResult load_credentials(const config::NodeConfig& config, std::uint64_t now_unix_s) {
  CredentialsResult result;
  auto credentials = std::make_unique<Credentials>();
  Loader(config, static_cast<std::int64_t>(now_unix_s), result).load(*credentials);
  if (result.errors.empty() && credentials->names.empty()) {
    result.errors.push_back(config.file + ": no [[identity]]; a node needs at least its own");
  }
  if (result.errors.empty()) result.credentials = std::move(credentials);
  return result;
}

}  // namespace controlplane::trust
