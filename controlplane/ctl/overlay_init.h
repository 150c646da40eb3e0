// SPDX-License-Identifier: Apache-2.0
// Makes a new overlay: its authority, the signer of its configuration, the first signed document,
// and the first node's credentials.
//
//   DIR/ca.pem  ca-key.pem                                   the root certificate and its key
//   DIR/configuration-signer.pem  configuration-signer-key.pem   signs configurations and Kinds
//   DIR/overlay.relo                                         the signed document, sequence 1
//   DIR/node.pem  node-key.pem                               the first bootstrap node

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crypto/public_key.h"
#include "wire/shm/commands.h"

namespace controlplane::ctl {

struct OverlayRequest {
  std::string directory;  ///< must not exist, or be empty
  std::string overlay;    ///< a DNS name
  std::vector<wire::shm::Endpoint> bootstrap_nodes;
  std::vector<std::string> enrollment_servers;                ///< https URLs
  crypto::Algorithm algorithm = crypto::Algorithm::kEd25519;  ///< of signer and node
  bool ice = false;                                           ///< leave no-ice false
  std::uint32_t days = 365;           ///< until certificates of signer and node expire
  std::uint32_t root_days = 3650;     ///< until the root certificate does
  std::uint32_t document_days = 180;  ///< until the document does
};

/// Empty on success; else one line that says what to do. The folder appears whole or not at all,
/// closed to everybody but its owner; keys are files of mode 0600. The document is checked as a
/// node would check it before anything appears.
[[nodiscard]] std::string init_overlay(const OverlayRequest& request, std::int64_t now_unix_s);

}  // namespace controlplane::ctl
