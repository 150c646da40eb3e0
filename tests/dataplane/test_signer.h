// SPDX-License-Identifier: Apache-2.0
// Node-IDs and signers that tests make up. Knows no DPDK.

#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "crypto/signing_key.h"
#include "wire/reload/ids.h"
#include "wire/reload/message_builder.h"
#include "wire/shm/commands.h"

namespace tests::dataplane {

inline wire::reload::NodeId node_id(unsigned first) {
  wire::reload::NodeId id;
  id.bytes.fill(static_cast<std::byte>(0x5a));
  id.bytes[0] = static_cast<std::byte>(first);
  return id;
}

/// A key pair with the SignerKey a certificate of it would have.
class TestSigner {
 public:
  explicit TestSigner(unsigned tag)
      : key_(crypto::SigningKey::generate(crypto::Algorithm::kEd25519)) {
    signer_.type = wire::reload::SignerIdentityType::kCertHash;
    signer_.hash.fill(static_cast<std::byte>(tag));
    signer_.hash[0] = static_cast<std::byte>(tag >> 8U);
  }
  [[nodiscard]] wire::reload::SigningIdentity identity() const {
    return {.scheme = wire::reload::SignatureScheme::kEd25519,
            .signer = signer_,
            .certificates = {},
            .sign = [this](std::span<const std::byte> bytes) { return key_->sign(bytes); }};
  }
  [[nodiscard]] wire::shm::SignerRecord record() const {
    wire::shm::SignerRecord record;
    record.key = signer_;
    record.expires_unix_s = ~std::uint64_t{0};
    record.algorithm = wire::shm::SignatureAlgorithm::kEd25519;
    const std::vector<std::byte> spki = key_->public_spki();
    record.public_key_length = static_cast<std::uint16_t>(spki.size());
    std::memcpy(record.public_key.data(), spki.data(), spki.size());
    return record;
  }

 private:
  std::unique_ptr<crypto::SigningKey> key_;
  wire::reload::SignerKey signer_;
};

}  // namespace tests::dataplane
