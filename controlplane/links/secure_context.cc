// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/secure_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"

namespace controlplane::links {
namespace {

using trust::CertificateChecker;
using trust::Refusal;
using wire::dtls::Aead;

constexpr int kSecurityLevel = 2;               // 112 bits, as trust/certificate_checker.cc
constexpr long kMaxCertificateBytes = 16384;    // of a peer's chain; ours have some 600 bytes each
constexpr unsigned kExtendedMasterSecret = 23;  // RFC 7627 section 5.1
constexpr std::size_t kMaxIdentityBytes = 128;
constexpr std::size_t kMinSecretBytes = 16;
constexpr std::size_t kMaxSecretBytes = 64;
constexpr char kGroups[] = "X25519:P-256";
constexpr char kSignatures[] = "ed25519:ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256";

int check_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
PeerCheck& check_of(const SSL* ssl) {
  return *static_cast<PeerCheck*>(SSL_get_ex_data(ssl, check_index()));
}
const ContextSettings& settings_of(const SSL* ssl) {
  return *static_cast<const ContextSettings*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

Bytes der_of(X509* x509) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(x509, &der);
  if (length <= 0) return {};
  const auto* from = reinterpret_cast<const std::byte*>(der);
  Bytes bytes(from, from + length);
  OPENSSL_free(der);
  return bytes;
}

/// The error whose alert tells the peer most nearly what was wrong (RFC 5246 section 7.2.2);
/// OpenSSL turns one into the other.
int error_of(const PeerCheck& check) {
  if (check.barred) return X509_V_ERR_CERT_REVOKED;  // certificate_revoked
  switch (check.refusal) {
    case Refusal::kNone:
      return X509_V_OK;
    case Refusal::kExpired:
      return X509_V_ERR_CERT_HAS_EXPIRED;  // certificate_expired
    case Refusal::kNotYetValid:
      return X509_V_ERR_CERT_NOT_YET_VALID;  // bad_certificate
    case Refusal::kOtherAuthority:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;  // unknown_ca
    case Refusal::kUnsupportedKey:
    case Refusal::kNotForSigning:
      return X509_V_ERR_INVALID_PURPOSE;  // unsupported_certificate
    case Refusal::kGarbage:
    case Refusal::kMalformedNodeUri:
    case Refusal::kNoNodeId:
    case Refusal::kWrongOverlay:
    case Refusal::kOtherIdentities:
    case Refusal::kNotTheKeysNodeId:
    case Refusal::kWrongNodeId:
      break;
  }
  return X509_V_ERR_CERT_REJECTED;  // bad_certificate
}

/// Which of the Node-IDs that may come is named by @p der, the first in it if any may. When none
/// is, any of them will do: the check then says what is wrong.
wire::reload::NodeId candidate(const Bytes& der, std::span<const wire::reload::NodeId> any_of) {
  if (any_of.size() == 1) return any_of.front();
  std::string why;
  if (const auto certificate = trust::Certificate::from_der(der, why)) {
    for (const trust::NodeUri& node : certificate->nodes) {
      if (any_of.empty() || std::ranges::find(any_of, node.node_id) != any_of.end()) {
        return node.node_id;
      }
    }
  }
  return any_of.empty() ? wire::reload::NodeId{} : any_of.front();
}

int verify_certificate(X509_STORE_CTX* store, void* argument) {
  const auto& settings = *static_cast<const ContextSettings*>(argument);
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  PeerCheck& check = check_of(ssl);
  X509* const leaf = X509_STORE_CTX_get0_cert(store);
  const Bytes der = der_of(leaf);
  std::vector<Bytes> others;
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    if (sk_X509_value(sent, i) != leaf) others.push_back(der_of(sk_X509_value(sent, i)));
  }
  const std::vector<CertificateChecker::Der> borrowed(others.begin(), others.end());

  const wire::reload::NodeId expected = candidate(der, check.any_of);
  const trust::Checked found =
      settings.checker->check_node(der, expected, check.now_unix_s, borrowed);
  check.certificate_seen = true;
  check.refusal = found.refusal;
  check.detail = found.detail;
  if (found.accepted()) {
    check.node_id = found.node_id;
    check.barred = settings.is_barred && settings.is_barred(found.node_id);
  }
  const int error = error_of(check);
  X509_STORE_CTX_set_error(store, error);
  return error == X509_V_OK ? 1 : 0;
}

/// Requires the extended master secret before anything else is done for the client. A client that
/// can also do TLS 1.3 is asked again when the version is known.
int read_client_hello(SSL* ssl, int* alert, void*) {
  const unsigned char* extension = nullptr;
  std::size_t length = 0;
  if (settings_of(ssl).transport == Transport::kStream ||
      SSL_client_hello_get0_ext(ssl, kExtendedMasterSecret, &extension, &length) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  check_of(ssl).no_extended_master_secret = true;
  *alert = SSL_AD_HANDSHAKE_FAILURE;
  return SSL_CLIENT_HELLO_ERROR;
}

void note_alert(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) == 0) return;
  PeerCheck& check = check_of(ssl);
  ((where & SSL_CB_READ) != 0 ? check.alert_received : check.alert_sent) = value & 0xff;
}

