// SPDX-License-Identifier: Apache-2.0
// What the tests of the vector lanes share: OpenSSL numbers and keys that free themselves, SHA-256,
// and whether lanes run here.

#pragma once

#include <openssl/bn.h>
#include <openssl/sha.h>

#include "crypto/kernels/cpu_features.h"
#include "tests/crypto/reference.h"

namespace crypto::test {

inline bool has_ifma() { return (cpu_features() & kCpuAvx512Ifma) != 0; }
inline constexpr const char* kWhySkipped = "this CPU or operating system lacks AVX-512 IFMA";

struct FreeOpenssl {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, FreeOpenssl>;
using NumberContext = std::unique_ptr<BN_CTX, FreeOpenssl>;
using Pkey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeOpenssl>;

inline Number number(std::uint64_t word = 0) {
  Number made(BN_new());
  BN_set_word(made.get(), word);
  return made;
}

inline Number number_of(const Bytes& big_endian) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(big_endian.data()),
                          static_cast<int>(big_endian.size()), nullptr));
}

inline Bytes bytes_of(const BIGNUM* value, std::size_t length) {
  Bytes bytes(length);
  EXPECT_GE(
      BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(length)),
      0);
  return bytes;
}

inline Bytes spki_of(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  Bytes spki(bytes, bytes + length);
  OPENSSL_free(der);
  return spki;
}

inline Bytes sha256(const Bytes& message) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(message.data()), message.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace crypto::test
