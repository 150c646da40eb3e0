// SPDX-License-Identifier: Apache-2.0
#include "controlplane/trust/issue.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <stdexcept>

namespace controlplane::trust {
namespace {

constexpr int kSerialBits = 159;  // RFC 5280 section 4.1.2.2: positive, at most 20 bytes

struct Free {
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(X509_NAME* name) const { X509_NAME_free(name); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

bool set_serial(X509* x509) {
  const Owned<BIGNUM> serial(BN_new());
  return serial != nullptr &&
         BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_is_zero(serial.get()) == 0 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x509)) != nullptr;
}

bool set_validity(X509* x509, const Validity& validity) {
  // RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime later; ASN1_TIME_set chooses.
  return ASN1_TIME_set(X509_getm_notBefore(x509), validity.not_before_unix_s) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(x509), validity.not_after_unix_s) != nullptr;
}

bool add_extension(X509* x509, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool added = extension != nullptr && X509_add_ext(x509, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool add_name(GENERAL_NAMES* names, int type, const std::string& value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* string = ASN1_IA5STRING_new();
  if (name == nullptr || string == nullptr ||
      ASN1_STRING_set(string, value.data(), static_cast<int>(value.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(string);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, string);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool add_subject_alt_name(X509* x509, const NodeCertificate& request) {
  const Owned<GENERAL_NAMES> names(GENERAL_NAMES_new());
  if (names == nullptr) return false;
  if (!request.user_name.empty() && !add_name(names.get(), GEN_EMAIL, request.user_name)) {
    return false;
  }
  for (const std::string& uri : request.uris) {
    if (!add_name(names.get(), GEN_URI, uri)) return false;
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return true;
  return X509_add1_ext_i2d(x509, NID_subject_alt_name, names.get(), 1, 0) == 1;
}

bool sign(X509* x509, const crypto::SigningKey& key) {
  const EVP_MD* digest = key.algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256();
  return X509_sign(x509, static_cast<EVP_PKEY*>(key.openssl()), digest) > 0;
}

std::string to_pem(X509* x509) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), x509) != 1) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

Owned<X509> from_pem(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(bio == nullptr ? nullptr
                                    : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

/// What fails between construction and destruction leaves no errors behind for others to find.
struct Marked {
  Marked() { ERR_set_mark(); }
  ~Marked() { ERR_pop_to_mark(); }
  Marked(const Marked&) = delete;
  Marked& operator=(const Marked&) = delete;
};

bool unix_time(const ASN1_TIME* time, std::int64_t& unix_s) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
  unix_s = ::timegm(&parts);
  return true;
}

std::string serial_text(const X509* x509) {
  const Owned<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nullptr));
  char* const hex = number == nullptr ? nullptr : BN_bn2hex(number.get());
  std::string text = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  return text;
}

}  // namespace

wire::reload::NodeId random_node_id() {
  wire::reload::NodeId id;
  do {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(id.bytes.data()),
                   static_cast<int>(id.bytes.size())) != 1) {
      throw std::runtime_error("the random number generator of OpenSSL is not seeded");
    }
  } while (id.is_invalid() || id.is_wildcard());
  return id;
}

