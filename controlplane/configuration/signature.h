// SPDX-License-Identifier: Apache-2.0
// Signatures over configurations and Kinds: the SecurityBlock that a signature or kind-signature
// element holds in base64 (RFC 6940 sections 6.3.4 and 11.1; requirements J-08, J-09, J-11, X-06).

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/document.h"
#include "controlplane/configuration/refusal.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/certificate_checker.h"
#include "crypto/signing_key.h"

namespace controlplane::configuration {

/// What the signature is computed over. The RFC does not say whether the SignerIdentity is in it,
/// as it is with messages; we put it behind the element.
enum class SignedInput : std::uint8_t { kElementAndIdentity, kElement };

/// Whose signatures are believed: the roots, overlay name and bad nodes of a configuration in
/// force. Immutable once made.
class SignerTrust {
 public:
  /// @param more_roots  PEM texts of roots that are trusted besides those of the document
  /// nullptr with @p why when there is no root at all, or one cannot be read.
  [[nodiscard]] static std::unique_ptr<SignerTrust> of(const OverlayConfiguration& configuration,
                                                       std::span<const std::string> more_roots,
                                                       std::string& why);

  /// Who signed @p element, if the signature holds.
  struct Signer {
    Fault fault;                   ///< its line is not set
    wire::reload::NodeId node_id;  ///< set without a fault
    std::int64_t certificate_expires_unix_s = 0;
  };
  /// Checks that a certificate in the block, or one of @p known (DER), is the signer's and chains
  /// to a root, that the signer is no bad node, and that the signature is of @p element. Whether
  /// the signer may sign such a thing is for the caller. Costs some 100 us.
  [[nodiscard]] Signer check(std::string_view element, std::span<const std::byte> security_block,
                             std::int64_t now_unix_s,
                             std::span<const std::vector<std::byte>> known = {},
                             SignedInput input = SignedInput::kElementAndIdentity) const;

 private:
  SignerTrust() = default;
  std::unique_ptr<trust::CertificateChecker> checker_;
  std::vector<wire::reload::NodeId> bad_nodes_;
};

/// Signs @p element for @p certificate's first Node-ID and carries the certificate along, because
/// nothing else brings it to those who check (E-15). Returns a SecurityBlock; empty with @p why
/// when the key is not the certificate's, or OpenSSL fails.
[[nodiscard]] std::vector<std::byte> sign_element(
    std::string_view element, const trust::Certificate& certificate, const crypto::SigningKey& key,
    std::string& why, SignedInput input = SignedInput::kElementAndIdentity);

/// A certificate as PEM.
[[nodiscard]] std::string to_pem(std::span<const std::byte> der);

}  // namespace controlplane::configuration
