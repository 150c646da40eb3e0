// SPDX-License-Identifier: Apache-2.0
#include "crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <limits>
#include <string_view>

#include "crypto/kernels/ed25519_key.h"
#include "crypto/kernels/p256_key.h"
#include "crypto/kernels/rsa_key.h"
#include "crypto/key_kind.h"

namespace crypto {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 4096;
// OpenSSL takes exponents as long as the modulus for moduli up to 3072 bits, and then one check
// costs as much as a hundred ordinary ones. Real keys use 65537.
constexpr int kMaxRsaExponentBits = 32;

bool rsa_is_accepted(const EVP_PKEY* key, std::string& why) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    why = "RSA modulus of " + std::to_string(bits) + " bits: accepted are 2048 to 4096";
    return false;
  }
  BIGNUM* exponent = nullptr;
  const bool accepted = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                        BN_is_odd(exponent) && !BN_is_one(exponent) &&
                        BN_num_bits(exponent) <= kMaxRsaExponentBits;
  BN_free(exponent);
  if (!accepted) why = "RSA public exponent: accepted are odd ones from 3 to 2^32 - 1";
  return accepted;
}

bool ec_is_accepted(const EVP_PKEY* key, std::string& why) {
  char group[64] = {};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &length) != 1) {
    why = "EC key without a named curve: accepted is P-256";
    return false;
  }
  if (std::string_view(group, length) != "prime256v1") {
    why = "EC key on curve " + std::string(group, length) + ": accepted is P-256";
    return false;
  }
  // RFC 5480 section 2.1.1: parameters spelled out are not allowed, even when they are P-256's.
  int spelled_out = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) ==
          1 &&
      spelled_out != 0) {
    why = "EC key with explicit curve parameters: accepted is P-256 by name";
    return false;
  }
  return true;
}

bool ec_point_is_accepted(EVP_PKEY* key, std::string& why) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  const bool accepted = context != nullptr && EVP_PKEY_public_check(context) == 1;
  EVP_PKEY_CTX_free(context);
  if (!accepted) why = "EC public point is not a point of P-256 other than infinity";
  return accepted;
}

}  // namespace

const char* algorithm_name(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::kRsaPkcs1Sha256:
      return "rsa-pkcs1-sha256";
    case Algorithm::kEcdsaP256Sha256:
      return "ecdsa-p256-sha256";
    case Algorithm::kEd25519:
      return "ed25519";
  }
  return "unknown";
}

bool key_kind(const EVP_PKEY* key, Algorithm& algorithm, std::string& why) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      algorithm = Algorithm::kRsaPkcs1Sha256;
      return rsa_is_accepted(key, why);
    case EVP_PKEY_EC:
      algorithm = Algorithm::kEcdsaP256Sha256;
      return ec_is_accepted(key, why);
    case EVP_PKEY_ED25519:
      algorithm = Algorithm::kEd25519;
      return true;
    default: {
      const char* name = EVP_PKEY_get0_type_name(key);
      why = std::string("key type ") + (name != nullptr ? name : "unknown") +
            ": accepted are RSA, EC on P-256, and Ed25519";
      return false;
    }
  }
}

std::unique_ptr<PublicKey> PublicKey::from_spki(std::span<const std::byte> der, std::string& why) {
  why.clear();
  if (der.size() > static_cast<std::size_t>(std::numeric_limits<long>::max())) {
    why = "not a DER SubjectPublicKeyInfo";
    return nullptr;
  }
  ERR_set_mark();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  EVP_PKEY* key = der.empty() ? nullptr : d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  Algorithm algorithm{};
  bool accepted = false;
  if (key == nullptr) {
    why = "not a DER SubjectPublicKeyInfo";
  } else if (at != end) {
    why = "bytes behind the SubjectPublicKeyInfo";
  } else {
    accepted = key_kind(key, algorithm, why);
    if (accepted && algorithm == Algorithm::kEcdsaP256Sha256) {
      accepted = ec_point_is_accepted(key, why);
    }
  }
  ERR_pop_to_mark();
  if (!accepted) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return std::unique_ptr<PublicKey>(new PublicKey(algorithm, key));
}

PublicKey::PublicKey(Algorithm algorithm, void* openssl)
    : algorithm_(algorithm), openssl_(openssl) {
  const auto* const key = static_cast<const EVP_PKEY*>(openssl);
  switch (algorithm) {
    case Algorithm::kRsaPkcs1Sha256: {
      auto rsa = std::make_unique<RsaKey>();
      if (decode_rsa_key(key, *rsa)) rsa_ = std::move(rsa);
      break;
    }
    case Algorithm::kEcdsaP256Sha256: {
      auto p256 = std::make_unique<P256Key>();
      if (decode_p256_key(key, *p256)) p256_ = std::move(p256);
      break;
    }
    case Algorithm::kEd25519: {
      auto ed25519 = std::make_unique<Ed25519Key>();
      std::size_t length = ed25519_encoded_.size();
      if (EVP_PKEY_get_raw_public_key(
              key, reinterpret_cast<unsigned char*>(ed25519_encoded_.data()), &length) == 1 &&
          decode_ed25519(ed25519_encoded_.data(), *ed25519)) {
        ed25519_ = std::move(ed25519);
      }
      break;
    }
  }
}

PublicKey::~PublicKey() { EVP_PKEY_free(static_cast<EVP_PKEY*>(openssl_)); }

}  // namespace crypto
