// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "config/section.h"
#include "wire/byte_order.h"

namespace config {
namespace {

// The locale has no say in names.
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr std::size_t kMaxLabel = 63;
/// 255 bytes on the wire, less the first length byte and the root.
constexpr std::size_t kMaxDnsName = 253;

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (!is_letter(label.front()) || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

/// Insertions, deletions and replacements that lead from @p a to @p b.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({replace, above + 1, row[j] + 1});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

bool is_dns_name(std::string_view name) noexcept {
  if (name.size() > kMaxDnsName) return false;
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_plain_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxLabel &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

std::string nearest_name(std::string_view name, const std::set<std::string, std::less<>>& names) {
  std::string nearest;
  // Further away than this, a suggestion would be a guess.
  std::size_t best = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

wire::reload::OverlayHash overlay_hash(std::string_view name) noexcept {
  constexpr std::size_t kSha1Bytes = 20;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(name.data(), name.size(), digest.data(), &length, EVP_sha1(), nullptr) != 1 ||
      length != kSha1Bytes) {
    return wire::reload::OverlayHash{0};  // only when OpenSSL was built without SHA-1
  }
  const auto* const bytes = reinterpret_cast<const std::byte*>(digest.data());
  return wire::reload::OverlayHash{wire::load_be32(bytes + kSha1Bytes - 4)};
}

}  // namespace config
