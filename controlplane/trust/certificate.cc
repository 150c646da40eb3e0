// SPDX-License-Identifier: Apache-2.0
#include "controlplane/trust/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <limits>

namespace controlplane::trust {
namespace {

using wire::reload::NodeId;
using wire::reload::SignerIdentityType;
using wire::reload::SignerKey;

constexpr std::string_view kScheme = "reload://";
// A Destination: type node, length 16, the Node-ID (RFC 6940 section 6.3.2.2).
constexpr std::string_view kNodeDestinationHex = "0110";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), [](char c) { return lower(c); });
  return made;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

bool read_time(const ASN1_TIME* time, std::int64_t& unix_s) {
  int days = 0;
  int seconds = 0;
  ASN1_TIME* epoch = ASN1_TIME_set(nullptr, 0);
  const bool read = epoch != nullptr && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  unix_s = std::int64_t{days} * 86400 + seconds;
  return read;
}

void read_names(const GENERAL_NAMES* names, Certificate& certificate) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
    if (type == GEN_EMAIL) {
      certificate.user_names.emplace_back(text_of(value));
    } else if (type == GEN_URI && lower(text_of(value).substr(0, 7)) == "reload:") {
      if (auto node = parse_node_uri(text_of(value))) {
        certificate.nodes.push_back(*std::move(node));
      } else {
        certificate.malformed.emplace_back(text_of(value));
      }
    } else {
      certificate.other_identities = true;
    }
  }
}

bool read_subject_alt_name(X509* x509, Certificate& certificate) {
  int criticality = 0;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(x509, NID_subject_alt_name, &criticality, nullptr));
  if (names == nullptr) return criticality == -1;  // absent; else it is there but malformed
  read_names(names, certificate);
  GENERAL_NAMES_free(names);
  return true;
}

bool read_key(X509* x509, Certificate& certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
  if (length <= 0) return false;
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  certificate.spki.assign(bytes, bytes + length);
  OPENSSL_free(der);
  const auto key = crypto::PublicKey::from_spki(certificate.spki, certificate.unsupported_key);
  if (key != nullptr) certificate.algorithm = key->algorithm();
  return true;
}

std::optional<Certificate> read(std::shared_ptr<X509> x509, std::string& why) {
  Certificate certificate;
  unsigned char* der = nullptr;
  const int length = i2d_X509(x509.get(), &der);
  if (length <= 0) {
    why = "not an X.509 certificate";
    return std::nullopt;
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  certificate.der.assign(bytes, bytes + length);
  OPENSSL_free(der);
  if (!read_time(X509_get0_notBefore(x509.get()), certificate.not_before_unix_s) ||
      !read_time(X509_get0_notAfter(x509.get()), certificate.not_after_unix_s)) {
    why = "an X.509 certificate with a malformed date";
    return std::nullopt;
  }
  if (!read_subject_alt_name(x509.get(), certificate)) {
    why = "an X.509 certificate with a malformed subjectAltName, or two of them";
    return std::nullopt;
  }
  if (!read_key(x509.get(), certificate)) {
    why = "an X.509 certificate with a malformed key";
    return std::nullopt;
  }
  if (X509_NAME_entry_count(X509_get_subject_name(x509.get())) != 0) {
    certificate.other_identities = true;
  }
  certificate.x509 = std::move(x509);
  return certificate;
}

std::array<std::byte, wire::reload::kCertificateHashBytes> sha256(
    std::span<const std::byte> first, std::span<const std::byte> second) {
  std::array<std::byte, wire::reload::kCertificateHashBytes> hash{};
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  EVP_DigestUpdate(context, first.data(), first.size());
  EVP_DigestUpdate(context, second.data(), second.size());
  EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(hash.data()), nullptr);
  EVP_MD_CTX_free(context);
  return hash;
}

}  // namespace

std::optional<NodeUri> parse_node_uri(std::string_view uri) {
  if (lower(uri.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  const std::size_t at = uri.find('@');
  if (at == std::string_view::npos || uri.empty() || uri.back() != '/') return std::nullopt;
  const std::string_view overlay = uri.substr(at + 1, uri.size() - at - 2);
  if (at + 1 >= uri.size() || overlay.empty() ||
      overlay.find_first_of("/@?#:") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string hex = lower(uri.substr(0, at));
  if (hex.size() != kNodeDestinationHex.size() + 2 * wire::reload::kNodeIdBytes ||
      !hex.starts_with(kNodeDestinationHex)) {
    return std::nullopt;
  }
  NodeUri node;
  for (std::size_t i = 0; i < wire::reload::kNodeIdBytes; ++i) {
    const int high = hex_digit(hex[kNodeDestinationHex.size() + 2 * i]);
    const int low = hex_digit(hex[kNodeDestinationHex.size() + 2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    node.node_id.bytes[i] = static_cast<std::byte>(high << 4 | low);
  }
  if (node.node_id.is_invalid() || node.node_id.is_wildcard()) return std::nullopt;
  node.overlay = overlay;
  return node;
}

std::string node_uri(const NodeId& node_id, std::string_view overlay) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uri = std::string(kScheme) + std::string(kNodeDestinationHex);
  for (const std::byte byte : node_id.bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    uri += kDigits[value >> 4U];
    uri += kDigits[value & 15U];
  }
  return uri + "@" + std::string(overlay) + "/";
}

std::optional<Certificate> Certificate::from_der(std::span<const std::byte> der, std::string& why) {
  why.clear();
  ERR_set_mark();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  X509* x509 = der.empty() || der.size() > std::numeric_limits<int>::max()
                   ? nullptr
                   : d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  std::shared_ptr<X509> owned(x509, X509_free);
  std::optional<Certificate> certificate;
  if (x509 == nullptr || at != end) {
    why = x509 == nullptr ? "not an X.509 certificate" : "bytes behind the X.509 certificate";
  } else {
    certificate = read(std::move(owned), why);
    // The identity is a hash of the bytes that came, so a second encoding of the same certificate
    // would be a second signer.
    if (certificate && !std::ranges::equal(certificate->der, der)) {
      certificate.reset();
      why = "an X.509 certificate that is not in DER";
    }
  }
  ERR_pop_to_mark();
  return certificate;
}

std::optional<Certificate> Certificate::from_pem(std::string_view pem, std::string& why) {
  why.clear();
  ERR_set_mark();
  BIO* bio = pem.size() > std::numeric_limits<int>::max()
                 ? nullptr
                 : BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* x509 = bio == nullptr ? nullptr : PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  std::shared_ptr<X509> owned(x509, X509_free);
  std::optional<Certificate> certificate;
  if (x509 == nullptr) {
    why = "no X.509 certificate in PEM";
  } else {
    certificate = read(std::move(owned), why);
  }
  ERR_pop_to_mark();
  return certificate;
}

std::optional<SignerKey> Certificate::signer_key(const NodeId& node_id) const {
  const bool held =
      std::ranges::any_of(nodes, [&](const NodeUri& node) { return node.node_id == node_id; });
  if (!held) return std::nullopt;
  SignerKey key;
  if (nodes.size() == 1) {
    key.type = SignerIdentityType::kCertHash;
    key.hash = sha256({}, der);
  } else {
    key.type = SignerIdentityType::kCertHashNodeId;
    key.hash = sha256(node_id.bytes, der);
  }
  return key;
}

std::optional<NodeId> Certificate::node_of(const SignerKey& signer) const {
  for (const NodeUri& node : nodes) {
    if (signer_key(node.node_id) == signer) return node.node_id;
  }
  return std::nullopt;
}

}  // namespace controlplane::trust
