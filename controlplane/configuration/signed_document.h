// SPDX-License-Identifier: Apache-2.0
// Whether a configuration document may replace the one in force
// (RFC 6940 sections 6.5.4.2 and 11.1; requirements J-10, J-11, J-16, B-46, B-47, G-36 to G-38).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/parse.h"
#include "controlplane/configuration/signature.h"

namespace controlplane::configuration {

/// A required Kind that no current kind-signer answers for. It is not part of what was accepted.
struct RefusedKind {
  KindBlock block;
  Fault fault;
};

/// What came of a document.
struct Judgement {
  Fault fault;  ///< why it was refused
  // Set when accepted:
  ConfigurationElement element;                ///< required_kinds are those that were accepted
  std::optional<wire::reload::NodeId> signer;  ///< unset: taken on its channel's word
  std::int64_t signer_expires_unix_s = 0;      ///< of the signer's certificate
  std::vector<RefusedKind> refused_kinds;

  [[nodiscard]] bool accepted() const noexcept { return fault.ok(); }
};

struct JudgeOptions {
  /// Certificates at hand besides those in the document, DER.
  std::vector<std::vector<std::byte>> known_certificates{};
  SignedInput input = SignedInput::kElementAndIdentity;
};

/// Judges @p file as successor of @p current, which is in force: it must be of the same overlay,
/// have a newer sequence, not be expired, and be signed by a configuration-signer of @p current
/// whose certificate chains to a root of @p current. Nothing @p file says of itself counts.
/// Cheapest check first; a file of the RFC's default size costs some 100 us.
[[nodiscard]] Judgement judge_update(const OverlayConfiguration& current, std::string_view file,
                                     std::int64_t now_unix_s, const JudgeOptions& options = {});

/// Why a first document may be believed.
struct FirstTrust {
  /// It came over HTTPS from the configuration server, or from the operator's own hands: the
  /// channel answers for it, and a signature is not asked for.
  bool by_channel = false;
  /// PEM texts. Without by_channel it must be signed by one of its own configuration-signers, whose
  /// certificate chains to one of these; roots in the document do not count.
  std::vector<std::string> roots{};
  /// The newest sequence this node ever accepted, kept across restarts: older ones are refused,
  /// whoever brings them.
  std::optional<std::uint16_t> newest_seen{};
};

/// Judges @p file as first document of @p overlay.
[[nodiscard]] Judgement judge_first(std::string_view overlay, std::string_view file,
                                    std::int64_t now_unix_s, const FirstTrust& trust,
                                    const JudgeOptions& options = {});

/// A Kind that a ConfigUpdate of type kind brought.
struct KindJudgement {
  Fault fault;
  KindBlock block;
  wire::reload::NodeId signer;  ///< set without a fault
};
/// Judges one kind-block: a kind-signer of @p current has signed it, and if a Kind of the same
/// number or name is there already, it is from the same signer (G-38).
[[nodiscard]] KindJudgement judge_kind(const OverlayConfiguration& current, const KindBlock& block,
                                       std::int64_t now_unix_s, const JudgeOptions& options = {});

/// Whether a ConfigUpdate can carry a file of so many bytes to nodes of this configuration (G-41).
/// The rest of max-message-size is for headers, lists and the message's own signature.
[[nodiscard]] bool fits_config_update(const OverlayConfiguration& configuration,
                                      std::size_t file_bytes) noexcept;

}  // namespace controlplane::configuration
