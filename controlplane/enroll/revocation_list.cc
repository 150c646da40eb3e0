// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/revocation_list.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace controlplane::enroll {
namespace {

struct Free {
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(X509_REVOKED* entry) const { X509_REVOKED_free(entry); }
  void operator()(ASN1_STRING* value) const { ASN1_STRING_free(value); }  // integers and times are
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<X509> root_of(const trust::Authority& authority) {
  const std::string& pem = authority.certificate_pem();
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(bio == nullptr ? nullptr
                                    : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool add(X509_CRL* list, const Revocation& revocation) {
  BIGNUM* read = nullptr;
  const int digits = BN_hex2bn(&read, revocation.serial.c_str());
  const Owned<BIGNUM> number(read);
  if (digits <= 0 || static_cast<std::size_t>(digits) != revocation.serial.size()) return false;
  const Owned<ASN1_INTEGER> serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  const Owned<ASN1_TIME> when(ASN1_TIME_set(nullptr, revocation.revoked_unix_s));
  Owned<X509_REVOKED> entry(X509_REVOKED_new());
  if (serial == nullptr || when == nullptr || entry == nullptr ||
      X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), when.get()) != 1 ||
      X509_CRL_add0_revoked(list, entry.get()) != 1) {
    return false;
  }
  (void)entry.release();  // the list's now
  return true;
}

bool set_number(X509_CRL* list, std::uint64_t number) {
  const Owned<ASN1_INTEGER> value(ASN1_INTEGER_new());
  return value != nullptr && ASN1_INTEGER_set_uint64(value.get(), number) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, value.get(), 0, 0) == 1;
}

bool set_issuer(X509_CRL* list, X509* root) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, root, nullptr, nullptr, list, 0);
  X509_EXTENSION* const key =
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always");
  const bool set = key != nullptr && X509_CRL_add_ext(list, key, -1) == 1 &&
                   X509_CRL_set_issuer_name(list, X509_get_subject_name(root)) == 1;
  X509_EXTENSION_free(key);
  return set;
}

}  // namespace

std::vector<std::byte> make_revocation_list(const trust::Authority& authority,
                                            std::span<const Revocation> revoked,
                                            std::int64_t now_unix_s,
                                            std::int64_t next_update_unix_s, std::uint64_t number,
                                            std::string& why) {
  why.clear();
  const Owned<X509> root = root_of(authority);
  const Owned<X509_CRL> list(X509_CRL_new());
  const Owned<ASN1_TIME> now(ASN1_TIME_set(nullptr, now_unix_s));
  const Owned<ASN1_TIME> next(ASN1_TIME_set(nullptr, next_update_unix_s));
  bool made =
      root != nullptr && list != nullptr && now != nullptr && next != nullptr &&
      X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
      set_issuer(list.get(), root.get()) && X509_CRL_set1_lastUpdate(list.get(), now.get()) == 1 &&
      X509_CRL_set1_nextUpdate(list.get(), next.get()) == 1 && set_number(list.get(), number);
  for (const Revocation& revocation : revoked) made = made && add(list.get(), revocation);
  const EVP_MD* const digest =
      authority.key().algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256();
  made = made && X509_CRL_sort(list.get()) == 1 &&
         X509_CRL_sign(list.get(), static_cast<EVP_PKEY*>(authority.key().openssl()), digest) > 0;
  unsigned char* der = nullptr;
  const int length = made ? i2d_X509_CRL(list.get(), &der) : 0;
  if (length <= 0) {
    why = "OpenSSL cannot make the revocation list";
    return {};
  }
  const auto* const first = reinterpret_cast<const std::byte*>(der);
  std::vector<std::byte> bytes(first, first + length);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace controlplane::enroll
