// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace controlplane::configuration {
namespace {

constexpr std::size_t kLineBytes = 48;  // 64 characters

std::string encode_line(std::span<const std::byte> bytes) {
  std::string line(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock adds a zero
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(line.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  line.pop_back();
  return line;
}

}  // namespace

std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
  std::string packed;
  packed.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(packed),
                       [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  if (packed.size() % 4 != 0 || packed.size() > (1U << 30U)) return std::nullopt;
  const std::size_t padding = packed.size() - std::min(packed.size(), packed.find('='));
  if (padding > 2) return std::nullopt;
  std::vector<std::byte> bytes(packed.size() / 4 * 3);
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(packed.data()),
                      static_cast<int>(packed.size())) != static_cast<int>(bytes.size())) {
    return std::nullopt;
  }
  bytes.resize(bytes.size() - padding);
  // OpenSSL skips some characters at the ends and forgives leftover bits: what it read has to be
  // what was written.
  std::string again = encode_base64(bytes);
  std::erase(again, '\n');
  if (again != packed) return std::nullopt;
  return bytes;
}

std::string encode_base64(std::span<const std::byte> bytes) {
  std::string text;
  while (!bytes.empty()) {
    const auto line = bytes.first(std::min(bytes.size(), kLineBytes));
    text += encode_line(line) + "\n";
    bytes = bytes.subspan(line.size());
  }
  return text;
}

}  // namespace controlplane::configuration
