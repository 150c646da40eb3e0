// SPDX-License-Identifier: Apache-2.0
// An overlay's certificate authority for laboratories and tests: makes a root certificate and node
// certificates as RFC 6940 section 11.3 wants them.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signing_key.h"
#include "wire/reload/ids.h"

namespace controlplane::trust {

/// Seconds since 1970, both inclusive.
struct Validity {
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
};

/// What a node certificate says. The subject DN is empty, so subjectAltName is critical (RFC 5280
/// section 4.1.2.6).
struct NodeCertificate {
  std::string user_name;          ///< rfc822Name, "alice@example.org"; empty: none
  std::vector<std::string> uris;  ///< node_uri() of certificate.h, one per Node-ID
  Validity validity;
};

/// A Node-ID at random (requirement E-27), neither all zeros nor all ones. From OpenSSL's
/// generator.
[[nodiscard]] wire::reload::NodeId random_node_id();

class Authority {
 public:
  /// A new self-signed root. @p name becomes its common name. nullptr with @p why on failure.
  [[nodiscard]] static std::unique_ptr<Authority> create(crypto::Algorithm algorithm,
                                                         std::string_view name,
                                                         const Validity& validity,
                                                         std::string& why);

  [[nodiscard]] const std::string& certificate_pem() const noexcept { return certificate_pem_; }
  [[nodiscard]] const crypto::SigningKey& key() const noexcept { return *key_; }
  /// The PEM certificate that gives @p spki (DER) what @p request says; empty with @p why on
  /// failure. Checks nothing about the request: tests ask for wrong ones.
  [[nodiscard]] std::string issue(std::span<const std::byte> spki, const NodeCertificate& request,
                                  std::string& why) const;

 private:
  Authority() = default;
  std::unique_ptr<crypto::SigningKey> key_;
  std::string name_;
  std::string certificate_pem_;
};

}  // namespace controlplane::trust
