// SPDX-License-Identifier: Apache-2.0
// What the tests of the RSA lanes share: keys of any size and exponent, and the private operation
// on any encoded message.

#pragma once

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/kernels/avx512ifma/rsa.h"
#include "tests/crypto/openssl_numbers.h"

namespace crypto::test {

/// The tests of this suite run the lanes themselves.
class RsaLanes : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_ifma()) GTEST_SKIP() << kWhySkipped;
  }
};

/// An RSA key of these numbers; without @p d a public one.
inline Pkey key_from(const BIGNUM* n, const BIGNUM* e, const BIGNUM* d = nullptr) {
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
  if (d != nullptr) OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, d != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                    params);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  return Pkey(key);
}

/// A key pair, its public half as OpenSSL and as the lanes want it.
struct RsaSigner {
  /// OpenSSL's own generator makes the modulus shorter than asked unless four divides its bits.
  explicit RsaSigner(int bits, std::uint64_t exponent = 65537) : n(number()) {
    const NumberContext context(BN_CTX_new());
    const Number e = number(exponent);
    const Number p = number();
    const Number q = number();
    const Number d = number();
    const Number order = number();
    do {
      BN_generate_prime_ex(p.get(), bits - bits / 2, 0, nullptr, nullptr, nullptr);
      BN_generate_prime_ex(q.get(), bits / 2, 0, nullptr, nullptr, nullptr);
      BN_mul(n.get(), p.get(), q.get(), context.get());
      BN_sub_word(p.get(), 1);
      BN_sub_word(q.get(), 1);
      BN_mul(order.get(), p.get(), q.get(), context.get());
      BN_gcd(d.get(), order.get(), e.get(), context.get());
    } while (!BN_is_one(d.get()));
    EXPECT_EQ(BN_num_bits(n.get()), bits);
    BN_mod_inverse(d.get(), e.get(), order.get(), context.get());
    pair = key_from(n.get(), e.get(), d.get());
    spki = spki_of(pair.get());
    EXPECT_TRUE(decode_rsa_key(pair.get(), key));
  }

  /// encoded^d mod n: makes a signature of whatever is in @p encoded, which must be below n.
  [[nodiscard]] Bytes raw_sign(const Bytes& encoded) const {
    PkeyContext context(EVP_PKEY_CTX_new(pair.get(), nullptr));
    Bytes signature(key.bytes);
    std::size_t length = signature.size();
    EVP_PKEY_sign_init(context.get());
    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING);
    EXPECT_EQ(
        EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                      reinterpret_cast<const unsigned char*>(encoded.data()), encoded.size()),
        1);
    return signature;
  }

  Pkey pair;
  Bytes spki;
  Number n;
  RsaKey key;
};

/// DigestInfo of SHA-256 (RFC 8017 section 9.2) with @p digest.
inline Bytes digest_info(const Bytes& digest) {
  Bytes info = from_hex("3031300d060960864801650304020105000420");
  info.insert(info.end(), digest.begin(), digest.end());
  return info;
}

/// 00 01 FF .. FF 00 and @p info, @p length bytes in all.
inline Bytes encoded_message(const Bytes& info, std::size_t length) {
  Bytes encoded(length - info.size(), std::byte{0xff});
  encoded.front() = std::byte{0};
  encoded[1] = std::byte{1};
  encoded.back() = std::byte{0};
  encoded.insert(encoded.end(), info.begin(), info.end());
  return encoded;
}

inline Bytes sign(const RsaSigner& signer, const Bytes& message) {
  return signer.raw_sign(encoded_message(digest_info(sha256(message)), signer.key.bytes));
}

}  // namespace crypto::test