std::string issue_self_signed(const crypto::SigningKey& key, const NodeCertificate& request,
                              std::string& why) {
  why.clear();
  const Owned<X509> x509(X509_new());
  const bool made =
      x509 != nullptr && X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
      set_serial(x509.get()) && set_validity(x509.get(), request.validity) &&
      X509_set_pubkey(x509.get(), static_cast<EVP_PKEY*>(key.openssl())) == 1 &&
      add_extension(x509.get(), x509.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x509.get(), x509.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(x509.get(), x509.get(), NID_subject_key_identifier, "hash") &&
      add_subject_alt_name(x509.get(), request) && sign(x509.get(), key);
  std::string pem = made ? to_pem(x509.get()) : std::string();
  if (pem.empty()) why = "OpenSSL cannot make the certificate";
  return pem;
}

std::unique_ptr<Authority> Authority::create(crypto::Algorithm algorithm, std::string_view name,
                                             const Validity& validity, std::string& why) {
  why.clear();
  std::unique_ptr<Authority> authority(new Authority);
  authority->key_ = crypto::SigningKey::generate(algorithm);
  authority->name_ = name;
  const Owned<X509> x509(X509_new());
  const Owned<X509_NAME> subject(X509_NAME_new());
  const bool made =
      authority->key_ != nullptr && x509 != nullptr && subject != nullptr &&
      X509_set_version(x509.get(), X509_VERSION_3) == 1 && set_serial(x509.get()) &&
      set_validity(x509.get(), validity) &&
      X509_NAME_add_entry_by_txt(subject.get(), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(authority->name_.data()),
                                 static_cast<int>(name.size()), -1, 0) == 1 &&
      X509_set_subject_name(x509.get(), subject.get()) == 1 &&
      X509_set_issuer_name(x509.get(), subject.get()) == 1 &&
      X509_set_pubkey(x509.get(), static_cast<EVP_PKEY*>(authority->key_->openssl())) == 1 &&
      add_extension(x509.get(), x509.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(x509.get(), x509.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(x509.get(), x509.get(), NID_subject_key_identifier, "hash") &&
      sign(x509.get(), *authority->key_);
  if (made) authority->certificate_pem_ = to_pem(x509.get());
  authority->not_after_unix_s_ = validity.not_after_unix_s;
  if (authority->certificate_pem_.empty()) {
    why = "OpenSSL cannot make a root certificate named \"" + authority->name_ + "\"";
    return nullptr;
  }
  return authority;
}

std::unique_ptr<Authority> Authority::load(std::string_view certificate_pem,
                                           std::string_view key_pem, std::string& why) {
  why.clear();
  std::unique_ptr<Authority> authority(new Authority);
  authority->key_ = crypto::SigningKey::from_pem(key_pem, why);
  if (authority->key_ == nullptr) return nullptr;
  const Marked errors;
  const Owned<X509> x509 = from_pem(std::string(certificate_pem));
  if (x509 == nullptr) {
    why = "not a certificate in PEM";
  } else if (X509_check_private_key(x509.get(),
                                    static_cast<EVP_PKEY*>(authority->key_->openssl())) != 1) {
    why = "the private key belongs to another certificate";
  } else if (X509_check_ca(x509.get()) != 1) {
    why =
        "the certificate is not one of a certificate authority: it needs CA:TRUE, and keyCertSign"
        " where it names key usages";
  } else if (X509_NAME_entry_count(X509_get_subject_name(x509.get())) == 0) {
    why = "the certificate has no subject, so no certificate could name it as issuer";
  } else if (!unix_time(X509_get0_notAfter(x509.get()), authority->not_after_unix_s_)) {
    why = "the certificate has no date that can be read";
  }
  if (!why.empty()) return nullptr;
  authority->certificate_pem_ = to_pem(x509.get());
  return authority;
}

std::shared_ptr<X509> Authority::sign_node(std::span<const std::byte> spki,
                                           const NodeCertificate& request) const {
  const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
  const Owned<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  const Owned<X509> root = from_pem(certificate_pem_);
  std::shared_ptr<X509> x509(X509_new(), Free{});
  const bool made =
      key != nullptr && root != nullptr && x509 != nullptr &&
      X509_set_version(x509.get(), X509_VERSION_3) == 1 && set_serial(x509.get()) &&
      set_validity(x509.get(), request.validity) &&
      X509_set_issuer_name(x509.get(), X509_get_subject_name(root.get())) == 1 &&
      X509_set_pubkey(x509.get(), key.get()) == 1 &&
      add_extension(x509.get(), root.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x509.get(), root.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(x509.get(), root.get(), NID_subject_key_identifier, "hash") &&
      add_extension(x509.get(), root.get(), NID_authority_key_identifier, "keyid:always") &&
      add_subject_alt_name(x509.get(), request) && sign(x509.get(), *key_);
  return made ? x509 : nullptr;
}

std::string Authority::issue(std::span<const std::byte> spki, const NodeCertificate& request,
                             std::string& why) const {
  why.clear();
  const std::shared_ptr<X509> x509 = sign_node(spki, request);
  std::string pem = x509 == nullptr ? std::string() : to_pem(x509.get());
  if (pem.empty()) why = "OpenSSL cannot make the certificate";
  return pem;
}

bool Authority::issue(std::span<const std::byte> spki, const NodeCertificate& request,
                      IssuedCertificate& issued, std::string& why) const {
  why.clear();
  const std::shared_ptr<X509> x509 = sign_node(spki, request);
  unsigned char* der = nullptr;
  const int length = x509 == nullptr ? 0 : i2d_X509(x509.get(), &der);
  if (length > 0) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(der);
    issued.der.assign(bytes, bytes + length);
    issued.serial = serial_text(x509.get());
    OPENSSL_free(der);
  }
  if (length <= 0 || issued.serial.empty()) {
    why = "OpenSSL cannot make the certificate";
    return false;
  }
  return true;
}

}  // namespace controlplane::trust
