// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/challenge.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <charconv>
#include <stdexcept>

namespace controlplane::enroll {
namespace {

constexpr char kDot = '.';

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text.push_back(kDigits[bytes[i] >> 4U]);
    text.push_back(kDigits[bytes[i] & 15U]);
  }
  return text;
}

}  // namespace

Challenges::Challenges(std::uint32_t wait_s) : wait_s_(wait_s) {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1) {
    throw std::runtime_error("the random number generator of OpenSSL is not seeded");
  }
}

std::string Challenges::sign(std::string_view time, std::string_view source) const {
  const std::string text = std::string(time) + kDot + std::string(source);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
           &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
  }
  return hex(digest.data(), length);
}

std::string Challenges::token(std::string_view source, std::int64_t now_unix_s) const {
  std::array<char, 17> digits{};
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), now_unix_s, 16);
  const std::string time(digits.begin(), end);
  return time + kDot + sign(time, source);
}

Challenges::Verdict Challenges::check(std::string_view token, std::string_view source,
                                      std::int64_t now_unix_s) const {
  const std::size_t dot = token.find(kDot);
  if (dot == std::string_view::npos) return Verdict::kBad;
  const std::string_view time = token.substr(0, dot);
  const std::string_view given = token.substr(dot + 1);
  std::int64_t asked_s = 0;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), asked_s, 16);
  if (error != std::errc{} || end != time.data() + time.size() || asked_s < 0) {
    return Verdict::kBad;
  }
  const std::string expected = sign(time, source);
  if (given.size() != expected.size() ||
      CRYPTO_memcmp(given.data(), expected.data(), expected.size()) != 0) {
    return Verdict::kBad;
  }
  const std::int64_t age_s = now_unix_s - asked_s;  // small: the time is one we signed
  if (age_s < std::int64_t{wait_s_}) return Verdict::kEarly;
  return age_s <= std::int64_t{wait_s_} + kLifetimeS ? Verdict::kGood : Verdict::kBad;
}

}  // namespace controlplane::enroll
