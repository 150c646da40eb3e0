// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/password.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <stdexcept>
#include <vector>

namespace controlplane::enroll {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::string_view kPrefix = "$scrypt$";

using Salt = std::array<unsigned char, kSaltBytes>;
using Hash = std::array<unsigned char, kHashBytes>;

struct Stored {
  ScryptCost cost;
  Salt salt{};
  Hash hash{};
};

/// HMAC, deep inside, fills a short key up with zeros.
bool has_nul(std::string_view password) { return password.find('\0') != std::string_view::npos; }

bool derive(std::string_view password, const Salt& salt, const ScryptCost& cost, Hash& hash) {
  // OpenSSL counts its own blocks as well: leave it room beside the table.
  const std::uint64_t most = 2 * memory_bytes(cost) + (std::uint64_t{1} << 20U);
  ERR_set_mark();
  const bool made = EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(),
                                   std::uint64_t{1} << cost.log2_n, cost.r, cost.p, most,
                                   hash.data(), hash.size()) == 1;
  ERR_pop_to_mark();
  return made;
}

std::string base64(std::span<const unsigned char> bytes) {
  std::vector<unsigned char> text((bytes.size() + 2) / 3 * 4 + 1);
  const int length = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

template <std::size_t N>
bool from_base64(std::string_view text, std::array<unsigned char, N>& bytes) {
  constexpr std::size_t kText = (N + 2) / 3 * 4;
  if (text.size() != kText) return false;
  std::array<unsigned char, kText / 4 * 3> decoded{};
  if (EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(kText)) < 0) {
    return false;
  }
  std::copy_n(decoded.begin(), N, bytes.begin());
  return true;
}

/// Takes "name=number" and the character behind it off the front of @p text.
bool take(std::string_view& text, std::string_view name, char behind, std::uint32_t most,
          std::uint32_t& number) {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0 || number > most) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty() || text.front() != behind) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Stored> parse(std::string_view text) {
  Stored stored;
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  if (!take(text, "ln=", ',', 24, stored.cost.log2_n) ||
      !take(text, "r=", ',', 64, stored.cost.r) || !take(text, "p=", '$', 64, stored.cost.p)) {
    return std::nullopt;
  }
  const std::size_t dollar = text.find('$');
  if (memory_bytes(stored.cost) > kMostScryptBytes || dollar == std::string_view::npos ||
      !from_base64(text.substr(0, dollar), stored.salt) ||
      !from_base64(text.substr(dollar + 1), stored.hash)) {
    return std::nullopt;
  }
  return stored;
}

}  // namespace

std::uint64_t memory_bytes(const ScryptCost& cost) noexcept {
  return (std::uint64_t{128} * cost.r) << cost.log2_n;
}

std::string hash_password(std::string_view password, const ScryptCost& cost) {
  Salt salt;
  Hash hash;
  if (has_nul(password)) throw std::invalid_argument("a password cannot have a NUL in it");
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) {
    throw std::runtime_error("the random number generator of OpenSSL is not seeded");
  }
  if (!derive(password, salt, cost, hash)) {
    throw std::runtime_error("OpenSSL cannot compute scrypt: " +
                             std::to_string(memory_bytes(cost) >> 20U) + " MiB are needed for it");
  }
  return std::string(kPrefix) + "ln=" + std::to_string(cost.log2_n) +
         ",r=" + std::to_string(cost.r) + ",p=" + std::to_string(cost.p) + "$" + base64(salt) +
         "$" + base64(hash);
}

bool check_password(std::string_view password, std::string_view stored) {
  const std::optional<Stored> parsed = parse(stored);
  Hash hash;
  if (!parsed || !derive(password, parsed->salt, parsed->cost, hash)) return false;
  const bool same = CRYPTO_memcmp(hash.data(), parsed->hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(hash.data(), hash.size());
  return same && !has_nul(password);
}

std::optional<ScryptCost> cost_of(std::string_view stored) {
  const std::optional<Stored> parsed = parse(stored);
  return parsed ? std::optional(parsed->cost) : std::nullopt;
}

}  // namespace controlplane::enroll
