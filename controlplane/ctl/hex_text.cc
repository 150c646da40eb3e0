// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/hex_text.h"

#include <cctype>

namespace controlplane::ctl {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// 0 to 15, or -1.
int digit_value(char character) {
  const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  const std::size_t value = kDigits.find(lower);
  return value == std::string_view::npos ? -1 : static_cast<int>(value);
}

/// Appends the bytes of one line without its comment. Returns what is wrong, or "".
std::string append_line(std::string_view line, std::vector<std::byte>& to) {
  std::size_t at = 0;
  while (at < line.size()) {
    const char character = line[at];
    if (std::isspace(static_cast<unsigned char>(character)) != 0 || character == ':') {
      ++at;
      continue;
    }
    if (line.substr(at).starts_with("0x") || line.substr(at).starts_with("0X")) {
      at += 2;
      continue;
    }
    const int high = digit_value(character);
    const int low = at + 1 < line.size() ? digit_value(line[at + 1]) : -1;
    if (high < 0) return std::string("'") + character + "' is no hex digit";
    if (low < 0) return std::string("the digit '") + character + "' has no second one";
    to.push_back(static_cast<std::byte>(high * 16 + low));
    at += 2;
  }
  return {};
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[static_cast<std::size_t>(byte >> 4U)];
    text += kDigits[static_cast<std::size_t>(byte & std::byte{0x0f})];
  }
  return text;
}

std::string hex_number(std::uint64_t value, int digits) {
  std::string text = "0x";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += kDigits[value >> shift & 0xfU];
  return text;
}

HexText parse_hex(std::string_view text) {
  HexText result;
  bool block_open = false;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);

    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      block_open = false;
      continue;
    }
    std::vector<std::byte> bytes;
    const std::string wrong = append_line(line.substr(0, line.find('#')), bytes);
    if (!wrong.empty()) {
      result.error = "line " + std::to_string(line_number) + ": " + wrong;
      return result;
    }
    if (bytes.empty()) continue;
    if (!block_open) result.blocks.emplace_back();
    block_open = true;
    result.blocks.back().insert(result.blocks.back().end(), bytes.begin(), bytes.end());
  }
  return result;
}

}  // namespace controlplane::ctl
