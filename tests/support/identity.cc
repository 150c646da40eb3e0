// SPDX-License-Identifier: Apache-2.0

#include "tests/support/identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "config/node_config.h"

namespace tests::support {
namespace {

using wire::reload::Bytes;
using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

X509Pointer read_certificate(const std::string& path) {
  const std::string pem = read_file(path);
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509Pointer certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), X509_free);
  BIO_free(bio);
  if (!certificate) throw std::runtime_error(path + ": holds no PEM certificate");
  return certificate;
}

std::shared_ptr<crypto::SigningKey> read_key(const std::string& path) {
  std::string why;
  std::shared_ptr<crypto::SigningKey> key = crypto::SigningKey::from_pem(read_file(path), why);
  if (!key) throw std::runtime_error(path + ": " + why);
  return key;
}

Bytes to_der(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) throw std::runtime_error("certificate cannot be encoded");
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  Bytes out(bytes, bytes + length);
  OPENSSL_free(der);
  return out;
}

wire::reload::SignatureScheme scheme_of(crypto::Algorithm algorithm) {
  switch (algorithm) {
    case crypto::Algorithm::kRsaPkcs1Sha256:
      return wire::reload::SignatureScheme::kRsaPkcs1Sha256;
    case crypto::Algorithm::kEcdsaP256Sha256:
      return wire::reload::SignatureScheme::kEcdsaP256Sha256;
    case crypto::Algorithm::kEd25519:
      return wire::reload::SignatureScheme::kEd25519;
  }
  return wire::reload::SignatureScheme::kNone;
}

}  // namespace

Identity identity_with(Bytes der, std::shared_ptr<crypto::SigningKey> key) {
  Identity identity;
  identity.signing.scheme = scheme_of(key->algorithm());
  identity.signing.signer.type = wire::reload::SignerIdentityType::kCertHash;
  unsigned int length = 0;
  EVP_Digest(der.data(), der.size(),
             reinterpret_cast<unsigned char*>(identity.signing.signer.hash.data()), &length,
             EVP_sha256(), nullptr);
  identity.signing.certificates.push_back(std::move(der));
  identity.signing.sign = [key](std::span<const std::byte> signed_bytes) {
    return key->sign(signed_bytes);
  };
  identity.key = std::move(key);
  return identity;
}

Identity load_identity(const std::string& certificate_path, const std::string& key_path) {
  return identity_with(to_der(read_certificate(certificate_path).get()), read_key(key_path));
}

Identity make_identity(const CertificateWish& wish, crypto::Algorithm algorithm) {
  std::shared_ptr<crypto::SigningKey> key = crypto::SigningKey::generate(algorithm);
  std::shared_ptr<crypto::SigningKey> issuer_key;
  X509Pointer certificate(X509_new(), X509_free);
  if (wish.ca_key_path.empty()) {
    issuer_key = crypto::SigningKey::generate(crypto::Algorithm::kEd25519);
    X509_NAME* name = X509_get_issuer_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("somebody else"), -1, -1, 0);
  } else {
    issuer_key = read_key(wish.ca_key_path);
    const X509Pointer issuer = read_certificate(wish.ca_certificate_path);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  }
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial | 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.not_before_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.not_after_s);
  X509_set_pubkey(certificate.get(), static_cast<EVP_PKEY*>(key->openssl()));
  // RFC 6940 section 14.15: the URI holds one Destination of type node in hex.
  std::string name =
      "critical,URI:reload://0110" + config::to_string(wish.node_id) + "@" + wish.overlay + "/";
  if (!wish.user.empty()) name += ",email:" + wish.user;
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  const EVP_MD* digest =
      issuer_key->algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256();
  if (X509_sign(certificate.get(), static_cast<EVP_PKEY*>(issuer_key->openssl()), digest) == 0) {
    throw std::runtime_error("certificate cannot be signed");
  }
  return identity_with(to_der(certificate.get()), std::move(key));
}

}  // namespace tests::support
