// SPDX-License-Identifier: Apache-2.0
// Checks the signatures of decoded messages with certificates from files. It says whether the bytes
// are what the holder of a certificate signed; whether that certificate deserves trust is a
// question for controlplane/trust/certificate_checker.h.

#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "controlplane/ctl/decode_message.h"
#include "controlplane/trust/certificate.h"
#include "crypto/batch_verify.h"

namespace controlplane::ctl {

class SignatureCheck {
 public:
  SignatureCheck();

  /// Adds every certificate in @p text: PEM with one or more, or one in DER. Returns what is wrong
  /// with it, or "". @p name is what results call it.
  [[nodiscard]] std::string add(std::span<const std::byte> text, const std::string& name);

  struct Result {
    nlohmann::ordered_json json;  ///< {"verdict", and where known "node_id", "certificate"}
    bool valid = false;
  };
  /// Verdicts: valid, bad_signature, unknown_signer, unknown_algorithm. A certificate from the
  /// message's own bucket is used when no added one fits. @p decoded has a security block.
  [[nodiscard]] Result check(std::span<const std::byte> message, const DecodedMessage& decoded);

 private:
  struct Known {
    trust::Certificate certificate;
    std::string name;
  };

  std::vector<Known> known_;
  crypto::BatchVerifier verifier_;
};

}  // namespace controlplane::ctl
