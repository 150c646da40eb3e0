// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/p256_signature.h"

#include <cstring>

namespace crypto {
namespace {

constexpr std::byte kInteger{0x02};
constexpr std::byte kSequence{0x30};
constexpr std::byte kSignBit{0x80};

/// Takes one INTEGER off the front of @p der.
bool take_integer(std::span<const std::byte>& der, std::byte (&number)[32]) noexcept {
  if (der.size() < 3 || der[0] != kInteger) return false;
  // 33 octets hold 32 with a 0 before them. So all lengths are of the short form.
  const auto length = std::to_integer<std::size_t>(der[1]);
  if (length == 0 || length > 33 || der.size() < 2 + length) return false;
  std::span<const std::byte> octets = der.subspan(2, length);
  der = der.subspan(2 + length);
  if ((octets[0] & kSignBit) != std::byte{0}) return false;  // negative
  if (octets[0] == std::byte{0} && length > 1) {
    if ((octets[1] & kSignBit) == std::byte{0}) return false;  // a 0 that DER leaves out
    octets = octets.subspan(1);
  }
  if (octets.size() > sizeof number) return false;
  std::memset(number, 0, sizeof number - octets.size());
  std::memcpy(number + sizeof number - octets.size(), octets.data(), octets.size());
  return true;
}

}  // namespace

bool decode_p256_signature(std::span<const std::byte> der, P256Signature& signature) noexcept {
  // Two such integers fit in 70 octets, below the 128 from which lengths have a long form.
  if (der.size() < 2 || der[0] != kSequence ||
      std::to_integer<std::size_t>(der[1]) != der.size() - 2) {
    return false;
  }
  std::span<const std::byte> rest = der.subspan(2);
  return take_integer(rest, signature.r) && take_integer(rest, signature.s) && rest.empty();
}

}  // namespace crypto