void note_key(const SSL* ssl, const char* line) {
  if (auto* log = check_of(ssl).key_log) log->emplace_back(line);
}

/// The cookie was checked before there was an SSL (handshakes.cc).
int accept_cookie(SSL*, const unsigned char*, unsigned) { return 1; }

unsigned tell_secret(SSL* ssl, const char*, char* identity, unsigned identity_room,
                     unsigned char* key, unsigned key_room) {
  const SharedSecret& secret = *settings_of(ssl).shared_secret;
  if (secret.identity.size() >= identity_room || secret.key.size() > key_room) return 0;
  std::memcpy(identity, secret.identity.c_str(), secret.identity.size() + 1);
  std::memcpy(key, secret.key.data(), secret.key.size());
  return static_cast<unsigned>(secret.key.size());
}

unsigned find_secret(SSL* ssl, const char* identity, unsigned char* key, unsigned key_room) {
  const SharedSecret& secret = *settings_of(ssl).shared_secret;
  if (identity == nullptr || secret.identity != identity || secret.key.size() > key_room) return 0;
  std::memcpy(key, secret.key.data(), secret.key.size());
  return static_cast<unsigned>(secret.key.size());
}

std::string suites_of(const ContextSettings& settings) {
  if (settings.shared_secret) return "ECDHE-PSK-CHACHA20-POLY1305";
  static constexpr const char* kSuites[] = {
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"};
  std::string list;
  for (const Aead aead : settings.aeads) {
    if (!list.empty()) list += ':';
    list += kSuites[static_cast<std::size_t>(aead)];
  }
  return list;
}

std::string suites13_of(const ContextSettings& settings) {
  static constexpr const char* kSuites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                            "TLS_CHACHA20_POLY1305_SHA256"};
  std::string list;
  for (const Aead aead : settings.aeads) {
    if (!list.empty()) list += ':';
    list += kSuites[static_cast<std::size_t>(aead)];
  }
  return list;
}

X509* read_x509(const Bytes& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return d2i_X509(nullptr, &at, static_cast<long>(der.size()));
}

/// OpenSSL 3.0 lets a server with an Ed25519 certificate use the ECDSA suites in TLS 1.2 (RFC 8422
/// section 5.1) but forgets DTLS 1.2, unless there is an ECDSA certificate, too. So it gets one
/// that nobody trusts. Ed25519 is preferred, so no peer that knows Ed25519 ever sees it.
bool add_ecdsa_stand_in(SSL_CTX* context) {
  static constexpr trust::Validity kAlways{0, 4'102'444'800};  // 1970 to 2099
  std::string why;
  const auto authority =
      trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "stand-in", kAlways, why);
  if (authority == nullptr) return false;
  const std::string pem = authority->issue(authority->key().public_spki(), {{}, {}, kAlways}, why);
  const auto certificate = trust::Certificate::from_pem(pem, why);
  return certificate && SSL_CTX_use_certificate(context, certificate->x509.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, static_cast<EVP_PKEY*>(authority->key().openssl())) == 1;
}

bool set_certificates(SSL_CTX* context, const ContextSettings& settings, std::string& why) {
  if (settings.transport == Transport::kDatagram && settings.key != nullptr &&
      settings.key->algorithm() == crypto::Algorithm::kEd25519 && !add_ecdsa_stand_in(context)) {
    why = "OpenSSL cannot make a certificate";
    return false;
  }
  // Last, so that it is the one a client shows.
  X509* leaf = read_x509(settings.certificate);
  const bool pair =
      leaf != nullptr && settings.key != nullptr && SSL_CTX_use_certificate(context, leaf) == 1 &&
      SSL_CTX_use_PrivateKey(context, static_cast<EVP_PKEY*>(settings.key->openssl())) == 1 &&
      SSL_CTX_check_private_key(context) == 1;
  X509_free(leaf);
  if (!pair) {
    why = "the links' certificate cannot be read, or the key is not the certificate's";
    return false;
  }
  for (const Bytes& der : settings.intermediates) {
    X509* above = read_x509(der);
    const bool added = above != nullptr && SSL_CTX_add1_chain_cert(context, above) == 1;
    X509_free(above);
    if (!added) {
      why = "an intermediate certificate of the links cannot be read";
      return false;
    }
  }
  return true;
}

