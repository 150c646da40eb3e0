// SPDX-License-Identifier: Apache-2.0
// Arithmetic of edwards25519 the plainest way, on OpenSSL's BIGNUM: affine points, one inversion
// for each sum. For making keys and signatures that no signing function makes.

#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <memory>

#include "tests/crypto/reference.h"

namespace crypto::test {

/// A non-negative integer.
class Big {
 public:
  explicit Big(std::uint64_t word = 0) : number_(BN_new(), BN_free) { BN_set_word(get(), word); }
  static Big from_bytes(std::span<const std::byte> little_endian) {
    Big value;
    BN_lebin2bn(reinterpret_cast<const unsigned char*>(little_endian.data()),
                static_cast<int>(little_endian.size()), value.get());
    return value;
  }
  static Big random_below(const Big& bound) {
    Big value;
    BN_rand_range(value.get(), bound.get());
    return value;
  }
  [[nodiscard]] Bytes bytes(std::size_t length) const {
    Bytes little_endian(length);
    EXPECT_GE(BN_bn2lebinpad(get(), reinterpret_cast<unsigned char*>(little_endian.data()),
                             static_cast<int>(length)),
              0);
    return little_endian;
  }
  [[nodiscard]] BIGNUM* get() const { return number_.get(); }
  [[nodiscard]] bool is_odd() const { return BN_is_odd(get()) != 0; }
  friend bool operator==(const Big& a, const Big& b) { return BN_cmp(a.get(), b.get()) == 0; }

 private:
  std::shared_ptr<BIGNUM> number_;
};

/// Integers modulo m, which outlives this.
class Modulo {
 public:
  explicit Modulo(Big m) : m_(std::move(m)), context_(BN_CTX_new(), BN_CTX_free) {}
  [[nodiscard]] Big reduce(const Big& a) const { return with(BN_nnmod, a); }
  [[nodiscard]] Big add(const Big& a, const Big& b) const { return with(BN_mod_add, a, b); }
  [[nodiscard]] Big sub(const Big& a, const Big& b) const { return with(BN_mod_sub, a, b); }
  [[nodiscard]] Big mul(const Big& a, const Big& b) const { return with(BN_mod_mul, a, b); }
  [[nodiscard]] Big inverse(const Big& a) const {
    Big r;
    EXPECT_NE(BN_mod_inverse(r.get(), a.get(), m_.get(), context_.get()), nullptr);
    return r;
  }
  [[nodiscard]] Big root(const Big& a) const {
    Big r;
    EXPECT_NE(BN_mod_sqrt(r.get(), a.get(), m_.get(), context_.get()), nullptr);
    return r;
  }
  [[nodiscard]] const Big& modulus() const { return m_; }

 private:
  template <class Operation>
  Big with(Operation operation, const Big& a) const {
    Big r;
    operation(r.get(), a.get(), m_.get(), context_.get());
    return r;
  }
  template <class Operation>
  Big with(Operation operation, const Big& a, const Big& b) const {
    Big r;
    operation(r.get(), a.get(), b.get(), m_.get(), context_.get());
    return r;
  }
  Big m_;
  std::shared_ptr<BN_CTX> context_;
};

/// Modulo p = 2^255 - 19.
inline const Modulo& field() {
  static const Modulo kField(Big::from_bytes(
      from_hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")));
  return kField;
}

/// Modulo L, the order of the base point.
inline const Modulo& scalars() {
  static const Modulo kScalars(Big::from_bytes(
      from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")));
  return kScalars;
}

struct EdwardsPoint {
  Big x, y;
};

inline Big edwards_d() {
  const Modulo& f = field();
  return f.sub(Big(0), f.mul(Big(121665), f.inverse(Big(121666))));
}

/// From a canonical encoding of a point.
inline EdwardsPoint edwards_decode(Bytes encoded) {
  const Modulo& f = field();
  const bool sign = (encoded[31] & std::byte{0x80}) != std::byte{0};
  encoded[31] &= std::byte{0x7f};
  const Big y = Big::from_bytes(encoded);
  const Big y2 = f.mul(y, y);
  const Big x2 = f.mul(f.sub(y2, Big(1)), f.inverse(f.add(f.mul(edwards_d(), y2), Big(1))));
  const Big x = f.root(x2);
  return {x.is_odd() == sign ? x : f.sub(Big(0), x), y};
}

inline Bytes edwards_encode(const EdwardsPoint& p) {
  Bytes encoded = p.y.bytes(32);
  if (p.x.is_odd()) encoded[31] |= std::byte{0x80};
  return encoded;
}

inline EdwardsPoint edwards_sum(const EdwardsPoint& p, const EdwardsPoint& q) {
  const Modulo& f = field();
  const Big xx = f.mul(p.x, q.x);
  const Big yy = f.mul(p.y, q.y);
  const Big xy = f.add(f.mul(p.x, q.y), f.mul(p.y, q.x));
  const Big t = f.mul(edwards_d(), f.mul(xx, yy));
  return {f.mul(xy, f.inverse(f.add(Big(1), t))),
          f.mul(f.add(yy, xx), f.inverse(f.sub(Big(1), t)))};
}

inline EdwardsPoint edwards_multiple(unsigned times, const EdwardsPoint& p) {
  EdwardsPoint sum{Big(0), Big(1)};
  for (; times != 0; --times) sum = edwards_sum(sum, p);
  return sum;
}

inline Bytes sha512(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  Bytes digest(SHA512_DIGEST_LENGTH);
  SHA512(reinterpret_cast<const unsigned char*>(all.data()), all.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

/// A scalar and its multiple of the base point, as OpenSSL makes them from a seed.
struct BaseMultiple {
  explicit BaseMultiple(unsigned number) {
    Bytes seed(32);
    seed[0] = static_cast<std::byte>(number);
    seed[1] = static_cast<std::byte>(number >> 8U);
    Bytes clamped = sha512({seed});
    clamped.resize(32);
    clamped[0] &= std::byte{0xf8};
    clamped[31] = (clamped[31] & std::byte{0x3f}) | std::byte{0x40};
    scalar = scalars().reduce(Big::from_bytes(clamped));
    EVP_PKEY* key = EVP_PKEY_new_raw_private_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed.data()), 32);
    std::size_t length = 32;
    encoded.resize(length);
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(encoded.data()), &length);
    EVP_PKEY_free(key);
  }
  Big scalar;
  Bytes encoded;
};

}  // namespace crypto::test
