// SPDX-License-Identifier: Apache-2.0
// What the tests of the P-256 lanes share: numbers mod n, keys with a chosen private number or a
// chosen point, and checks made of any numbers.

#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <cstdlib>

#include "crypto/kernels/avx512ifma/p256.h"
#include "tests/crypto/openssl_numbers.h"

namespace crypto::test {

inline const EC_GROUP* p256() {
  static const EC_GROUP* const kGroup = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  return kGroup;
}
inline const BIGNUM* order() { return EC_GROUP_get0_order(p256()); }
inline BN_CTX* numbers() {
  static const NumberContext kContext(BN_CTX_new());
  return kContext.get();
}

inline Number copy(const BIGNUM* of) { return Number(BN_dup(of)); }
inline Number hex_number(const char* digits) {
  BIGNUM* made = nullptr;
  BN_hex2bn(&made, digits);
  return Number(made);
}
inline Number times(const BIGNUM* a, const BIGNUM* b) {  // mod n
  Number made = number();
  BN_mod_mul(made.get(), a, b, order(), numbers());
  return made;
}
inline Number plus(const BIGNUM* a, const BIGNUM* b) {  // mod n
  Number made = number();
  BN_mod_add(made.get(), a, b, order(), numbers());
  return made;
}
inline Number over(const BIGNUM* a, const BIGNUM* b) {  // mod n
  const Number inverse(BN_mod_inverse(nullptr, b, order(), numbers()));
  return times(a, inverse.get());
}
inline Number opposite(const BIGNUM* a) {  // mod n
  Number made = number();
  BN_mod_sub(made.get(), made.get(), a, order(), numbers());
  return made;
}
/// @p a + @p offset, no modulus.
inline Number near(const BIGNUM* a, int offset) {
  Number made = copy(a);
  (offset < 0 ? BN_sub_word : BN_add_word)(made.get(), static_cast<BN_ULONG>(std::abs(offset)));
  return made;
}
inline Number below_order() {
  Number made = number();
  do {
    BN_rand_range(made.get(), order());
  } while (BN_is_zero(made.get()));
  return made;
}

struct FreePoint {
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
};
using Point = std::unique_ptr<EC_POINT, FreePoint>;

/// g * G + q * Q, Q optional.
inline Point combination(const BIGNUM* g, const EC_POINT* point = nullptr,
                         const BIGNUM* q = nullptr) {
  Point made(EC_POINT_new(p256()));
  EC_POINT_mul(p256(), made.get(), g, point, q, numbers());
  return made;
}
inline Number x_of(const EC_POINT* point) {
  Number x = number();
  EC_POINT_get_affine_coordinates(p256(), point, x.get(), nullptr, numbers());
  return x;
}

/// A public key and its finished table. The private number need not be known.
struct P256Signer {
  explicit P256Signer(Point public_point) : point(std::move(public_point)) { decode(); }
  explicit P256Signer(const BIGNUM* private_number) : P256Signer(combination(private_number)) {
    secret = copy(private_number);
  }
  P256Signer() : P256Signer(below_order().get()) {}

  const std::byte* rows() const {
    if (table == nullptr) {
      table.reset(static_cast<std::byte*>(std::aligned_alloc(64, avx512ifma::kP256TableBytes)));
      for (std::uint32_t slice = 0; slice < avx512ifma::kP256TableSlices; ++slice) {
        avx512ifma::p256_build_slice(key, table.get(), slice);
      }
    }
    return table.get();
  }

  Point point;
  Number secret;
  Pkey openssl;
  P256Key key;

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  mutable std::unique_ptr<std::byte, Free> table;

  void decode() {
    unsigned char octets[65];
    EC_POINT_point2oct(p256(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets,
                       numbers());
    OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets);
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
    const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context.get());
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    openssl.reset(made);
    EXPECT_TRUE(decode_p256_key(made, key));
  }
};

/// One check; the numbers may be anything that fits in 32 bytes.
struct P256Case {
  const P256Signer* signer;
  Bytes r, s, hash;
};

inline P256Case case_of(const P256Signer& signer, const BIGNUM* r, const BIGNUM* s,
                        const BIGNUM* hash) {
  return {&signer, bytes_of(r, 32), bytes_of(s, 32), bytes_of(hash, 32)};
}

/// A valid signature on @p hash with the nonce @p k. @pre the signer's private number is known
inline P256Case signed_case(const P256Signer& signer, const BIGNUM* hash, const BIGNUM* k) {
  Number r = number();
  BN_nnmod(r.get(), x_of(combination(k).get()).get(), order(), numbers());
  const Number sum = plus(hash, times(r.get(), signer.secret.get()).get());
  return case_of(signer, r.get(), over(sum.get(), k).get(), hash);
}
inline P256Case signed_case(const P256Signer& signer, const Bytes& message) {
  return signed_case(signer, number_of(sha256(message)).get(), below_order().get());
}

/// A valid signature whose sum is u1 * G + u2 * Q with these two: the hash follows from them.
inline P256Case case_with_sum(const P256Signer& signer, const BIGNUM* u1, const BIGNUM* u2) {
  Number r = number();
  BN_nnmod(r.get(), x_of(combination(u1, signer.point.get(), u2).get()).get(), order(), numbers());
  const Number s = over(r.get(), u2);
  return case_of(signer, r.get(), s.get(), times(u1, s.get()).get());
}

/// DER Ecdsa-Sig-Value of any two numbers.
inline Bytes der_of(const Bytes& r, const Bytes& s) {
  ECDSA_SIG* signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, number_of(r).release(), number_of(s).release());
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature, &der);
  const auto* bytes = reinterpret_cast<const std::byte*>(der);
  Bytes made(bytes, bytes + length);
  OPENSSL_free(der);
  ECDSA_SIG_free(signature);
  return made;
}

/// OpenSSL's verdict on a signature of a digest.
inline bool openssl_accepts(const P256Signer& signer, const Bytes& der, const Bytes& hash) {
  const PkeyContext context(EVP_PKEY_CTX_new(signer.openssl.get(), nullptr));
  EVP_PKEY_verify_init(context.get());
  const auto octets = [](const Bytes& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  return EVP_PKEY_verify(context.get(), octets(der), der.size(), octets(hash), hash.size()) == 1;
}
inline bool openssl_accepts(const P256Case& one) {
  return openssl_accepts(*one.signer, der_of(one.r, one.s), one.hash);
}

}  // namespace crypto::test
