// SPDX-License-Identifier: Apache-2.0
#include "controlplane/trust/certificate_checker.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace controlplane::trust {
namespace {

using wire::reload::NodeId;
using wire::reload::SignerKey;

// Longer chains are no overlay's; without a bound a bucket full of certificates costs a signature
// check each.
constexpr int kMaxIntermediates = 3;
// OpenSSL's scale: 112 bits of security, so no SHA-1 signatures and no RSA below 2048 bits.
constexpr int kSecurityLevel = 2;

bool same_overlay(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// RFC 5280 section 4.2.1.9: whoever signs certificates says so in BasicConstraints. OpenSSL would
/// let an old root without the extension pass.
bool are_authorities(const STACK_OF(X509) * chain) {
  for (int depth = 1; depth < sk_X509_num(chain); ++depth) {
    X509* above = sk_X509_value(chain, depth);
    if ((X509_get_extension_flags(above) & EXFLAG_BCONS) == 0 || X509_check_ca(above) != 1) {
      return false;
    }
  }
  return true;
}

Refusal refusal_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Refusal::kNotYetValid;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Refusal::kExpired;
    default:
      return Refusal::kOtherAuthority;
  }
}

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), StackFree>;

X509Stack read_others(std::span<const CertificateChecker::Der> others) {
  X509Stack stack(sk_X509_new_null());
  for (const auto& der : others) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    if (der.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) continue;
    X509* x509 = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
    if (x509 != nullptr && sk_X509_push(stack.get(), x509) == 0) X509_free(x509);
  }
  return stack;
}

}  // namespace

struct CertificateChecker::Roots {
  X509_STORE* store = X509_STORE_new();
  Roots() = default;
  ~Roots() { X509_STORE_free(store); }
  Roots(const Roots&) = delete;
  Roots& operator=(const Roots&) = delete;

  /// How many certificates @p pem added; -1 when one cannot be read.
  int add(const std::string& pem) const {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    int added = 0;
    while (X509* x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
      const bool stored = X509_STORE_add_cert(store, x509) == 1;
      X509_free(x509);
      if (!stored) break;
      ++added;
    }
    const unsigned long error = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    return at_end ? added : -1;
  }
};

const char* refusal_name(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
#define REFUSAL(name, text, sentence) \
  case Refusal::k##name:              \
    return text;
#include "controlplane/trust/refusal.def"
#undef REFUSAL
  }
  return "unknown";
}

const char* refusal_sentence(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "the certificate is accepted";
#define REFUSAL(name, text, sentence) \
  case Refusal::k##name:              \
    return sentence;
#include "controlplane/trust/refusal.def"
#undef REFUSAL
  }
  return "unknown";
}

CertificateChecker::CertificateChecker(std::unique_ptr<Roots> roots, std::string overlay,
                                       SelfSigned self_signed)
    : roots_(std::move(roots)), overlay_(std::move(overlay)), self_signed_(self_signed) {}
CertificateChecker::~CertificateChecker() = default;

std::unique_ptr<CertificateChecker> CertificateChecker::make(std::span<const std::string> roots,
                                                             std::string overlay, std::string& why,
                                                             SelfSigned self_signed) {
  why.clear();
  auto store = std::make_unique<Roots>();
  int added = 0;
  ERR_set_mark();
  for (const std::string& pem : roots) {
    const int more = store->add(pem);
    if (more <= 0) {
      why = more == 0 ? "a root certificate file holds no certificate in PEM"
                      : "a root certificate cannot be read";
      break;
    }
    added += more;
  }
  ERR_pop_to_mark();
  if (!why.empty()) return nullptr;
  if (added == 0 && self_signed == SelfSigned::kRefused) {
    why = "no root certificate is configured";
    return nullptr;
  }
  return std::unique_ptr<CertificateChecker>(
      new CertificateChecker(std::move(store), std::move(overlay), self_signed));
}

