// SPDX-License-Identifier: Apache-2.0
// Random Ed25519 cases: ordinary keys, keys of small and of mixed order, keys that are no point;
// R with a part of small order, S out of range.

#include <array>

#include "tests/crypto/edwards_reference.h"
#include "tests/crypto/random_cases.h"

namespace crypto::test {
namespace {

/// Encodings that OpenSSL takes for the eight points of small order. The first eight are canonical,
/// the multiples 0 to 7 of one of order eight; the others are not (RFC 8032 would refuse them).
constexpr std::array<const char*, 14> kSmallOrder = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
constexpr std::size_t kTorsion = 8;
constexpr std::size_t kNonces = 48;
constexpr std::size_t kOrdinaryKeys = 24;
constexpr std::size_t kMixedKeys = 12;

Bytes spki_of(const Bytes& encoded) {
  Bytes spki = from_hex("302a300506032b6570032100");
  spki.insert(spki.end(), encoded.begin(), encoded.end());
  return spki;
}

/// A key whose private scalar is known: for a mixed one, that of its part of prime order.
struct Owner {
  Big scalar;
  Bytes encoded;
  std::shared_ptr<const CaseKey> key;
};

class Ed25519Cases : public CaseSource {
 public:
  explicit Ed25519Cases(Random& random) {
    for (const char* hex : kSmallOrder) small_.push_back(from_hex(hex));
    for (std::size_t i = 0; i < kOrdinaryKeys; ++i) {
      const BaseMultiple made(static_cast<unsigned>(random.below(65536)));
      owners_.push_back(owner(made.scalar, made.encoded));
    }
    for (std::size_t i = 0; i < kMixedKeys; ++i) {
      const Owner& part = owners_[i];
      owners_.push_back(owner(part.scalar, plus_small(part.encoded, 1 + random.below(7))));
    }
    for (std::size_t i = 0; i < kNonces; ++i) {
      const BaseMultiple made(static_cast<unsigned>(random.below(65536)));
      nonces_.push_back(made.scalar);
      for (std::size_t t = 0; t < kTorsion; ++t) {
        nonce_points_.push_back(plus_small(made.encoded, t));
      }
    }
    for (const Bytes& encoded : small_) others_.push_back(key_of(encoded));
    for (int i = 0; i < 6; ++i) others_.push_back(key_of(random.bytes(32)));
  }

  RandomCase next(Random& random) override {
    if (random.one_in(8)) return forged(random);
    RandomCase one = signed_case(random);
    if (random.one_in(3)) {
      change_s(one, random);
    } else {
      spoil(one, random);
    }
    return one;
  }

 private:
  static std::shared_ptr<const CaseKey> key_of(const Bytes& encoded) {
    return std::make_shared<const CaseKey>(spki_of(encoded));
  }
  static Owner owner(const Big& scalar, const Bytes& encoded) {
    return {scalar, encoded, key_of(encoded)};
  }
  [[nodiscard]] Bytes plus_small(const Bytes& encoded, std::size_t which) const {
    return edwards_encode(edwards_sum(edwards_decode(encoded), small_points()[which]));
  }
  static const std::vector<EdwardsPoint>& small_points() {
    static const auto kPoints = [] {
      std::vector<EdwardsPoint> points;
      const EdwardsPoint eighth = edwards_decode(from_hex(kSmallOrder[1]));
      for (unsigned t = 0; t < kTorsion; ++t) points.push_back(edwards_multiple(t, eighth));
      return points;
    }();
    return kPoints;
  }

  /// S = r + h a. Valid unless R or the key has a part of small order that does not cancel.
  RandomCase signed_case(Random& random) {
    const Owner& who = random.of(owners_);
    const std::size_t nonce = random.below(nonces_.size());
    const std::size_t torsion = random.one_in(4) ? random.below(kTorsion) : 0;
    Bytes message = random.message();
    Bytes signature = nonce_points_[nonce * kTorsion + torsion];
    const Big h = scalars().reduce(Big::from_bytes(sha512({signature, who.encoded, message})));
    const Bytes s = scalars().add(nonces_[nonce], scalars().mul(h, who.scalar)).bytes(32);
    signature.insert(signature.end(), s.begin(), s.end());
    return {who.key, std::move(message), std::move(signature),
            torsion == 0 ? "as signed" : "R plus a point of small order"};
  }

  void change_s(RandomCase& one, Random& random) {
    const Big& order = scalars().modulus();
    const auto put = [&](const Big& s) {
      const Bytes bytes = s.bytes(32);
      std::copy(bytes.begin(), bytes.end(), one.signature.begin() + 32);
    };
    switch (random.below(8)) {
      case 0: {
        Big sum;
        BN_add(sum.get(), Big::from_bytes(std::span(one.signature).subspan(32)).get(), order.get());
        put(sum);
        one.what = "S plus the group order";
        break;
      }
      case 1:
        put(order);
        one.what = "S is the group order";
        break;
      case 2:
        put(scalars().sub(Big(0), Big(1)));
        one.what = "S is the group order less one";
        break;
      case 3:
        put(Big(random.below(3)));
        one.what = "S is small";
        break;
      case 4: {
        const Bytes s = random.bytes(32);
        std::copy(s.begin(), s.end(), one.signature.begin() + 32);
        one.what = "S is random";
        break;
      }
      case 5:
        put(scalars().sub(Big(0), Big::from_bytes(std::span(one.signature).subspan(32))));
        one.what = "S negated";
        break;
      case 6:
        one.signature[31] ^= std::byte{0x80};
        one.what = "R negated";
        break;
      default:
        break;
    }
  }

  /// Keys nobody signs with: small multiples on both sides of the equation, so that some are valid.
  RandomCase forged(Random& random) {
    RandomCase one{random.of(others_), random.bytes(random.below(40)), {}, "forged"};
    one.signature = random.one_in(6) ? random.bytes(32) : random.of(small_);
    Bytes s(32);
    if (random.one_in(4)) {
      const std::size_t nonce = random.below(nonces_.size());
      s = nonces_[nonce].bytes(32);
      if (random.one_in(2))
        one.signature = nonce_points_[nonce * kTorsion + random.below(kTorsion)];
    }
    one.signature.insert(one.signature.end(), s.begin(), s.end());
    return one;
  }

  std::vector<Bytes> small_;
  std::vector<Owner> owners_;
  std::vector<Big> nonces_;
  std::vector<Bytes> nonce_points_;  ///< kTorsion for each nonce
  std::vector<std::shared_ptr<const CaseKey>> others_;
};

}  // namespace

std::unique_ptr<CaseSource> ed25519_cases(Random& random) {
  return std::make_unique<Ed25519Cases>(random);
}

}  // namespace crypto::test
