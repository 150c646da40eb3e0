// SPDX-License-Identifier: Apache-2.0
// A certificate signing request (PKCS#10, RFC 2986) as an authority reads it: a key, the proof that
// the sender has its private half, and the user names it asks for. Everything else in it is
// ignored.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace controlplane::enroll {

struct SigningRequest {
  std::vector<std::byte> spki;  ///< DER SubjectPublicKeyInfo
  std::vector<std::string>
      user_names;  ///< rfc822Names it asks for, and emailAddress in its subject

  /// Longest request that is looked at: one of RSA 4096 with many extensions has 3 kB.
  static constexpr std::size_t kMostBytes = 16'384;

  /// From DER, or PEM as `openssl req` writes it. nullopt with @p why when it is not exactly one
  /// request, its key is none a node may have (RSA of 2048 to 4096 bits, P-256, Ed25519), it is not
  /// signed with that key, or with a digest that is broken. Costs one check of a signature.
  [[nodiscard]] static std::optional<SigningRequest> read(std::span<const std::byte> bytes,
                                                          std::string& why);
};

}  // namespace controlplane::enroll