bool set_protocol(SSL_CTX* context, const ContextSettings& settings, std::string& why) {
  const bool stream = settings.transport == Transport::kStream;
  const bool with_13 = stream && !settings.shared_secret;
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, kMaxCertificateBytes);
  const bool done =
      SSL_CTX_set_min_proto_version(context, stream ? TLS1_2_VERSION : DTLS1_2_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(
          context, stream ? (with_13 ? TLS1_3_VERSION : TLS1_2_VERSION) : DTLS1_2_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(context, suites_of(settings).c_str()) == 1 &&
      SSL_CTX_set_ciphersuites(context, with_13 ? suites13_of(settings).c_str() : "") == 1 &&
      SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
      SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1 &&
      SSL_CTX_set_num_tickets(context, 0) == 1;
  if (!done) why = "OpenSSL lacks a version, cipher, group or signature that links need";
  return done;
}

void set_callbacks(SSL_CTX* context, const ContextSettings& settings) {
  SSL_CTX_set_client_hello_cb(context, read_client_hello, nullptr);
  SSL_CTX_set_info_callback(context, note_alert);
  SSL_CTX_set_cookie_verify_cb(context, accept_cookie);
  if (settings.key_log) SSL_CTX_set_keylog_callback(context, note_key);
  if (settings.shared_secret) {
    SSL_CTX_set_psk_client_callback(context, tell_secret);
    SSL_CTX_set_psk_server_callback(context, find_secret);
    return;
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_certificate,
                                   const_cast<ContextSettings*>(&settings));
}

bool is_complete(const ContextSettings& settings, std::string& why) {
  if (settings.aeads.empty()) {
    why = "no cipher is allowed on links";
  } else if (settings.shared_secret) {
    const SharedSecret& secret = *settings.shared_secret;
    if (secret.identity.empty() || secret.identity.size() > kMaxIdentityBytes ||
        secret.identity.find('\0') != std::string::npos) {
      why = "the identity of the shared secret must have 1 to 128 bytes, none of them zero";
    } else if (secret.key.size() < kMinSecretBytes || secret.key.size() > kMaxSecretBytes) {
      why = "the shared secret must have 16 to 64 bytes";
    }
  } else if (settings.checker == nullptr) {
    why = "links need root certificates to check their peers against";
  }
  return why.empty();
}

Failure failure_of(const PeerCheck& check, int reason) {
  if (check.no_extended_master_secret) return Failure::kNoExtendedMasterSecret;
  if (check.certificate_seen && !check.accepted()) return Failure::kCertificateRefused;
  if (check.alert_received != kNoAlert) return Failure::kPeerAlert;
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Failure::kNoCertificate;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_SIGNATURE_TYPE:
    case SSL_R_WRONG_CURVE:
    case SSL_R_VERSION_TOO_LOW:
      return Failure::kNothingInCommon;
    case ERR_R_MALLOC_FAILURE:
    case ERR_R_INTERNAL_ERROR:
      return Failure::kInternal;
    default:
      return Failure::kProtocol;
  }
}

}  // namespace

SecureContext::SecureContext(const ContextSettings& settings) : settings_(settings) {}

SecureContext::~SecureContext() {
  SSL_CTX_free(openssl_);
  if (settings_.shared_secret) wipe(settings_.shared_secret->key);
}

std::unique_ptr<SecureContext> SecureContext::make(const ContextSettings& settings,
                                                   std::string& why) {
  why.clear();
  if (!is_complete(settings, why)) return nullptr;
  std::unique_ptr<SecureContext> made(new SecureContext(settings));
  const bool stream = settings.transport == Transport::kStream;
  ERR_set_mark();
  SSL_CTX* context = SSL_CTX_new(stream ? TLS_method() : DTLS_method());
  made->openssl_ = context;
  if (context == nullptr) {
    why = "OpenSSL cannot make a context";
  } else {
    SSL_CTX_set_app_data(context, &made->settings_);
    if (set_protocol(context, made->settings_, why) &&
        (settings.shared_secret || set_certificates(context, made->settings_, why))) {
      set_callbacks(context, made->settings_);
    }
  }
  ERR_pop_to_mark();
  if (!why.empty()) return nullptr;
  return made;
}

SSL* SecureContext::new_ssl(Role role, PeerCheck& check) const {
  SSL* ssl = SSL_new(openssl_);
  if (ssl == nullptr || SSL_set_ex_data(ssl, check_index(), &check) != 1) {
    SSL_free(ssl);
    return nullptr;
  }
  if (role == Role::kClient) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return ssl;
}

FailureReport SecureContext::explain(const PeerCheck& check) const {
  const unsigned long error = ERR_peek_error();
  FailureReport report;
  report.failure = failure_of(check, ERR_GET_REASON(error));
  report.alert_sent = check.alert_sent;
  report.alert_received = check.alert_received;
  if (report.failure == Failure::kCertificateRefused) {
    report.refusal = check.refusal;
    report.detail = check.barred ? "links to this node are not allowed" : check.detail;
  } else if (report.failure == Failure::kPeerAlert) {
    report.detail = SSL_alert_desc_string_long(check.alert_received);
  } else if (const char* text = ERR_reason_error_string(error)) {
    report.detail = text;
  }
  ERR_clear_error();
  return report;
}

}  // namespace controlplane::links
