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
template <class V, unsigned L>
struct Pass {
  Modulus<V, L> modulus;
  Lanes<V, L> signature;  ///< 0 in lanes where it is not below n
  Lanes<V, L> hash_scale;
  Lanes<V, L> padding_scaled;
  Word<V> hash[kHashLimbs];
  std::uint32_t exponent[V::kLanes];
  Mask below_n;
};

/// Lanes where a < b.
template <class V, unsigned L>
Mask is_below(const Lanes<V, L>& a, const Lanes<V, L>& b) {
  Word<V> borrow = V::zero();  // 0 or -1
  for (unsigned i = 0; i < L; ++i) {
    borrow = V::sign(V::add(V::sub(a.limb[i], b.limb[i]), borrow));
  }
  return V::negative(borrow);
}

/// One number of each lane's key, in lanes.
template <class V, unsigned L>
void load_numbers(const RsaKey* const* keys, const std::uint64_t (RsaKey::*number)[kRsaMaxLimbs],
                  Lanes<V, L>& out) {
  const std::uint64_t* arrays[V::kLanes];
  for (unsigned lane = 0; lane < V::kLanes; ++lane) arrays[lane] = keys[lane]->*number;
  load_words<V>(arrays, L, out.limb);
}

template <class V, unsigned L>
void load_pass(const RsaCheck* checks, const std::uint8_t* which, Pass<V, L>& pass) {
  const RsaKey* keys[V::kLanes];
  BigEndian signatures[V::kLanes];
  BigEndian hashes[V::kLanes];
  std::uint64_t neg_inverse[V::kLanes];
  for (unsigned lane = 0; lane < V::kLanes; ++lane) {
    const RsaCheck& check = checks[which[lane]];
    keys[lane] = check.key;
    signatures[lane] = {check.signature, check.key->bytes};
    hashes[lane] = {check.hash, kHashBytes};
    neg_inverse[lane] = check.key->neg_inverse;
    pass.exponent[lane] = check.key->exponent;
  }
  load_numbers(keys, &RsaKey::modulus, pass.modulus.n);
  load_numbers(keys, &RsaKey::fold, pass.modulus.fold);
  load_numbers(keys, &RsaKey::hash_scale, pass.hash_scale);
  load_numbers(keys, &RsaKey::padding_scaled, pass.padding_scaled);
  load_big_endian<V, L>(signatures, pass.signature.limb);
  load_big_endian<V, kHashLimbs>(hashes, pass.hash);
  pass.modulus.neg_inverse = V::load(neg_inverse);
  prepare(pass.modulus);
  pass.below_n = is_below(pass.signature, pass.modulus.n);
  for (unsigned i = 0; i < L; ++i) {
    pass.signature.limb[i] = V::choose(pass.below_n, V::zero(), pass.signature.limb[i]);
  }
}

/// power = s^(e-1) * R^-(e-2), for e = 65537 in every lane.
template <class V, unsigned L>
void raise_usual(const Pass<V, L>& pass, Lanes<V, L>& power) {
  square(pass.signature, pass.modulus, power);
  for (unsigned i = 1; i < 16; ++i) square(power, pass.modulus, power);
}

template <class V, unsigned L>
void replace(Mask where, const Lanes<V, L>& by, Lanes<V, L>& number) {
  for (unsigned i = 0; i < L; ++i) {
    number.limb[i] = V::choose(where, number.limb[i], by.limb[i]);
  }
}

/// Lanes whose exponent, less its lowest @p bit bits, is odd or, with @p any, not 0.
template <class V, unsigned L>
Mask exponents_with(const Pass<V, L>& pass, unsigned bit, bool any) {
  unsigned lanes = 0;
  for (unsigned lane = 0; lane < V::kLanes; ++lane) {
    const std::uint32_t rest = pass.exponent[lane] >> bit;
    lanes |= ((any ? rest != 0 : rest % 2 != 0) ? 1U : 0U) << lane;
  }
  return static_cast<Mask>(lanes);
}

/// The same as raise_usual for any exponents: left to right, each lane from its own highest bit on.
template <class V, unsigned L>
void raise_any(const Pass<V, L>& pass, Lanes<V, L>& power) {
  unsigned bit = 31;
  while (exponents_with(pass, bit, true) == 0) --bit;
  power = pass.signature;
  Lanes<V, L> next;
  while (bit-- > 0) {
    const Mask started = exponents_with(pass, bit + 1, true);
    square(power, pass.modulus, next);
    replace(started, next, power);
    const auto odd = static_cast<Mask>(started & exponents_with(pass, bit, false));
    if (bit == 0 || odd == 0) continue;  // the multiplication for bit 0 is the caller's
    multiply(power, pass.signature, pass.modulus, next);
    replace(odd, next, power);
  }
}

