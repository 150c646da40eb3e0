// SPDX-License-Identifier: Apache-2.0
// How this node authenticates on its links, and what it accepts from others: one OpenSSL context
// for all of them (RFC 6940 sections 13.4 and 13.6; requirements C-31, C-32, C-38, X-32).
//
// DTLS 1.2 (TLS 1.2 and 1.3 on streams); ECDHE on X25519 and P-256 with AES-128-GCM, AES-256-GCM or
// ChaCha20-Poly1305; certificates in both directions always; extended master secret (RFC 7627). No
// renegotiation, compression, session tickets or session cache.
//
// With a shared secret the suite is ECDHE_PSK with ChaCha20-Poly1305 (RFC 5489, RFC 7905) and no
// other. TLS 1.2 has no suite that combines a secret with certificates of both ends, so such a link
// proves membership in the overlay and no Node-ID. Certificates stay what speaks for Node-IDs: in
// the signature of every message (C-38, E-03).

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlplane/links/io.h"
#include "controlplane/trust/certificate_checker.h"
#include "crypto/signing_key.h"
#include "wire/dtls/aead.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace controlplane::links {

enum class Transport : std::uint8_t { kDatagram, kStream };

struct SharedSecret {
  std::string identity;  ///< 1 to 128 bytes of UTF-8 (RFC 4279 section 5.1), the same on all nodes
  Bytes key;             ///< 16 to 64 bytes, random: a password can be guessed from one handshake
};

struct ContextSettings {
  Transport transport = Transport::kDatagram;
  Bytes certificate;                              ///< DER; unused with a shared secret
  std::vector<Bytes> intermediates;               ///< DER, sent behind it
  std::shared_ptr<const crypto::SigningKey> key;  ///< the certificate's
  std::shared_ptr<const trust::CertificateChecker> checker;
  /// True for Node-IDs that may not have links although their certificate is good. May be empty.
  std::function<bool(const wire::reload::NodeId&)> is_barred;
  std::vector<wire::dtls::Aead> aeads = {wire::dtls::Aead::kAes128Gcm, wire::dtls::Aead::kAes256Gcm,
                                         wire::dtls::Aead::kChaCha20Poly1305};  ///< best first
  std::optional<SharedSecret> shared_secret;
  bool key_log = false;  ///< give out secrets as NSS key log lines
};

/// What one connection asks of its peer, and what came of it. Outlives the SSL it is attached to.
struct PeerCheck {
  /// Who the peer may be; empty: whoever has a certificate.
  std::span<const wire::reload::NodeId> any_of;
  std::int64_t now_unix_s = 0;                  ///< kept current by who feeds the SSL
  std::vector<std::string>* key_log = nullptr;  ///< where key log lines go

  bool certificate_seen = false;                   ///< the next four are set
  trust::Refusal refusal = trust::Refusal::kNone;  ///< kNone and not barred: accepted
  bool barred = false;
  std::string detail;
  wire::reload::NodeId node_id;  ///< who it is, when accepted
  bool no_extended_master_secret = false;
  int alert_sent = kNoAlert;
  int alert_received = kNoAlert;

  [[nodiscard]] bool accepted() const noexcept {
    return certificate_seen && refusal == trust::Refusal::kNone && !barred;
  }
};

class SecureContext {
 public:
  /// nullptr with @p why when the settings are no good: key and certificate are no pair, no
  /// checker.
  [[nodiscard]] static std::unique_ptr<SecureContext> make(const ContextSettings& settings,
                                                           std::string& why);
  ~SecureContext();
  SecureContext(const SecureContext&) = delete;
  SecureContext& operator=(const SecureContext&) = delete;

  /// A new SSL in @p role whose peer is checked against @p check; nullptr without memory. The
  /// caller frees it, gives it BIOs and sets its MTU.
  [[nodiscard]] ssl_st* new_ssl(Role role, PeerCheck& check) const;
  [[nodiscard]] bool uses_certificates() const noexcept { return !settings_.shared_secret; }
  [[nodiscard]] const ContextSettings& settings() const noexcept { return settings_; }
  /// Why the handshake of @p ssl, which just failed, failed: from @p check and OpenSSL's error
  /// queue, which is emptied.
  [[nodiscard]] FailureReport explain(const PeerCheck& check) const;

 private:
  explicit SecureContext(const ContextSettings& settings);
  ContextSettings settings_;
  ssl_ctx_st* openssl_ = nullptr;
};

}  // namespace controlplane::links
