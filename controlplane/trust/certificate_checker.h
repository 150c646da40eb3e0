// SPDX-License-Identifier: Apache-2.0
// Decides whether a certificate may speak for a node of this overlay
// (RFC 6940 sections 6.3.4, 7.1, 11.3 and 13.3; requirements E-10, E-18 to E-21, E-26).

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/self_signed.h"

namespace controlplane::trust {

enum class Refusal : std::uint8_t {
  kNone,
#define REFUSAL(name, text, sentence) k##name,
#include "controlplane/trust/refusal.def"
#undef REFUSAL
};
[[nodiscard]] const char* refusal_name(Refusal refusal) noexcept;      ///< "expired"; "none"
[[nodiscard]] const char* refusal_sentence(Refusal refusal) noexcept;  ///< for the operator

/// What a check found.
struct Checked {
  Refusal refusal = Refusal::kNone;
  std::string detail;            ///< more than the sentence knows, or empty
  wire::reload::NodeId node_id;  ///< whom the certificate speaks for; set when not refused
  std::optional<Certificate> certificate;  ///< set unless garbage

  [[nodiscard]] bool accepted() const noexcept { return refusal == Refusal::kNone; }
};

/// Immutable once made. One check costs a chain of signature checks, some 100 us; run it off the
/// packet path. Asks no clock: the caller says what time it is.
class CertificateChecker {
 public:
  using Der = std::span<const std::byte>;

  /// @param roots    PEM texts of the overlay's root-cert elements; each may hold several
  /// @param overlay  the overlay's name, as Node-ID URIs must have it
  /// @param self_signed  how Node-IDs of self-signed certificates follow from their keys, if any
  /// are
  ///                     taken; then there may be no roots
  /// nullptr with @p why when there is no root or one cannot be read.
  [[nodiscard]] static std::unique_ptr<CertificateChecker> make(
      std::span<const std::string> roots, std::string overlay, std::string& why,
      SelfSigned self_signed = SelfSigned::kRefused);
  ~CertificateChecker();
  CertificateChecker(const CertificateChecker&) = delete;
  CertificateChecker& operator=(const CertificateChecker&) = delete;

  /// May messages with SignerIdentity @p signer be verified with this certificate's key?
  /// @param others  what else lay in the message's certificate bucket: possible intermediates
  [[nodiscard]] Checked check_signer(Der certificate, const wire::reload::SignerKey& signer,
                                     std::int64_t now_unix_s,
                                     std::span<const Der> others = {}) const;
  /// May the holder of this certificate speak as @p node_id?
  [[nodiscard]] Checked check_node(Der certificate, const wire::reload::NodeId& node_id,
                                   std::int64_t now_unix_s, std::span<const Der> others = {}) const;

 private:
  struct Roots;
  CertificateChecker(std::unique_ptr<Roots> roots, std::string overlay, SelfSigned self_signed);
  [[nodiscard]] Refusal check_names(const Certificate& certificate, std::string& detail) const;
  [[nodiscard]] Refusal check_chain(const Certificate& certificate, std::int64_t now_unix_s,
                                    std::span<const Der> others, std::string& detail) const;
  [[nodiscard]] Refusal check_self_signed(const Certificate& certificate, std::int64_t now_unix_s,
                                          std::string& detail) const;
  [[nodiscard]] Checked check(Der certificate, std::int64_t now_unix_s,
                              std::span<const Der> others) const;

  std::unique_ptr<Roots> roots_;
  std::string overlay_;
  SelfSigned self_signed_;
};

}  // namespace controlplane::trust
