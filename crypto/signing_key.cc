// SPDX-License-Identifier: Apache-2.0
#include "crypto/signing_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <limits>

#include "crypto/key_kind.h"

namespace crypto {
namespace {

EVP_PKEY* as_key(void* key) { return static_cast<EVP_PKEY*>(key); }

/// Without it OpenSSL asks the terminal for the passphrase of an encrypted file.
int refuse_passphrase(char*, int, int, void*) { return -1; }

struct MdContext {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  MdContext() = default;
  ~MdContext() { EVP_MD_CTX_free(context); }
  MdContext(const MdContext&) = delete;
  MdContext& operator=(const MdContext&) = delete;
};

}  // namespace

std::unique_ptr<SigningKey> SigningKey::from_pem(std::string_view pem, std::string& why) {
  why.clear();
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    why = "too long for a private key";
    return nullptr;
  }
  ERR_set_mark();
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key =
      bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio, nullptr, refuse_passphrase, nullptr);
  BIO_free(bio);
  ERR_pop_to_mark();
  Algorithm algorithm{};
  if (key == nullptr) {
    why = "not an unencrypted private key in PEM (PKCS#8 or traditional)";
    return nullptr;
  }
  if (!key_kind(key, algorithm, why)) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return std::unique_ptr<SigningKey>(new SigningKey(algorithm, key));
}

std::unique_ptr<SigningKey> SigningKey::generate(Algorithm algorithm) {
  EVP_PKEY* key = nullptr;
  switch (algorithm) {
    case Algorithm::kRsaPkcs1Sha256:
      key = EVP_RSA_gen(2048U);
      break;
    case Algorithm::kEcdsaP256Sha256:
      key = EVP_EC_gen("P-256");
      break;
    case Algorithm::kEd25519:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  if (key == nullptr) return nullptr;
  return std::unique_ptr<SigningKey>(new SigningKey(algorithm, key));
}

SigningKey::~SigningKey() { EVP_PKEY_free(as_key(openssl_)); }

std::vector<std::byte> SigningKey::sign(std::span<const std::byte> message) const {
  const MdContext md;
  const char* digest = algorithm_ == Algorithm::kEd25519 ? nullptr : "SHA256";
  if (md.context == nullptr || EVP_DigestSignInit_ex(md.context, nullptr, digest, nullptr, nullptr,
                                                     as_key(openssl_), nullptr) != 1) {
    return {};
  }
  static constexpr unsigned char kNothing = 0;
  const auto* bytes =
      message.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(message.data());
  std::size_t length = 0;
  if (EVP_DigestSign(md.context, nullptr, &length, bytes, message.size()) != 1) return {};
  std::vector<std::byte> signature(length);
  if (EVP_DigestSign(md.context, reinterpret_cast<unsigned char*>(signature.data()), &length, bytes,
                     message.size()) != 1) {
    return {};
  }
  signature.resize(length);  // ECDSA: DER integers may be shorter than the longest
  return signature;
}

std::vector<std::byte> SigningKey::public_spki() const {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(as_key(openssl_), &der);
  if (length <= 0) return {};
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  std::vector<std::byte> spki(bytes, bytes + length);
  OPENSSL_free(der);
  return spki;
}

std::string SigningKey::to_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  std::string pem;
  if (bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio, as_key(openssl_), nullptr, nullptr, 0,
                                                      nullptr, nullptr) == 1) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio, &text);
    pem.assign(text, static_cast<std::size_t>(length));
    OPENSSL_cleanse(text, static_cast<std::size_t>(length));
  }
  BIO_free(bio);
  return pem;
}

}  // namespace crypto
