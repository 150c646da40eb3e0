// SPDX-License-Identifier: Apache-2.0
// An overlay's certificate authority: makes a root certificate and node certificates as RFC 6940
// section 11.3 wants them. Laboratories, tests and the enrollment server sign with it.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signing_key.h"
#include "wire/reload/ids.h"

struct x509_st;  // OpenSSL's X509

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

/// A certificate as it was signed.
struct IssuedCertificate {
  std::vector<std::byte> der;
  std::string serial;  ///< upper-case hex, as openssl prints it; 159 random bits
};

/// A Node-ID at random (requirement E-27), neither all zeros nor all ones. From OpenSSL's
/// generator.
[[nodiscard]] wire::reload::NodeId random_node_id();

/// The PEM certificate that @p key signs for itself (section 11.3.1). Subject and issuer are empty.
/// Empty with @p why on failure. Checks nothing about the request.
[[nodiscard]] std::string issue_self_signed(const crypto::SigningKey& key,
                                            const NodeCertificate& request, std::string& why);

class Authority {
 public:
  /// A new self-signed root. @p name becomes its common name. nullptr with @p why on failure.
  [[nodiscard]] static std::unique_ptr<Authority> create(crypto::Algorithm algorithm,
                                                         std::string_view name,
                                                         const Validity& validity,
                                                         std::string& why);

  /// The authority of @p certificate_pem, whose private key is @p key_pem. nullptr with @p why when
  /// the two do not belong together or the certificate may not sign certificates (RFC 5280 sections
  /// 4.2.1.3 and 4.2.1.9).
  [[nodiscard]] static std::unique_ptr<Authority> load(std::string_view certificate_pem,
                                                       std::string_view key_pem, std::string& why);

  /// Until when the root is valid itself: nothing it signs is accepted longer.
  [[nodiscard]] std::int64_t not_after_unix_s() const noexcept { return not_after_unix_s_; }
  [[nodiscard]] const std::string& certificate_pem() const noexcept { return certificate_pem_; }
  [[nodiscard]] const crypto::SigningKey& key() const noexcept { return *key_; }
  /// The PEM certificate that gives @p spki (DER) what @p request says; empty with @p why on
  /// failure. Checks nothing about the request: tests ask for wrong ones.
  [[nodiscard]] std::string issue(std::span<const std::byte> spki, const NodeCertificate& request,
                                  std::string& why) const;
  /// The same as DER, with its serial number. False with @p why on failure. Any thread may call it.
  [[nodiscard]] bool issue(std::span<const std::byte> spki, const NodeCertificate& request,
                           IssuedCertificate& issued, std::string& why) const;

 private:
  Authority() = default;
  [[nodiscard]] std::shared_ptr<x509_st> sign_node(std::span<const std::byte> spki,
                                                   const NodeCertificate& request) const;
  std::unique_ptr<crypto::SigningKey> key_;
  std::string name_;
  std::string certificate_pem_;
  std::int64_t not_after_unix_s_ = 0;
};

}  // namespace controlplane::trust
