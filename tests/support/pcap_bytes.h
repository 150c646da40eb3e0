// SPDX-License-Identifier: Apache-2.0
// Captures made in memory: UDP datagrams in Ethernet packets, as pcap or pcapng.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/byte_order.h"

namespace tests {

using Bytes = std::vector<std::byte>;

inline void put(Bytes& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
inline void put_u8(Bytes& to, unsigned value) { to.push_back(static_cast<std::byte>(value)); }
inline void put_be16(Bytes& to, std::size_t value) {
  put_u8(to, static_cast<unsigned>(value >> 8U & 0xffU));
  put_u8(to, static_cast<unsigned>(value & 0xffU));
}
inline void put_le32(Bytes& to, std::size_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    put_u8(to, static_cast<unsigned>(value >> shift & 0xffU));
  }
}

struct UdpPacket {
  Bytes payload;
  bool ipv6 = false;
  std::uint16_t source_port = 6084;
  std::uint16_t destination_port = 6084;
  unsigned source_host = 1;  ///< 192.0.2.n or 2001:db8::n
  unsigned destination_host = 2;
  unsigned vlan = 0;            ///< 0: no tag
  bool more_fragments = false;  ///< IPv4: the flag in the IP header
};

/// RFC 768's checksum over @p pseudo_and_udp, in which the checksum field is zero.
inline std::uint16_t udp_checksum(std::span<const std::byte> pseudo_and_udp) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < pseudo_and_udp.size(); ++i) {
    const auto byte = static_cast<std::uint32_t>(pseudo_and_udp[i]);
    sum += i % 2 == 0 ? byte << 8U : byte;
  }
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum == 0xffff ? std::uint16_t{0xffff} : static_cast<std::uint16_t>(~sum);
}

/// The Ethernet packet. IPv4 may leave its checksums zero; UDP over IPv6 may not.
inline Bytes ethernet(const UdpPacket& packet) {
  Bytes out(12, std::byte{2});
  if (packet.vlan != 0) {
    put_be16(out, 0x8100);
    put_be16(out, packet.vlan);
  }
  put_be16(out, packet.ipv6 ? 0x86dd : 0x0800);
  const std::size_t udp_bytes = 8 + packet.payload.size();
  if (packet.ipv6) {
    put_be16(out, 0x6000);
    put_be16(out, 0);
    put_be16(out, udp_bytes);
    put_be16(out, 17U << 8U | 64U);  // next header, hop limit
    for (const unsigned host : {packet.source_host, packet.destination_host}) {
      put_be16(out, 0x2001);
      put_be16(out, 0x0db8);
      put(out, Bytes(11));
      put_u8(out, host);
    }
  } else {
    put_be16(out, 0x4500);
    put_be16(out, 20 + udp_bytes);
    put_be16(out, 0);
    put_be16(out, packet.more_fragments ? 0x2000 : 0x4000);
    put_be16(out, 64U << 8U | 17U);  // time to live, protocol
    put_be16(out, 0);
    for (const unsigned host : {packet.source_host, packet.destination_host}) {
      put_be16(out, 0xc000);
      put_be16(out, 0x0200U | host);
    }
  }
  const std::size_t addresses_at = out.size() - 32;  // IPv6 only
  const std::size_t udp_at = out.size();
  put_be16(out, packet.source_port);
  put_be16(out, packet.destination_port);
  put_be16(out, udp_bytes);
  put_be16(out, 0);
  put(out, packet.payload);
  if (packet.ipv6) {
    Bytes covered(out.begin() + static_cast<std::ptrdiff_t>(addresses_at), out.end());
    for (const std::size_t word : {std::size_t{0}, udp_bytes, std::size_t{0}, std::size_t{17}}) {
      put_be16(covered, word);
    }
    // The pseudo-header's tail stands behind the datagram here: the sum does not depend on order,
    // as long as everything starts at an even place.
    if (udp_bytes % 2 == 1) covered.insert(covered.end() - 8, std::byte{0});
    wire::store_be16(out.data() + udp_at + 6, udp_checksum(covered));
  }
  return out;
}

/// @param snap_bytes  how much of each packet is kept
inline Bytes pcap(std::span<const Bytes> packets, std::size_t snap_bytes = 65535) {
  Bytes out;
  put_le32(out, 0xa1b2c3d4);
  put_le32(out, 4U << 16U | 2U);  // version 2.4
  put_le32(out, 0);
  put_le32(out, 0);
  put_le32(out, snap_bytes);
  put_le32(out, 1);  // Ethernet
  std::size_t second = 1700000000;
  for (const Bytes& packet : packets) {
    const auto kept = std::span(packet).first(std::min(packet.size(), snap_bytes));
    put_le32(out, second++);
    put_le32(out, 500000);
    put_le32(out, kept.size());
    put_le32(out, packet.size());
    put(out, kept);
  }
  return out;
}

inline Bytes pcapng(std::span<const Bytes> packets) {
  Bytes out;
  put_le32(out, 0x0a0d0d0a);  // section header
  put_le32(out, 28);
  put_le32(out, 0x1a2b3c4d);
  put_le32(out, 1);  // version 1.0
  put_le32(out, 0xffffffff);
  put_le32(out, 0xffffffff);
  put_le32(out, 28);
  put_le32(out, 1);  // interface: Ethernet
  put_le32(out, 20);
  put_le32(out, 1);
  put_le32(out, 65535);
  put_le32(out, 20);
  for (const Bytes& packet : packets) {
    const std::size_t padding = (4 - packet.size() % 4) % 4;
    const std::size_t block = 32 + packet.size() + padding;
    put_le32(out, 6);
    put_le32(out, block);
    put_le32(out, 0);
    put_le32(out, 0);
    put_le32(out, 0);
    put_le32(out, packet.size());
    put_le32(out, packet.size());
    put(out, packet);
    put(out, Bytes(padding));
    put_le32(out, block);
  }
  return out;
}

}  // namespace tests
