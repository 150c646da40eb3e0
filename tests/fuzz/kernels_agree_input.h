// SPDX-License-Identifier: Apache-2.0
// The input of kernels_agree_fuzz and how its seeds are written:
//
//   u8   which key: an index into known_answers(), or 255: one of the input's own
//   u8   where the message is cut, twice
//   u8
//   u16  length of the own key, only with 255; then its SubjectPublicKeyInfo
//   u16  length of the signature; then the signature
//   the message

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/byte_order.h"

namespace kernels_agree {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

inline constexpr std::uint8_t kOwnKey = 255;

struct Input {
  std::uint8_t key = 0;
  std::array<std::uint8_t, 2> cuts{};
  ByteSpan own_key;
  ByteSpan signature;
  ByteSpan message;
};

/// Every input means something: what is missing is empty.
inline Input decode(ByteSpan bytes) {
  const auto take = [&bytes](std::size_t count) {
    const ByteSpan taken = bytes.first(std::min(count, bytes.size()));
    bytes = bytes.subspan(taken.size());
    return taken;
  };
  const auto take_u8 = [&]() -> std::uint8_t {
    const ByteSpan byte = take(1);
    return byte.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(byte[0]);
  };
  const auto take_u16 = [&]() -> std::size_t {
    const ByteSpan two = take(2);
    return two.size() < 2 ? 0 : wire::load_be16(two.data());
  };
  Input input;
  input.key = take_u8();
  input.cuts[0] = take_u8();
  input.cuts[1] = take_u8();
  if (input.key == kOwnKey) input.own_key = take(take_u16());
  input.signature = take(take_u16());
  input.message = bytes;
  return input;
}

inline Bytes encode(const Input& input) {
  Bytes bytes = {static_cast<std::byte>(input.key), static_cast<std::byte>(input.cuts[0]),
                 static_cast<std::byte>(input.cuts[1])};
  const auto append = [&bytes](ByteSpan part, bool with_length) {
    if (with_length) {
      bytes.resize(bytes.size() + 2);
      wire::store_be16(bytes.data() + bytes.size() - 2, static_cast<std::uint16_t>(part.size()));
    }
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  if (input.key == kOwnKey) append(input.own_key, true);
  append(input.signature, true);
  append(input.message, false);
  return bytes;
}

inline Bytes from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  return bytes;
}

}  // namespace kernels_agree
