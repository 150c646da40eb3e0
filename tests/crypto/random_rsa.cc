// SPDX-License-Identifier: Apache-2.0
// Random RSA cases: moduli of every size class, small and large exponents, padding that is almost
// right, numbers at and above the modulus. Signing is slow, so signatures are made beforehand.

#include "tests/crypto/random_cases.h"
#include "tests/crypto/rsa_reference.h"

namespace crypto::test {
namespace {

constexpr std::size_t kSignaturesPerKey = 24;

struct KeyShape {
  int bits;
  std::uint64_t exponent;
};
constexpr std::array<KeyShape, 7> kShapes = {{{2048, 65537},
                                              {2048, 65537},
                                              {2056, 65537},
                                              {2048, 3},
                                              {3072, 65537},
                                              {2048, 4294967291},
                                              {4096, 65537}}};

/// Encoded messages, the right one and some that a careless check takes for it (RFC 8017 section
/// 9.2).
std::vector<std::pair<Bytes, const char*>> encodings(const Bytes& message, std::size_t length) {
  const Bytes digest = sha256(message);
  const Bytes right = encoded_message(digest_info(digest), length);
  std::vector<std::pair<Bytes, const char*>> all = {{right, "as signed"}};
  const auto changed = [&](std::size_t at, std::uint8_t byte, const char* what) {
    Bytes other = right;
    other[at] = static_cast<std::byte>(byte);
    all.emplace_back(std::move(other), what);
  };
  changed(1, 2, "block type 2");
  changed(2, 0xfe, "first padding byte");
  changed(length / 2, 0, "padding ends early");
  changed(length - 52, 0xff, "no zero behind the padding");
  changed(length - 1, std::to_integer<std::uint8_t>(digest.back()) ^ 1U, "last bit of the digest");
  Bytes without_null = from_hex(
      "302f300b0609608648016503040201"
      "0420");
  without_null.insert(without_null.end(), digest.begin(), digest.end());
  all.emplace_back(encoded_message(without_null, length), "no NULL parameters");
  all.emplace_back(encoded_message(digest, length), "the bare digest");
  Bytes early = from_hex("0001ffffffffffffffffffff00");
  const Bytes info = digest_info(digest);
  early.insert(early.end(), info.begin(), info.end());
  early.resize(length, std::byte{0x55});
  all.emplace_back(std::move(early), "digest in front, garbage behind");
  return all;
}

class RsaCases : public CaseSource {
 public:
  RsaCases() {
    for (const KeyShape& shape : kShapes) {
      const RsaSigner signer(shape.bits, shape.exponent);
      const auto key = std::make_shared<const CaseKey>(signer.spki);
      for (std::size_t i = 0; i < kSignaturesPerKey; ++i) {
        const Bytes message(i % 8 == 7 ? 40 * i * i : i, static_cast<std::byte>(i));
        const auto all = encodings(message, signer.key.bytes);
        // Every second one right.
        const auto& [encoded, what] = all[i % 2 == 0 ? 0 : i / 2 % all.size()];
        made_.push_back({{key, message, signer.raw_sign(encoded), what}, copy_of(signer.n.get())});
      }
    }
  }

  RandomCase next(Random& random) override {
    const Made& from = random.of(made_);
    RandomCase one = from.signed_case;
    if (random.one_in(4)) {
      change_number(one, from.modulus.get(), random);
    } else {
      spoil(one, random);
    }
    return one;
  }

 private:
  struct Made {
    RandomCase signed_case;
    std::shared_ptr<BIGNUM> modulus;
  };
  static std::shared_ptr<BIGNUM> copy_of(const BIGNUM* number) { return {BN_dup(number), BN_free}; }

  static void change_number(RandomCase& one, const BIGNUM* modulus, Random& random) {
    const std::size_t length = one.signature.size();
    Number value = number_of(one.signature);
    const char* const before = one.what;
    switch (random.below(7)) {
      case 0:
        BN_add(value.get(), value.get(), modulus);
        one.what = "plus the modulus";
        break;
      case 1:
        BN_copy(value.get(), modulus);
        one.what = "the modulus";
        break;
      case 2:
        BN_copy(value.get(), modulus);
        BN_sub_word(value.get(), 1);
        one.what = "the modulus less one";
        break;
      case 3:
        BN_set_word(value.get(), random.below(3));
        one.what = "small";
        break;
      case 4:
        value = number_of(random.bytes(length));
        one.what = "random";
        break;
      case 5:
        BN_sub(value.get(), modulus, value.get());
        one.what = "negated";
        break;
      default:
        one.signature.insert(one.signature.begin(), std::byte{0});
        one.what = "a zero byte in front";
        return;
    }
    if (static_cast<std::size_t>(BN_num_bytes(value.get())) > length) {
      one.what = before;
      return;
    }
    one.signature = bytes_of(value.get(), length);
  }

  std::vector<Made> made_;
};

}  // namespace

std::unique_ptr<CaseSource> rsa_cases() { return std::make_unique<RsaCases>(); }

}  // namespace crypto::test
