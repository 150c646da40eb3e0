// SPDX-License-Identifier: Apache-2.0
// Random ECDSA P-256 cases: ordinary and special private numbers, nonces that make additions meet
// equal or opposite points, r and s at the ends of their range, and DER that is almost right.

#include "tests/crypto/p256_reference.h"
#include "tests/crypto/random_cases.h"

namespace crypto::test {
namespace {

constexpr std::size_t kOrdinaryKeys = 20;
constexpr std::size_t kNumberBytes = 32;

/// A private number with its public key as PublicKey takes it.
struct Owner {
  std::shared_ptr<const CaseKey> key;
  std::shared_ptr<BIGNUM> secret;
};

Owner owner(const BIGNUM* secret) {
  unsigned char octets[65];
  const Point point = combination(secret);
  EC_POINT_point2oct(p256(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets,
                     numbers());
  Bytes spki = from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
  const auto* bytes = reinterpret_cast<const std::byte*>(octets);
  spki.insert(spki.end(), bytes, bytes + sizeof octets);
  return {std::make_shared<const CaseKey>(std::move(spki)), {BN_dup(secret), BN_free}};
}

Number random_number(Random& random) {
  Number made = number_of(random.bytes(kNumberBytes));
  BN_nnmod(made.get(), made.get(), order(), numbers());
  if (BN_is_zero(made.get())) BN_one(made.get());
  return made;
}

/// Now and then a number that tables have as a row, or its opposite.
Number nonce(Random& random) {
  Number made = number();
  switch (random.below(12)) {
    case 0:
      BN_set_word(made.get(), 1 + random.below(70));
      return made;
    case 1:
      BN_set_word(made.get(), 1 + random.below(70));
      return opposite(made.get());
    case 2:
      BN_set_bit(made.get(), static_cast<int>(random.below(255)));
      return made;
    default:
      return random_number(random);
  }
}

Number r_of(const BIGNUM* k) {
  Number r = number();
  BN_nnmod(r.get(), x_of(combination(k).get()).get(), order(), numbers());
  return r;
}

class P256Cases : public CaseSource {
 public:
  explicit P256Cases(Random& random) {
    for (std::size_t i = 0; i < kOrdinaryKeys; ++i) {
      owners_.push_back(owner(random_number(random).get()));
    }
    for (const std::uint64_t small : {1U, 2U, 3U, 5U, 32U, 33U}) {
      owners_.push_back(owner(number(small).get()));
      owners_.push_back(owner(opposite(number(small).get()).get()));
    }
    for (const int bit : {6, 60, 128, 252}) {
      Number power = number();
      BN_set_bit(power.get(), bit);
      owners_.push_back(owner(power.get()));
    }
  }

  RandomCase next(Random& random) override {
    if (random.one_in(40)) return meeting(random);
    const Owner& who = random.of(owners_);
    Bytes message = random.message();
    const Number k = nonce(random);
    Number r = r_of(k.get());
    const Number z = number_of(sha256(message));
    Number s = over(plus(z.get(), times(r.get(), who.secret.get()).get()).get(), k.get());
    RandomCase one{who.key, std::move(message), {}, "as signed"};
    if (random.one_in(3)) change_numbers(r, s, random, one);
    one.signature = der(r.get(), s.get());
    if (random.one_in(5)) {
      change_der(one, random);
    } else {
      spoil(one, random);
    }
    return one;
  }

 private:
  static Bytes der(const BIGNUM* r, const BIGNUM* s) {
    ECDSA_SIG* signature = ECDSA_SIG_new();
    ECDSA_SIG_set0(signature, BN_dup(r), BN_dup(s));
    unsigned char* encoded = nullptr;
    const int length = i2d_ECDSA_SIG(signature, &encoded);
    const auto* bytes = reinterpret_cast<const std::byte*>(encoded);
    Bytes made(bytes, bytes + length);
    OPENSSL_free(encoded);
    ECDSA_SIG_free(signature);
    return made;
  }

  /// A key made for its message: both halves of the sum are equal, or opposite to each other.
  static RandomCase meeting(Random& random) {
    Bytes message = random.bytes(1 + random.below(40));
    const Number k = nonce(random);
    const Number r = r_of(k.get());
    const Number z = number_of(sha256(message));
    Number secret = over(z.get(), r.get());  // then z = r d: u1 G = u2 Q
    const bool opposed = random.one_in(4);
    if (opposed) secret = opposite(secret.get());
    const Owner who = owner(secret.get());
    // With opposite halves s would be 0 and no signature; any other s keeps them opposite.
    const Number s = opposed ? random_number(random) : over(plus(z.get(), z.get()).get(), k.get());
    return {who.key, std::move(message), der(r.get(), s.get()),
            opposed ? "halves of the sum opposite" : "halves of the sum equal"};
  }

  static void change_numbers(Number& r, Number& s, Random& random, RandomCase& one) {
    Number& which = random.one_in(2) ? r : s;
    switch (random.below(9)) {
      case 0:
        s = opposite(s.get());
        one.what = "s negated";
        break;
      case 1:
        BN_add(which.get(), which.get(), order());
        one.what = "r or s plus the order";
        break;
      case 2:
        which = near(order(), static_cast<int>(random.below(5)) - 2);
        one.what = "r or s near the order";
        break;
      case 3:
        which = number(random.below(3));
        one.what = "r or s small";
        break;
      case 4:
        BN_zero(r.get());
        BN_zero(s.get());
        one.what = "r and s zero";
        break;
      case 5:
        which = random_number(random);
        one.what = "r or s random";
        break;
      case 6:
        which = number_of(Bytes(kNumberBytes, std::byte{0xff}));
        one.what = "r or s all ones";
        break;
      case 7:
        BN_lshift(which.get(), which.get(), static_cast<int>(1 + random.below(300)));
        one.what = "r or s too long";
        break;
      default:
        std::swap(r, s);
        one.what = "r and s exchanged";
        break;
    }
  }

  /// SEQUENCE, its length, INTEGER, the length of r, r, INTEGER, the length of s, s.
  static void change_der(RandomCase& one, Random& random) {
    Bytes& all = one.signature;
    if (all.size() < 8) return;
    const auto at = [&all](std::size_t i) -> std::byte& { return all[i]; };
    const auto grow = [&at](std::size_t i, unsigned by) {
      at(i) = static_cast<std::byte>(std::to_integer<unsigned>(at(i)) + by);
    };
    one.what = "almost DER";
    switch (random.below(9)) {
      case 8:  // r negative
        at(4) |= std::byte{0x80};
        break;
      case 0:  // a zero byte too many in front of r
        all.insert(all.begin() + 4, std::byte{0});
        grow(3, 1);
        grow(1, 1);
        break;
      case 1:  // a length in the long form
        all.insert(all.begin() + 1, std::byte{0x81});
        break;
      case 2:
        all.insert(all.begin() + 3, std::byte{0x81});
        grow(1, 1);
        break;
      case 3:  // of indefinite length
        at(1) = std::byte{0x80};
        all.insert(all.end(), 2, std::byte{0});
        break;
      case 4:  // a byte inside the SEQUENCE behind s
        all.push_back(std::byte{0});
        grow(1, 1);
        break;
      case 5:  // another tag
        at(random.one_in(2) ? 0 : 2) ^= static_cast<std::byte>(1U << random.below(8));
        break;
      case 6:
        all.resize(random.below(all.size()));
        break;
      default:
        grow(random.one_in(2) ? 1 : 3, static_cast<unsigned>(random.below(256)));
        break;
    }
  }

  std::vector<Owner> owners_;
};

}  // namespace

std::unique_ptr<CaseSource> p256_cases(Random& random) {
  return std::make_unique<P256Cases>(random);
}

}  // namespace crypto::test
