// SPDX-License-Identifier: Apache-2.0
// The directory of an enrolled node: node.pem, node-key.pem (0600), overlay.relo (0600) and
// roots.pem.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controlplane/trust/certificate.h"
#include "crypto/signing_key.h"

namespace controlplane::ctl {

/// Its paths, absolute.
struct EnrolledPaths {
  explicit EnrolledPaths(const std::string& directory);
  std::string directory;
  std::string certificate;
  std::string key;
  std::string document;
  std::string roots;
};

struct EnrolledTexts {
  std::string certificate;  ///< PEM
  std::string key;          ///< PEM; not written by a renewal
  std::string document;
  std::string roots;  ///< PEM
};

/// What a renewal finds.
struct Enrolled {
  trust::Certificate certificate;
  std::unique_ptr<crypto::SigningKey> key;
  std::string overlay;
  std::optional<std::uint16_t> sequence;  ///< of the document there
};

/// Why nothing new can be put into @p directory: it is there, and not empty. Empty when it can.
[[nodiscard]] std::string why_taken(const std::string& directory);

/// nullopt with @p why, which names the file, unless there are a certificate with its key, and a
/// document of its overlay.
[[nodiscard]] std::optional<Enrolled> read_enrolled(const std::string& directory, std::string& why);

/// Makes @p directory with its files: whole, or not at all. Throws std::runtime_error.
void write_enrolled(const std::string& directory, const EnrolledTexts& texts);

/// Replaces document, roots and certificate there, each at one stroke, the certificate last: it
/// fits the key at any moment. Throws as above.
void renew_enrolled(const std::string& directory, const EnrolledTexts& texts);

}  // namespace controlplane::ctl
