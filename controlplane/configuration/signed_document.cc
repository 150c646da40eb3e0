// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/signed_document.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "controlplane/configuration/date_time.h"
#include "controlplane/overlay/configuration_sequence.h"

namespace controlplane::configuration {
namespace {

using overlay::compare_sequence;
using overlay::SequenceOrder;

/// Header, lists of a long route, extensions, SecurityBlock with a certificate.
constexpr std::size_t kMessageOverheadBytes = 2048;

Fault fault(Refusal refusal, std::string why = {}, std::uint32_t line = 0) {
  return {refusal, {line, "", std::move(why)}};
}

/// Parses and picks the overlay's configuration; checks what needs no signature.
Fault take(std::string_view overlay, std::string_view file, std::int64_t now_unix_s,
           ConfigurationElement& out) {
  Document document = parse_document(file);
  if (!document.fault.ok()) return document.fault;
  const ConfigurationElement* found = document.find(overlay);
  if (found == nullptr) {
    return fault(Refusal::kOtherOverlay,
                 "the file does not configure " + std::string(overlay) + " but " +
                     document.configurations.front().configuration.instance_name +
                     (document.configurations.size() > 1 ? " and others" : ""));
  }
  const OverlayConfiguration& configuration = found->configuration;
  if (!configuration.sequence) return fault(Refusal::kNoSequence, "", found->line);
  if (!configuration.expiration_unix_s) return fault(Refusal::kNoExpiration, "", found->line);
  if (*configuration.expiration_unix_s <= now_unix_s) {
    return fault(Refusal::kExpired,
                 "it expired at " + to_date_time(*configuration.expiration_unix_s), found->line);
  }
  out = *found;
  return {};
}

/// The first signature that holds and is of one of @p allowed decides; without one, the first
/// fault.
Fault check_signatures(const ConfigurationElement& element, const SignerTrust& trust,
                       const OverlayConfiguration& authority, std::int64_t now_unix_s,
                       const JudgeOptions& options, Judgement& out) {
  constexpr std::size_t kMaxSignatures = 8;
  Fault first = fault(Refusal::kUnsigned, "", element.line);
  for (std::size_t i = 0; i < std::min(element.signatures.size(), kMaxSignatures); ++i) {
    const SignatureElement& signature = element.signatures[i];
    SignerTrust::Signer signer = trust.check(element.signed_bytes, signature.security_block,
                                             now_unix_s, options.known_certificates, options.input);
    if (signer.fault.ok() && !authority.may_sign_configurations(signer.node_id)) {
      signer.fault = fault(Refusal::kNotASigner);
    }
    if (signer.fault.ok()) {
      out.signer = signer.node_id;
      out.signer_expires_unix_s = signer.certificate_expires_unix_s;
      return {};
    }
    signer.fault.where.line = signature.line;
    if (i == 0) first = std::move(signer.fault);
  }
  return first;
}

KindJudgement check_kind(const OverlayConfiguration& current, const SignerTrust* trust,
                         const std::string& no_trust, const KindBlock& block,
                         std::int64_t now_unix_s, const JudgeOptions& options) {
  KindJudgement judgement;
  judgement.block = block;
  if (block.signature.empty()) {
    judgement.fault = fault(Refusal::kUnsigned, "", block.line);
    return judgement;
  }
  if (trust == nullptr) {
    judgement.fault = fault(Refusal::kCertificate, no_trust, block.line);
    return judgement;
  }
  const SignerTrust::Signer signer = trust->check(block.signed_bytes, block.signature, now_unix_s,
                                                  options.known_certificates, options.input);
  judgement.fault = signer.fault;
  judgement.signer = signer.node_id;
  if (signer.fault.ok() && !current.may_sign_kinds(signer.node_id)) {
    judgement.fault = fault(Refusal::kNotASigner);
  }
  judgement.fault.where.line = block.line;
  return judgement;
}

/// J-11, of the Kinds a document brings itself: its own kind-signers answer for them.
void sort_out_kinds(const SignerTrust* trust, const std::string& no_trust, std::int64_t now_unix_s,
                    const JudgeOptions& options, Judgement& out) {
  OverlayConfiguration& configuration = out.element.configuration;
  std::vector<KindBlock> kinds = std::exchange(configuration.required_kinds, {});
  for (KindBlock& block : kinds) {
    KindJudgement judged = check_kind(configuration, trust, no_trust, block, now_unix_s, options);
    if (judged.fault.ok()) {
      configuration.required_kinds.push_back(std::move(block));
    } else {
      out.refused_kinds.push_back({std::move(block), std::move(judged.fault)});
    }
  }
}

void warn_of_size(std::string_view file, Judgement& out) {
  const OverlayConfiguration& configuration = out.element.configuration;
  if (fits_config_update(configuration, file.size())) return;
  out.element.warnings.push_back({0, "max-message-size",
                                  "of " + std::to_string(configuration.max_message_size) +
                                      " leaves a ConfigUpdate no room for "
                                      "this file of " +
                                      std::to_string(file.size()) + " bytes"});
}

}  // namespace

Judgement judge_update(const OverlayConfiguration& current, std::string_view file,
                       std::int64_t now_unix_s, const JudgeOptions& options) {
  Judgement out;
  out.fault = take(current.instance_name, file, now_unix_s, out.element);
  if (!out.accepted()) return out;
  const std::uint16_t sequence = *out.element.configuration.sequence;
  if (current.sequence && compare_sequence(sequence, *current.sequence) != SequenceOrder::kNewer) {
    out.fault = fault(Refusal::kNotNewer,
                      "sequence " + std::to_string(sequence) + " does not follow " +
                          std::to_string(*current.sequence),
                      out.element.line);
    return out;
  }
  std::string why;
  const auto trust = SignerTrust::of(current, {}, why);
  out.fault = trust == nullptr
                  ? fault(Refusal::kCertificate, "of the configuration in force: " + why)
                  : check_signatures(out.element, *trust, current, now_unix_s, options, out);
  if (!out.accepted()) return out;
  const auto own_trust = SignerTrust::of(out.element.configuration, {}, why);
  sort_out_kinds(own_trust.get(), why, now_unix_s, options, out);
  warn_of_size(file, out);
  return out;
}

Judgement judge_first(std::string_view overlay, std::string_view file, std::int64_t now_unix_s,
                      const FirstTrust& trust, const JudgeOptions& options) {
  Judgement out;
  out.fault = take(overlay, file, now_unix_s, out.element);
  if (!out.accepted()) return out;
  const OverlayConfiguration& configuration = out.element.configuration;
  if (trust.newest_seen &&
      compare_sequence(*configuration.sequence, *trust.newest_seen) == SequenceOrder::kOlder) {
    out.fault = fault(Refusal::kNotNewer,
                      "sequence " + std::to_string(*configuration.sequence) + " is older than " +
                          std::to_string(*trust.newest_seen) + ", which this node had",
                      out.element.line);
    return out;
  }
  std::string why;
  if (!trust.by_channel) {
    OverlayConfiguration given = configuration;
    given.root_certs.clear();
    const auto signers = SignerTrust::of(given, trust.roots, why);
    out.fault = signers == nullptr ? fault(Refusal::kCertificate, why)
                                   : check_signatures(out.element, *signers, configuration,
                                                      now_unix_s, options, out);
    if (!out.accepted()) return out;
  }
  const auto own_trust = SignerTrust::of(configuration, {}, why);
  sort_out_kinds(own_trust.get(), why, now_unix_s, options, out);
  warn_of_size(file, out);
  return out;
}

KindJudgement judge_kind(const OverlayConfiguration& current, const KindBlock& block,
                         std::int64_t now_unix_s, const JudgeOptions& options) {
  std::string why;
  const auto trust = SignerTrust::of(current, {}, why);
  KindJudgement judgement = check_kind(current, trust.get(), why, block, now_unix_s, options);
  if (!judgement.fault.ok()) return judgement;
  for (const KindBlock& known : current.required_kinds) {
    if (known.kind.id != block.kind.id || (!block.kind.id && known.kind.name != block.kind.name)) {
      continue;
    }
    const KindJudgement of_known =
        check_kind(current, trust.get(), why, known, now_unix_s, options);
    if (of_known.fault.ok() && of_known.signer == judgement.signer) continue;
    judgement.fault = fault(Refusal::kOtherKindSigner, "", block.line);
  }
  return judgement;
}

bool fits_config_update(const OverlayConfiguration& configuration,
                        std::size_t file_bytes) noexcept {
  return file_bytes + kMessageOverheadBytes <= configuration.max_message_size;
}

}  // namespace controlplane::configuration
