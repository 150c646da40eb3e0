// SPDX-License-Identifier: Apache-2.0
// Signature schemes as messages name them (wire/) and as keys are made for them (crypto/), which
// know nothing of each other.

#pragma once

#include <optional>

#include "crypto/public_key.h"
#include "wire/reload/security_block.h"

namespace controlplane::trust {

/// nullopt with SignatureScheme::kNone.
[[nodiscard]] constexpr std::optional<crypto::Algorithm> algorithm_of(
    wire::reload::SignatureScheme scheme) noexcept {
  using wire::reload::SignatureScheme;
  switch (scheme) {
    case SignatureScheme::kRsaPkcs1Sha256:
      return crypto::Algorithm::kRsaPkcs1Sha256;
    case SignatureScheme::kEcdsaP256Sha256:
      return crypto::Algorithm::kEcdsaP256Sha256;
    case SignatureScheme::kEd25519:
      return crypto::Algorithm::kEd25519;
    case SignatureScheme::kNone:
      break;
  }
  return std::nullopt;
}

[[nodiscard]] constexpr wire::reload::SignatureScheme scheme_of(
    crypto::Algorithm algorithm) noexcept {
  using wire::reload::SignatureScheme;
  switch (algorithm) {
    case crypto::Algorithm::kRsaPkcs1Sha256:
      return SignatureScheme::kRsaPkcs1Sha256;
    case crypto::Algorithm::kEcdsaP256Sha256:
      return SignatureScheme::kEcdsaP256Sha256;
    case crypto::Algorithm::kEd25519:
      break;
  }
  return SignatureScheme::kEd25519;
}

}  // namespace controlplane::trust
