// SPDX-License-Identifier: Apache-2.0

#include "controlplane/trust/judge.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace controlplane::trust {

using Der = CertificateChecker::Der;
using wire::reload::SignerKey;

namespace {

/// Certificates looked at in one message; a chain is never longer.
constexpr std::size_t kMaxCertificates = 8;

std::vector<Der> unpack(std::span<const std::byte> bucket) {
  std::vector<Der> certificates;
  while (!bucket.empty() && certificates.size() < kMaxCertificates) {
    Der der;
    std::span<const std::byte> rest;
    if (!wire::reload::read_certificate(bucket, der, rest).ok()) break;
    certificates.push_back(der);
    bucket = rest;
  }
  return certificates;
}

/// Bytes that are no certificate can still be what a cert_hash names.
bool hash_is(Der der, const SignerKey& key) {
  std::array<unsigned char, wire::reload::kCertificateHashBytes> hash{};
  unsigned int length = 0;
  return key.type == wire::reload::SignerIdentityType::kCertHash &&
         EVP_Digest(der.data(), der.size(), hash.data(), &length, EVP_sha256(), nullptr) == 1 &&
         std::equal(hash.begin(), hash.end(), key.hash.begin(),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

wire::shm::SignatureAlgorithm to_shared(crypto::Algorithm algorithm) {
  switch (algorithm) {
    case crypto::Algorithm::kRsaPkcs1Sha256:
      return wire::shm::SignatureAlgorithm::kRsaPkcs1Sha256;
    case crypto::Algorithm::kEcdsaP256Sha256:
      return wire::shm::SignatureAlgorithm::kEcdsaP256Sha256;
    case crypto::Algorithm::kEd25519:
      break;
  }
  return wire::shm::SignatureAlgorithm::kEd25519;
}

}  // namespace

wire::shm::SignerRecord signer_record(const Certificate& certificate, const SignerKey& key,
                                      const wire::reload::NodeId& node_id) {
  wire::shm::SignerRecord record;
  record.key = key;
  record.node_id = node_id;
  record.expires_unix_s =
      static_cast<std::uint64_t>(std::max<std::int64_t>(certificate.not_after_unix_s, 0));
  record.algorithm = to_shared(*certificate.algorithm);
  record.public_key_length = static_cast<std::uint16_t>(certificate.spki.size());
  std::copy(certificate.spki.begin(), certificate.spki.end(), record.public_key.begin());
  return record;
}

JudgeSigner judge_with(std::shared_ptr<const CertificateChecker> checker) {
  return [checker = std::move(checker)](std::span<const std::byte> bucket, const SignerKey& key,
                                        std::uint64_t unix_s) {
    Judgement judgement;
    const std::vector<Der> certificates = unpack(bucket);
    for (const Der der : certificates) {
      Checked checked =
          checker->check_signer(der, key, static_cast<std::int64_t>(unix_s), certificates);
      const bool is_signers =
          checked.certificate ? checked.certificate->node_of(key).has_value() : hash_is(der, key);
      if (!is_signers) continue;
      if (checked.accepted() && checked.certificate->spki.size() <= wire::shm::kMaxPublicKeyBytes) {
        judgement.verdict = Judgement::Verdict::kAccepted;
        judgement.signer = signer_record(*checked.certificate, key, checked.node_id);
        return judgement;
      }
      judgement.verdict = Judgement::Verdict::kRefused;
      judgement.why = refusal_name(checked.refusal);
      if (!checked.detail.empty()) judgement.why += ": " + checked.detail;
    }
    return judgement;
  };
}

}  // namespace controlplane::trust
