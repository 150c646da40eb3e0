// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/p256_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

namespace crypto {
namespace {

bool coordinate(const EVP_PKEY* from, const char* name, std::uint64_t (&words)[4]) {
  BIGNUM* number = nullptr;
  unsigned char bytes[32];
  const bool given = EVP_PKEY_get_bn_param(from, name, &number) == 1 &&
                     BN_bn2binpad(number, bytes, sizeof bytes) == sizeof bytes;
  BN_free(number);
  if (!given) return false;
  for (int i = 0; i < 4; ++i) {
    std::uint64_t word = 0;
    for (int j = 0; j < 8; ++j) word = word << 8U | bytes[8 * i + j];
    words[3 - i] = word;
  }
  return true;
}

}  // namespace

bool decode_p256_key(const EVP_PKEY* from, P256Key& key) {
  return coordinate(from, OSSL_PKEY_PARAM_EC_PUB_X, key.x) &&
         coordinate(from, OSSL_PKEY_PARAM_EC_PUB_Y, key.y);
}

}  // namespace crypto
