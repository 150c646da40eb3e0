// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/avx512ifma/rsa.h"

#include "crypto/kernels/avx512ifma/rsa_load.h"
#include "crypto/kernels/avx512ifma/rsa_montgomery.h"

namespace crypto::avx512ifma {
namespace {

constexpr std::uint32_t kHashBytes = 32;
constexpr unsigned kHashLimbs = 5;
constexpr std::uint32_t kUsualExponent = 65537;
/// Results of a reduction are below 5 n: multiples of n up to here may stand for zero.
constexpr long long kMaxMultiple = 4;

/// What one pass checks, lane by lane. Lanes without a check repeat the first one.
template <unsigned L>
struct Pass {
  Modulus<L> modulus;
  Lanes<L> signature;  ///< 0 in lanes where it is not below n
  Lanes<L> hash_scale;
  Lanes<L> padding_scaled;
  __m512i hash[kHashLimbs];
  __m512i exponent;
  __mmask8 below_n;
};

/// Lanes where a < b.
template <unsigned L>
__mmask8 is_below(const Lanes<L>& a, const Lanes<L>& b) {
  __m512i borrow = _mm512_setzero_si512();  // 0 or -1
  for (unsigned i = 0; i < L; ++i) {
    const __m512i difference = _mm512_sub_epi64(a.limb[i], b.limb[i]);
    borrow = _mm512_srai_epi64(_mm512_add_epi64(difference, borrow), 63);
  }
  return _mm512_movepi64_mask(borrow);
}

/// One number of each lane's key, in lanes.
template <unsigned L>
void load_numbers(const RsaKey* const (&keys)[kLanes],
                  const std::uint64_t (RsaKey::*number)[kRsaMaxLimbs], Lanes<L>& out) {
  const std::uint64_t* arrays[kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane) arrays[lane] = keys[lane]->*number;
  load_words(arrays, L, out.limb);
}

template <unsigned L>
void load_pass(const RsaCheck* checks, const std::uint8_t* which, Pass<L>& pass) {
  const RsaKey* keys[kLanes];
  BigEndian signatures[kLanes];
  BigEndian hashes[kLanes];
  alignas(64) unsigned long long neg_inverse[kLanes];
  alignas(64) unsigned long long exponent[kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const RsaCheck& check = checks[which[lane]];
    keys[lane] = check.key;
    signatures[lane] = {check.signature, check.key->bytes};
    hashes[lane] = {check.hash, kHashBytes};
    neg_inverse[lane] = check.key->neg_inverse;
    exponent[lane] = check.key->exponent;
  }
  load_numbers(keys, &RsaKey::modulus, pass.modulus.n);
  load_numbers(keys, &RsaKey::fold, pass.modulus.fold);
  load_numbers(keys, &RsaKey::hash_scale, pass.hash_scale);
  load_numbers(keys, &RsaKey::padding_scaled, pass.padding_scaled);
  load_big_endian<L>(signatures, pass.signature.limb);
  load_big_endian<kHashLimbs>(hashes, pass.hash);
  pass.modulus.neg_inverse = _mm512_load_si512(neg_inverse);
  pass.exponent = _mm512_load_si512(exponent);
  prepare(pass.modulus);
  pass.below_n = is_below(pass.signature, pass.modulus.n);
  for (unsigned i = 0; i < L; ++i) {
    pass.signature.limb[i] = _mm512_maskz_mov_epi64(pass.below_n, pass.signature.limb[i]);
  }
}

/// power = s^(e-1) * R^-(e-2), for e = 65537 in every lane.
template <unsigned L>
void raise_usual(const Pass<L>& pass, Lanes<L>& power) {
  square(pass.signature, pass.modulus, power);
  for (unsigned i = 1; i < 16; ++i) square(power, pass.modulus, power);
}

/// The same for any exponents: left to right, each lane from its own highest bit on.
template <unsigned L>
void raise_any(const Pass<L>& pass, Lanes<L>& power) {
  const __m512i one = _mm512_set1_epi64(1);
  unsigned bit = 31;
  while (_mm512_test_epi64_mask(_mm512_srli_epi64(pass.exponent, bit), one) == 0) --bit;
  power = pass.signature;
  Lanes<L> next;
  while (bit-- > 0) {
    const __m512i higher = _mm512_srli_epi64(pass.exponent, bit + 1);
    const __mmask8 started = _mm512_test_epi64_mask(higher, higher);
    square(power, pass.modulus, next);
    for (unsigned i = 0; i < L; ++i) {
      power.limb[i] = _mm512_mask_mov_epi64(power.limb[i], started, next.limb[i]);
    }
    if (bit == 0) break;  // the last multiplication is the caller's
    const __mmask8 odd =
        started & _mm512_test_epi64_mask(_mm512_srli_epi64(pass.exponent, bit), one);
    if (odd == 0) continue;
    multiply(power, pass.signature, pass.modulus, next);
    for (unsigned i = 0; i < L; ++i) {
      power.limb[i] = _mm512_mask_mov_epi64(power.limb[i], odd, next.limb[i]);
    }
  }
}

/// columns = -(encoded message) * R^-(e-2) mod n, not reduced: 2 L columns, each below 11 *
/// 2^52.
template <unsigned L>
void negated_message(const Pass<L>& pass, __m512i* columns) {
  const __m512i zero = _mm512_setzero_si512();
  __m512i sums[kHashLimbs + 1] = {};  // of columns i..i + 5
  for (unsigned i = 0; i < L; ++i) {
    const __m512i scale = pass.hash_scale.limb[i];
    sums[0] = _mm512_add_epi64(sums[0], pass.padding_scaled.limb[i]);
    for (unsigned j = 0; j < kHashLimbs; ++j) {
      sums[j] = _mm512_madd52lo_epu64(sums[j], pass.hash[j], scale);
      sums[j + 1] = _mm512_madd52hi_epu64(sums[j + 1], pass.hash[j], scale);
    }
    columns[i] = sums[0];
    for (unsigned j = 0; j < kHashLimbs; ++j) sums[j] = sums[j + 1];
    sums[kHashLimbs] = zero;
  }
  for (unsigned j = 0; j <= kHashLimbs; ++j) columns[L + j] = sums[j];
  for (unsigned i = L + kHashLimbs + 1; i < 2 * L; ++i) columns[i] = zero;
}

/// Lanes where @p value, which is below 5 n, is a multiple of n.
template <unsigned L>
__mmask8 is_zero(const Lanes<L>& value, const Modulus<L>& modulus) {
  // If value = t n then t = value / n mod 2^52, from the lowest limbs alone.
  const __m512i zero = _mm512_setzero_si512();
  const __m512i negated = _mm512_madd52lo_epu64(zero, value.limb[0], modulus.neg_inverse);
  const __m512i t = _mm512_and_si512(_mm512_sub_epi64(zero, negated), limb_mask());
  __mmask8 zeros = _mm512_cmple_epu64_mask(t, _mm512_set1_epi64(kMaxMultiple));
  __m512i carry = zero;
  for (unsigned i = 0; i < L; ++i) {
    // t is at most 4 where it counts, so t * limb fits one column.
    carry = _mm512_add_epi64(carry, _mm512_mul_epu32(t, modulus.n.limb[i]));
    const __m512i upper = _mm512_mul_epu32(t, _mm512_srli_epi64(modulus.n.limb[i], 32));
    carry = _mm512_add_epi64(carry, _mm512_slli_epi64(upper, 32));
    const __m512i limb = _mm512_and_si512(carry, limb_mask());
    zeros &= _mm512_cmpeq_epi64_mask(limb, value.limb[i]);
    carry = _mm512_srli_epi64(carry, kRsaLimbBits);
  }
  return zeros & _mm512_testn_epi64_mask(carry, carry);
}

template <unsigned L>
__attribute__((noinline)) __mmask8 verify_pass(const RsaCheck* checks, const std::uint8_t* which,
                                               bool usual) {
  Pass<L> pass;
  load_pass(checks, which, pass);
  Lanes<L> power;
  if (usual) {
    raise_usual(pass, power);
  } else {
    raise_any(pass, power);
  }
  __m512i columns[2 * L];
  negated_message(pass, columns);
  // s^e R^-(e-2) minus the message scaled alike: a multiple of n exactly when s^e is the message.
  add_product(power, pass.signature, columns);
  reduce(columns, pass.modulus, power);
  return is_zero(power, pass.modulus) & pass.below_n;
}

/// Checks those numbered which[0..count), eight at a time.
void verify_chosen(const RsaCheck* checks, const std::uint8_t* which, std::uint32_t count,
                   bool usual, bool* valid) {
  for (std::uint32_t begin = 0; begin < count; begin += kLanes) {
    std::uint8_t lanes[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = which[begin + lane < count ? begin + lane : begin];
    }
    const std::uint32_t limbs = checks[which[begin]].key->limbs;
    const __mmask8 good = limbs == 40   ? verify_pass<40>(checks, lanes, usual)
                          : limbs == 60 ? verify_pass<60>(checks, lanes, usual)
                                        : verify_pass<80>(checks, lanes, usual);
    for (unsigned lane = 0; lane < kLanes && begin + lane < count; ++lane) {
      valid[lanes[lane]] = (good >> lane & 1) != 0;
    }
  }
}

}  // namespace

void rsa_verify(const RsaCheck* checks, std::uint32_t count, bool* valid) noexcept {
  assert(count >= 1 && count <= kRsaMaxChecks);
  std::uint8_t usual[kRsaMaxChecks];
  std::uint8_t others[kRsaMaxChecks];
  std::uint32_t usual_count = 0;
  std::uint32_t other_count = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    assert(checks[i].key->limbs == checks[0].key->limbs);
    if (checks[i].key->exponent == kUsualExponent) {
      usual[usual_count++] = static_cast<std::uint8_t>(i);
    } else {
      others[other_count++] = static_cast<std::uint8_t>(i);
    }
  }
  verify_chosen(checks, usual, usual_count, true, valid);
  verify_chosen(checks, others, other_count, false, valid);
}

}  // namespace crypto::avx512ifma
