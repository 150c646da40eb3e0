// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/ip_address_port.h"

#include "wire/cursor.h"

namespace wire::reload {

namespace {

constexpr std::size_t kIpv4Bytes = 4;
constexpr std::size_t kIpv6Bytes = 16;
constexpr std::size_t kPortBytes = 2;

/// 0 for a type nobody defined.
constexpr std::size_t address_bytes(std::uint8_t type) noexcept {
  if (type == static_cast<std::uint8_t>(AddressType::kIpv4)) return kIpv4Bytes;
  if (type == static_cast<std::uint8_t>(AddressType::kIpv6)) return kIpv6Bytes;
  return 0;
}

}  // namespace

ParseError read_ip_address_port(std::span<const std::byte> bytes, IpAddressPort& out) noexcept {
  ReadCursor in(bytes);
  out = {};
  out.wire_type = in.u8();
  const std::span<const std::byte> value = in.vector8();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};
  out.encoded = in.since(0);
  const std::size_t expected = address_bytes(out.wire_type);
  if (expected == 0) return {};
  if (value.size() != expected + kPortBytes) return {ParseFault::kBadBody, 1};
  out.type = AddressType{out.wire_type};
  out.address = value.first(expected);
  out.port = load_be16(value.data() + expected);
  return {};
}

std::size_t write_ip_address_port(std::span<const std::byte> address, std::uint16_t port,
                                  std::span<std::byte> to) noexcept {
  if (address.size() != kIpv4Bytes && address.size() != kIpv6Bytes) return 0;
  const AddressType type = address.size() == kIpv4Bytes ? AddressType::kIpv4 : AddressType::kIpv6;
  WriteCursor out(to);
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(static_cast<std::uint8_t>(address.size() + kPortBytes));
  out.bytes(address);
  out.u16(port);
  return out.written();
}

}  // namespace wire::reload
