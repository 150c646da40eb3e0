// SPDX-License-Identifier: Apache-2.0
// A node's certificate and key as tests use them, and certificates no overlay would issue.

#pragma once

#include <memory>
#include <string>

#include "crypto/signing_key.h"
#include "wire/reload/message_builder.h"

namespace tests::support {

struct Identity {
  std::shared_ptr<crypto::SigningKey> key;
  wire::reload::SigningIdentity signing;  ///< carries the certificate, sign uses key
};

/// From two PEM files. Throws std::runtime_error naming the file.
[[nodiscard]] Identity load_identity(const std::string& certificate_path,
                                     const std::string& key_path);

/// An identity whose certificate is @p der, for certificates of any kind, also garbage.
[[nodiscard]] Identity identity_with(wire::reload::Bytes der,
                                     std::shared_ptr<crypto::SigningKey> key);

/// What may be wrong with a certificate.
struct CertificateWish {
  std::string ca_certificate_path;  ///< issuer; empty: an authority made up on the spot
  std::string ca_key_path;
  std::string overlay;  ///< reg-name of the subjectAltName URI
  wire::reload::NodeId node_id;
  std::string user;         ///< rfc822Name; may be empty, but a link asks for one
  long not_before_s = -60;  ///< from now
  long not_after_s = 3600;
};
[[nodiscard]] Identity make_identity(const CertificateWish& wish, crypto::Algorithm algorithm);

}  // namespace tests::support