Refusal CertificateChecker::check_names(const Certificate& certificate, std::string& detail) const {
  if (!certificate.malformed.empty()) {
    detail = certificate.malformed.front();
    return Refusal::kMalformedNodeUri;
  }
  if (certificate.nodes.empty()) return Refusal::kNoNodeId;
  for (const NodeUri& node : certificate.nodes) {
    if (same_overlay(node.overlay, overlay_)) continue;
    detail = node.overlay;
    return Refusal::kWrongOverlay;
  }
  if (certificate.other_identities || certificate.user_names.size() != 1) {
    return Refusal::kOtherIdentities;
  }
  if (!certificate.algorithm) {
    detail = certificate.unsupported_key;
    return Refusal::kUnsupportedKey;
  }
  if ((X509_get_key_usage(certificate.x509.get()) & KU_DIGITAL_SIGNATURE) == 0) {
    return Refusal::kNotForSigning;  // without the extension every use is allowed
  }
  return Refusal::kNone;
}

Refusal CertificateChecker::check_chain(const Certificate& certificate, std::int64_t now_unix_s,
                                        std::span<const Der> others, std::string& detail) const {
  const X509Stack untrusted = read_others(others);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  Refusal refusal = Refusal::kOtherAuthority;
  if (context != nullptr &&
      X509_STORE_CTX_init(context, roots_->store, certificate.x509.get(), untrusted.get()) == 1) {
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(now_unix_s));
    X509_VERIFY_PARAM_set_depth(parameters, kMaxIntermediates);
    X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
    if (X509_verify_cert(context) == 1) {
      const bool authorities = are_authorities(X509_STORE_CTX_get0_chain(context));
      refusal = authorities ? Refusal::kNone : Refusal::kOtherAuthority;
      if (!authorities) detail = "a certificate above it is no authority (BasicConstraints)";
    } else {
      const int error = X509_STORE_CTX_get_error(context);
      refusal = refusal_of(error);
      detail = X509_verify_cert_error_string(error);
    }
  }
  X509_STORE_CTX_free(context);
  return refusal;
}

/// It vouches for nobody but itself, so what counts is that nobody else could have this Node-ID.
Refusal CertificateChecker::check_self_signed(const Certificate& certificate,
                                              std::int64_t now_unix_s, std::string& detail) const {
  X509* const x509 = certificate.x509.get();
  if (X509_NAME_cmp(X509_get_issuer_name(x509), X509_get_subject_name(x509)) != 0 ||
      X509_verify(x509, X509_get0_pubkey(x509)) != 1) {
    return Refusal::kOtherAuthority;
  }
  detail.clear();
  if (certificate.nodes.size() != 1 ||
      certificate.nodes.front().node_id != self_signed_node_id(self_signed_, certificate.spki)) {
    return Refusal::kNotTheKeysNodeId;
  }
  if (now_unix_s < certificate.not_before_unix_s) return Refusal::kNotYetValid;
  if (now_unix_s > certificate.not_after_unix_s) return Refusal::kExpired;
  return Refusal::kNone;
}

Checked CertificateChecker::check(Der certificate, std::int64_t now_unix_s,
                                  std::span<const Der> others) const {
  Checked checked;
  checked.certificate = Certificate::from_der(certificate, checked.detail);
  if (!checked.certificate) {
    checked.refusal = Refusal::kGarbage;
    return checked;
  }
  ERR_set_mark();
  checked.refusal = check_names(*checked.certificate, checked.detail);
  if (checked.accepted()) {
    checked.refusal = check_chain(*checked.certificate, now_unix_s, others, checked.detail);
  }
  if (checked.refusal == Refusal::kOtherAuthority && self_signed_ != SelfSigned::kRefused) {
    checked.refusal = check_self_signed(*checked.certificate, now_unix_s, checked.detail);
  }
  ERR_pop_to_mark();
  return checked;
}

Checked CertificateChecker::check_signer(Der certificate, const SignerKey& signer,
                                         std::int64_t now_unix_s,
                                         std::span<const Der> others) const {
  Checked checked = check(certificate, now_unix_s, others);
  if (!checked.accepted()) return checked;
  if (const auto node_id = checked.certificate->node_of(signer)) {
    checked.node_id = *node_id;
  } else {
    checked.refusal = Refusal::kWrongNodeId;
  }
  return checked;
}

Checked CertificateChecker::check_node(Der certificate, const NodeId& node_id,
                                       std::int64_t now_unix_s, std::span<const Der> others) const {
  Checked checked = check(certificate, now_unix_s, others);
  if (!checked.accepted()) return checked;
  if (checked.certificate->signer_key(node_id)) {
    checked.node_id = node_id;
  } else {
    checked.refusal = Refusal::kWrongNodeId;
  }
  return checked;
}

}  // namespace controlplane::trust
