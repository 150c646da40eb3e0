// SPDX-License-Identifier: Apache-2.0
// Random signatures, good ones and bad ones of every kind an implementation could get wrong, for
// comparing kernels with OpenSSL.

#pragma once

#include <memory>
#include <random>

#include "tests/crypto/reference.h"

namespace crypto::test {

/// Where all choices come from. Keys and RSA signatures partly come from OpenSSL's own generator,
/// so a case that fails is printed whole.
class Random {
 public:
  explicit Random(std::uint64_t seed) : generator_(seed) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(generator_() % end); }
  bool one_in(std::size_t times) { return below(times) == 0; }
  Bytes bytes(std::size_t count) {
    Bytes made(count);
    for (std::byte& byte : made) byte = static_cast<std::byte>(generator_());
    return made;
  }
  /// Mostly as long as messages are, now and then longer than lanes hash.
  Bytes message() { return bytes(below(one_in(40) ? 9000 : 300)); }
  template <class Container>
  const auto& of(const Container& all) {
    return all[below(all.size())];
  }
  void flip_bit(Bytes& bytes) {
    if (bytes.empty()) return;
    bytes[below(bytes.size())] ^= static_cast<std::byte>(1U << below(8));
  }

 private:
  std::mt19937_64 generator_;
};

struct CaseKey {
  explicit CaseKey(Bytes der) : spki(std::move(der)) {
    std::string why;
    key = PublicKey::from_spki(spki, why);
    EXPECT_NE(key, nullptr) << why;
  }
  Bytes spki;
  std::unique_ptr<PublicKey> key;
};

struct RandomCase {
  std::shared_ptr<const CaseKey> signer;
  Bytes message;
  Bytes signature;
  const char* what;  ///< how it was made
};

class CaseSource {
 public:
  virtual ~CaseSource() = default;
  virtual RandomCase next(Random& random) = 0;
};

std::unique_ptr<CaseSource> ed25519_cases(Random& random);
std::unique_ptr<CaseSource> p256_cases(Random& random);
std::unique_ptr<CaseSource> rsa_cases();

/// What may go wrong with any signature: bits, length, the message. Leaves a part as it is.
inline void spoil(RandomCase& one, Random& random) {
  switch (random.below(10)) {
    case 0:
      random.flip_bit(one.signature);
      one.what = "bit of the signature flipped";
      break;
    case 1:
      random.flip_bit(one.message);
      one.what = "bit of the message flipped";
      break;
    case 2:
      one.message.push_back(std::byte{0});
      one.what = "message a byte longer";
      break;
    case 3:
      if (random.one_in(2)) {
        one.signature.push_back(static_cast<std::byte>(random.below(256)));
      } else if (!one.signature.empty()) {
        one.signature.pop_back();
      }
      one.what = "signature a byte longer or shorter";
      break;
    case 4:
      if (random.one_in(8)) {
        one.signature.assign(one.signature.size(), std::byte{0});
        one.what = "all bytes of the signature zero";
      }
      break;
    default:
      break;
  }
}

}  // namespace crypto::test
