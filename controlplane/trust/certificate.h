// SPDX-License-Identifier: Apache-2.0
// A node certificate as RELOAD reads it (RFC 6940 sections 4.1, 11.3 and 14.15; requirements E-05,
// E-06, E-17 to E-20). Reading one says nothing about trusting it: certificate_checker.h does that.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/public_key.h"
#include "wire/reload/ids.h"
#include "wire/reload/security_block.h"

struct x509_st;  // OpenSSL's X509

namespace controlplane::trust {

/// What a `reload:` URI in subjectAltName says.
struct NodeUri {
  wire::reload::NodeId node_id;
  std::string overlay;  ///< as written; names of overlays do not depend on case
};

/// Reads `reload://<hex Destination List>@<overlay>/` holding exactly one Destination of type node
/// (E-18). The scheme and the hex digits are case-insensitive. nullopt for anything else, also for
/// a URI with a specifier behind the slash, which names data and no node (E-20).
[[nodiscard]] std::optional<NodeUri> parse_node_uri(std::string_view uri);
/// The reverse.
[[nodiscard]] std::string node_uri(const wire::reload::NodeId& node_id, std::string_view overlay);

/// A certificate, decoded once and then only read. Copies share the decoded form.
struct Certificate {
  std::vector<std::byte> der;
  std::vector<NodeUri> nodes;                  ///< in the order of subjectAltName
  std::vector<std::string> malformed;          ///< `reload:` URIs that parse_node_uri refuses
  std::vector<std::string> user_names;         ///< rfc822Names; E-19 wants exactly one
  bool other_identities = false;               ///< a subject DN, or names of other kinds (E-19)
  std::vector<std::byte> spki;                 ///< DER SubjectPublicKeyInfo
  std::optional<crypto::Algorithm> algorithm;  ///< unset when this node cannot verify with its key
  std::string unsupported_key;                 ///< then why
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
  std::shared_ptr<x509_st> x509;

  /// nullopt with @p why when @p der is not exactly one X.509 certificate with a key, dates and
  /// extensions that can be decoded.
  [[nodiscard]] static std::optional<Certificate> from_der(std::span<const std::byte> der,
                                                           std::string& why);
  /// The first certificate in a PEM text.
  [[nodiscard]] static std::optional<Certificate> from_pem(std::string_view pem, std::string& why);

  /// The SignerIdentity of messages signed by this certificate's @p node_id. One Node-ID: cert_hash
  /// over the DER bytes (E-05); several: cert_hash_node_id over Node-ID and DER bytes (E-06).
  /// nullopt when the certificate does not hold @p node_id.
  [[nodiscard]] std::optional<wire::reload::SignerKey> signer_key(
      const wire::reload::NodeId& node_id) const;
  /// Which of the certificate's Node-IDs @p signer means, if any.
  [[nodiscard]] std::optional<wire::reload::NodeId> node_of(
      const wire::reload::SignerKey& signer) const;
};

}  // namespace controlplane::trust