/// columns = -(encoded message) * R^-(e-2) mod n, not reduced: 2 L columns, each below 11 * 2^52.
template <class V, unsigned L>
void negated_message(const Pass<V, L>& pass, Word<V>* columns) {
  Word<V> sums[kHashLimbs + 1] = {};  // of columns i..i + 5
  for (unsigned i = 0; i < L; ++i) {
    const Word<V> scale = pass.hash_scale.limb[i];
    sums[0] = V::add(sums[0], pass.padding_scaled.limb[i]);
    for (unsigned j = 0; j < kHashLimbs; ++j) {
      sums[j] = V::add_lower(sums[j], pass.hash[j], scale);
      sums[j + 1] = V::add_upper(sums[j + 1], pass.hash[j], scale);
    }
    columns[i] = sums[0];
    for (unsigned j = 0; j < kHashLimbs; ++j) sums[j] = sums[j + 1];
    sums[kHashLimbs] = V::zero();
  }
  for (unsigned j = 0; j <= kHashLimbs; ++j) columns[L + j] = sums[j];
  for (unsigned i = L + kHashLimbs + 1; i < 2 * L; ++i) columns[i] = V::zero();
}

/// Lanes where @p value, which is below 5 n, is a multiple of n.
template <class V, unsigned L>
Mask is_multiple(const Lanes<V, L>& value, const Modulus<V, L>& modulus) {
  // If value = t n then t = value / n mod 2^52, from the lowest limbs alone.
  const Word<V> negated = V::add_lower(V::zero(), value.limb[0], modulus.neg_inverse);
  const Word<V> t = V::limb(V::sub(V::zero(), negated));
  Word<V> rest = V::zero();   // what value - t n has in the limbs
  Word<V> carry = V::zero();  // and has not in them yet
  for (unsigned i = 0; i < L; ++i) {
    const Word<V> lower = V::add_lower(V::zero(), t, modulus.n.limb[i]);
    const Word<V> column = V::add(carry, V::sub(value.limb[i], lower));
    rest = V::either(rest, V::limb(column));
    carry = V::sub(V::carry(column), V::add_upper(V::zero(), t, modulus.n.limb[i]));
  }
  const Mask too_large = V::above(t, V::all(kMaxMultiple));
  return static_cast<Mask>(V::is_zero(V::either(rest, carry)) & ~too_large);
}

template <class V, unsigned L>
__attribute__((noinline)) Mask verify_pass(const RsaCheck* checks, const std::uint8_t* which,
                                           bool usual) {
  Pass<V, L> pass;
  load_pass(checks, which, pass);
  Lanes<V, L> power;
  if (usual) {
    raise_usual(pass, power);
  } else {
    raise_any(pass, power);
  }
  Word<V> columns[2 * L];
  negated_message(pass, columns);
  // s^e R^-(e-2) minus the message scaled alike: a multiple of n exactly when s^e is the message.
  add_product(power, pass.signature, columns);
  reduce(columns, pass.modulus, power);
  return static_cast<Mask>(is_multiple(power, pass.modulus) & pass.below_n);
}

template <class V>
Mask verify_class(const RsaCheck* checks, const std::uint8_t* which, bool usual) {
  switch (checks[which[0]].key->limbs) {
    case 40:
      return verify_pass<V, 40>(checks, which, usual);
    case 60:
      return verify_pass<V, 60>(checks, which, usual);
    default:
      return verify_pass<V, 80>(checks, which, usual);
  }
}

/// Checks those numbered which[0..count): eight at a time while that leaves no lanes idle that four
/// would not.
void verify_chosen(const RsaCheck* checks, const std::uint8_t* which, std::uint32_t count,
                   bool usual, bool* valid) {
  std::uint32_t done = 0;
  while (done < count) {
    const std::uint32_t left = count - done;
    const unsigned width = left > Four::kLanes ? Eight::kLanes : Four::kLanes;
    std::uint8_t lanes[Eight::kLanes];
    for (unsigned lane = 0; lane < width; ++lane) {
      lanes[lane] = which[lane < left ? done + lane : done];
    }
    const Mask good = width == Eight::kLanes ? verify_class<Eight>(checks, lanes, usual)
                                             : verify_class<Four>(checks, lanes, usual);
    for (unsigned lane = 0; lane < width && lane < left; ++lane) {
      valid[lanes[lane]] = (good >> lane & 1) != 0;
    }
    done += width;
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
