// SPDX-License-Identifier: Apache-2.0
// Roots, identities and known peers' certificates, read from the files node.toml names.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/node_config.h"
#include "controlplane/overlay/settings.h"
#include "controlplane/trust/certificate_checker.h"
#include "crypto/signing_key.h"

namespace controlplane::trust {

[[nodiscard]] constexpr SelfSigned self_signed_of(config::SelfSigned permitted) noexcept {
  switch (permitted) {
    case config::SelfSigned::kSha1:
      return SelfSigned::kSha1;
    case config::SelfSigned::kSha256:
      return SelfSigned::kSha256;
    case config::SelfSigned::kNo:
      break;
  }
  return SelfSigned::kRefused;
}

struct Credentials {
  std::shared_ptr<const CertificateChecker> checker;
  std::vector<overlay::SigningName> names;       ///< in the order of the configuration
  std::vector<wire::shm::SignerRecord> signers;  ///< own names and peers with a certificate
  // Of the node's own identity, the first one: what it shows on its secure links.
  std::vector<std::byte> certificate;  ///< DER
  std::shared_ptr<const crypto::SigningKey> key;
};

struct CredentialsResult {
  std::unique_ptr<Credentials> credentials;  ///< set exactly when errors is empty
  std::vector<std::string> errors;           ///< one line each: file, what is wrong, what to do
};

/// Reads and checks every file; finds all errors, not only the first. Each private key is
/// there once: the sign functions of the names share it.
[[nodiscard]] CredentialsResult load_credentials(const config::NodeConfig& config,
                                                 std::uint64_t now_unix_s);

}  // namespace controlplane::trust
