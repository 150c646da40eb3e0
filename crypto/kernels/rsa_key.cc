// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/rsa_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace crypto {
namespace {

struct FreeNumber {
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;
struct FreeContext {
  void operator()(BN_CTX* context) const noexcept { BN_CTX_free(context); }
};
using Context = std::unique_ptr<BN_CTX, FreeContext>;

constexpr int kMinBits = 2048;
/// Kernels let values grow to a few times n and keep signs in the top limb: n leaves them room.
constexpr std::uint32_t kSpareBits = 12;
constexpr std::array<std::uint32_t, 3> kClasses = {40, 60, 80};

/// SHA-256's DigestInfo up to the digest (RFC 8017 section 9.2, note 1).
constexpr std::array<unsigned char, 19> kDigestInfo = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                       0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                       0x01, 0x05, 0x00, 0x04, 0x20};
constexpr std::size_t kDigestBytes = 32;

/// The smallest class that holds a modulus of @p bits, or 0.
std::uint32_t class_of(std::uint32_t bits) noexcept {
  const auto* found = std::find_if(kClasses.begin(), kClasses.end(), [bits](std::uint32_t limbs) {
    return bits + kSpareBits <= limbs * kRsaLimbBits;
  });
  return found == kClasses.end() ? 0 : *found;
}

/// 00 01 FF .. FF 00 DigestInfo and a digest of zeros, as a number. nullptr: out of memory.
Number padding_of(std::uint32_t bytes) {
  std::vector<unsigned char> encoded(bytes, 0xff);
  encoded[0] = 0;
  encoded[1] = 1;
  const auto digest = encoded.end() - static_cast<std::ptrdiff_t>(kDigestBytes);
  const auto info = digest - static_cast<std::ptrdiff_t>(kDigestInfo.size());
  std::copy(kDigestInfo.begin(), kDigestInfo.end(), info);
  std::fill(digest, encoded.end(), static_cast<unsigned char>(0));
  *(info - 1) = 0;
  return Number(BN_bin2bn(encoded.data(), static_cast<int>(encoded.size()), nullptr));
}

/// False when out of memory.
bool to_limbs(const BIGNUM* number, std::uint32_t limbs, std::uint64_t* out) {
  std::vector<unsigned char> bytes(limbs * kRsaLimbBits / 8 + 8);
  // Eight bytes more than the limbs cover, so that every limb can be read as one 64-bit word.
  if (BN_bn2lebinpad(number, bytes.data(), static_cast<int>(bytes.size())) < 0) return false;
  for (std::uint32_t i = 0; i < limbs; ++i) {
    const std::uint32_t bit = i * kRsaLimbBits;
    std::uint64_t word = 0;
    for (std::uint32_t byte = 8; byte-- > 0;) word = word << 8U | bytes[bit / 8 + byte];
    out[i] = word >> (bit % 8) & ((std::uint64_t{1} << kRsaLimbBits) - 1);
  }
  return true;
}

/// -n^-1 mod 2^52 for odd @p n: Newton's iteration doubles the number of right bits (n * n = 1 mod
/// 8 gives the first three).
std::uint64_t neg_inverse_of(std::uint64_t n) noexcept {
  std::uint64_t inverse = n;
  for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - n * inverse;
  return (0 - inverse) & ((std::uint64_t{1} << kRsaLimbBits) - 1);
}

/// out = 2^-(52 * limbs * power) mod n. False when out of memory.
bool inverse_radix_power(const BIGNUM* n, std::uint32_t limbs, std::uint32_t power, BN_CTX* context,
                         BIGNUM* out) {
  const Number radix(BN_new());
  const Number exponent(BN_new());
  return radix != nullptr && exponent != nullptr &&
         BN_set_bit(radix.get(), static_cast<int>(limbs * kRsaLimbBits)) == 1 &&
         BN_set_word(exponent.get(), power) == 1 &&
         BN_mod_inverse(radix.get(), radix.get(), n, context) != nullptr &&
         BN_mod_exp(out, radix.get(), exponent.get(), n, context) == 1;
}

bool fill(const BIGNUM* n, RsaKey& key) {
  const Context context(BN_CTX_new());
  const Number value(BN_new());
  const Number padding = padding_of(key.bytes);
  if (context == nullptr || value == nullptr || padding == nullptr ||
      !to_limbs(n, key.limbs, key.modulus) ||
      !inverse_radix_power(n, kRsaFoldLimbs, 1, context.get(), value.get()) ||
      !to_limbs(value.get(), key.limbs, key.fold) ||
      !inverse_radix_power(n, key.limbs, key.exponent - 2, context.get(), value.get()) ||
      BN_sub(value.get(), n, value.get()) != 1 ||
      !to_limbs(value.get(), key.limbs, key.hash_scale) ||
      BN_mod_mul(value.get(), padding.get(), value.get(), n, context.get()) != 1 ||
      !to_limbs(value.get(), key.limbs, key.padding_scaled)) {
    return false;
  }
  key.neg_inverse = neg_inverse_of(key.modulus[0]);
  return true;
}

bool decode(const EVP_PKEY* openssl, RsaKey& key) {
  BIGNUM* modulus = nullptr;
  BIGNUM* exponent = nullptr;
  const bool read = EVP_PKEY_get_bn_param(openssl, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                    EVP_PKEY_get_bn_param(openssl, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1;
  const Number n(modulus);
  const Number e(exponent);
  if (!read || BN_is_negative(n.get()) || !BN_is_odd(n.get()) || BN_num_bits(n.get()) < kMinBits ||
      BN_is_negative(e.get()) || !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
      BN_num_bits(e.get()) > 32) {
    return false;
  }
  key = RsaKey{};
  key.limbs = class_of(static_cast<std::uint32_t>(BN_num_bits(n.get())));
  key.bytes = static_cast<std::uint32_t>(BN_num_bytes(n.get()));
  key.exponent = static_cast<std::uint32_t>(BN_get_word(e.get()));
  return key.limbs != 0 && fill(n.get(), key);
}

}  // namespace

bool decode_rsa_key(const EVP_PKEY* openssl, RsaKey& key) {
  ERR_set_mark();
  const bool covered = decode(openssl, key);
  ERR_pop_to_mark();
  return covered;
}

}  // namespace crypto
