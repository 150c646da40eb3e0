// SPDX-License-Identifier: Apache-2.0

#include "tests/simulation/identities.h"

#include <algorithm>
#include <limits>

#include "wire/reload/security_block.h"

namespace tests::simulation {

using controlplane::trust::Judgement;
using wire::reload::Bytes;
using wire::reload::NodeId;

namespace {

/// Stands for a certificate's hash: the Node-ID, then zeros.
wire::reload::SignerKey key_of(const NodeId& id) {
  wire::reload::SignerKey key;
  key.type = wire::reload::SignerIdentityType::kCertHash;
  std::copy(id.bytes.begin(), id.bytes.end(), key.hash.begin());
  return key;
}

}  // namespace

controlplane::overlay::SigningName identity_of(const NodeId& id) {
  controlplane::overlay::SigningName name;
  name.name = "simulated";
  name.node_id = id;
  name.identity.scheme = wire::reload::SignatureScheme::kEd25519;
  name.identity.signer = key_of(id);
  name.identity.certificates = {Bytes(id.bytes.begin(), id.bytes.end())};
  name.identity.sign = [](std::span<const std::byte>) { return Bytes(64); };
  return name;
}

controlplane::trust::JudgeSigner believing_judge() {
  return [](std::span<const std::byte> certificates, const wire::reload::SignerKey& key,
            std::uint64_t) {
    Judgement judgement;
    const NodeId id = NodeId::from(std::span(key.hash).first<wire::reload::kNodeIdBytes>());
    if (certificates.empty() || !(key_of(id) == key)) return judgement;
    judgement.verdict = Judgement::Verdict::kAccepted;
    judgement.signer.key = key;
    judgement.signer.node_id = id;
    judgement.signer.expires_unix_s = std::numeric_limits<std::uint64_t>::max();
    return judgement;
  };
}

}  // namespace tests::simulation
