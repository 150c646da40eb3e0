// SPDX-License-Identifier: Apache-2.0

#include "controlplane/trust/signer_directory.h"

#include <array>
#include <string_view>
#include <utility>

#include "crypto/kernels/select.h"

namespace controlplane::trust {

using overlay::Note;
using overlay::Now;
using overlay::Outputs;
using overlay::ParsedMessage;
using wire::shm::Command;
using wire::shm::CommandKind;
using wire::shm::SignerRecord;

namespace {

Command upsert(const SignerRecord& record) {
  Command command;
  command.kind = CommandKind::kUpsertSigner;
  command.signer = record;
  return command;
}

bool scheme_fits(wire::reload::SignatureScheme scheme, wire::shm::SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case wire::shm::SignatureAlgorithm::kRsaPkcs1Sha256:
      return scheme == wire::reload::SignatureScheme::kRsaPkcs1Sha256;
    case wire::shm::SignatureAlgorithm::kEcdsaP256Sha256:
      return scheme == wire::reload::SignatureScheme::kEcdsaP256Sha256;
    case wire::shm::SignatureAlgorithm::kEd25519:
      return scheme == wire::reload::SignatureScheme::kEd25519;
  }
  return false;
}

}  // namespace

std::size_t SignerDirectory::KeyHash::operator()(
    const wire::reload::SignerKey& key) const noexcept {
  const std::string_view bytes(reinterpret_cast<const char*>(key.hash.data()), key.hash.size());
  return std::hash<std::string_view>{}(bytes) ^ static_cast<std::size_t>(key.type);
}

SignerDirectory::SignerDirectory(JudgeSigner judge, std::size_t capacity,
                                 overlay::NodeCounters& counters)
    : judge_(std::move(judge)), capacity_(capacity), counters_(counters) {}

void SignerDirectory::add_configured(const SignerRecord& record) {
  if (by_key_.contains(record.key)) return;
  signers_.push_front({record, {}, true, 0, nullptr});
  by_key_.emplace(record.key, signers_.begin());
}

Signer* SignerDirectory::resolve(const Now& now, const ParsedMessage& message, Outputs& out) {
  const wire::reload::SignerKey& key = message.security.signature.signer;
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    signers_.splice(signers_.begin(), signers_, found->second);
    return &signers_.front();
  }
  Judgement judgement = judge_(message.security.certificates, key, now.unix_s());
  if (judgement.verdict == Judgement::Verdict::kAbsent) {
    ++counters_.signers_absent;
    return nullptr;
  }
  make_room(out);
  Signer signer;
  signer.since_ns = now.ns;
  if (judgement.verdict == Judgement::Verdict::kAccepted) {
    ++counters_.signers_accepted;
    signer.record = judgement.signer;
    if (is_banned_ && is_banned_(signer.record.node_id)) refuse_banned(now, signer);
  } else {
    ++counters_.signers_refused;
    signer.record.refused = wire::shm::kRefusedCertificate;
    ++refused_;
    signer.why = std::move(judgement.why);
    out.notes.push_back({Note::Level::kWarning, "signer refused: " + signer.why});
  }
  signer.record.key = key;
  out.commands.push_back(upsert(signer.record));
  signers_.push_front(std::move(signer));
  by_key_.emplace(key, signers_.begin());
  return &signers_.front();
}

void SignerDirectory::refuse_banned(const Now& now, Signer& signer) {
  signer.record.refused = wire::shm::kRefusedBadNode;
  signer.since_ns = now.ns;
  signer.why = "a bad node of the configuration";
  signer.key.reset();
  ++refused_;
}

void SignerDirectory::judge_again(const Now& now, Outputs& out) {
  if (!is_banned_) return;
  for (auto signer = signers_.begin(); signer != signers_.end();) {
    const auto next = std::next(signer);
    const bool is_banned = is_banned_(signer->record.node_id);
    if (is_banned && signer->record.refused == 0) {
      refuse_banned(now, *signer);
      out.commands.push_back(upsert(signer->record));
    } else if (!is_banned && signer->record.refused == wire::shm::kRefusedBadNode) {
      forget(signer, out);  // its next message brings the certificate
    }
    signer = next;
  }
}

bool SignerDirectory::verify(Signer& signer, const ParsedMessage& message) {
  if (signer.record.refused != 0 ||
      !scheme_fits(message.security.signature.scheme, signer.record.algorithm)) {
    return false;
  }
  if (!signer.key) {
    std::string why;
    signer.key = crypto::PublicKey::from_spki(
        std::span(signer.record.public_key).first(signer.record.public_key_length), why);
    if (!signer.key) return false;
  }
  const std::array<crypto::VerifyJob, 1> job{{{
      wire::reload::signed_parts(message.message, message.contents.encoded,
                                 message.security.signature.identity),
      signer.key.get(),
      message.security.signature.value,
  }}};
  std::array<crypto::Verdict, 1> verdict{crypto::Verdict::kBadSignature};
  if (!verifier_) verifier_.emplace(crypto::best_kernel());
  verifier_->verify(job, verdict);
  return verdict[0] == crypto::Verdict::kValid;
}

void SignerDirectory::forget(Signers::iterator signer, Outputs& out) {
  Command command;
  command.kind = CommandKind::kRemoveSigner;
  command.signer.key = signer->record.key;
  out.commands.push_back(command);
  if (signer->record.refused != 0) --refused_;
  by_key_.erase(signer->record.key);
  signers_.erase(signer);
}

void SignerDirectory::make_room(Outputs& out) {
  if (signers_.size() < capacity_) return;
  for (auto oldest = signers_.end(); oldest != signers_.begin();) {
    --oldest;
    if (!oldest->configured) {
      forget(oldest, out);
      return;
    }
  }
}

void SignerDirectory::expire(const Now& now, Outputs& out) {
  if (refused_ == 0) return;
  for (auto signer = signers_.begin(); signer != signers_.end();) {
    const auto next = std::next(signer);
    if (signer->record.refused != 0 && now.ns - signer->since_ns >= kRefusalNs) {
      forget(signer, out);
    }
    signer = next;
  }
}

}  // namespace controlplane::trust
