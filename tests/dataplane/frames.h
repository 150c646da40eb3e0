// SPDX-License-Identifier: Apache-2.0
// Frames for tests, written out header by header. Checksums are computed the slow, obvious way, so
// that they check the fast one.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node_config.h"
#include "wire/shm/commands.h"

namespace tests::dataplane {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}
inline Bytes text(std::string_view characters) {
  const auto view = std::as_bytes(std::span(characters));
  return {view.begin(), view.end()};
}
inline Bytes operator+(const Bytes& a, const Bytes& b) {
  Bytes both(a.size() + b.size());
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), both.begin()));
  return both;
}
inline Bytes be16(unsigned value) { return bytes({value >> 8U & 0xffU, value & 0xffU}); }

inline wire::shm::Endpoint at(std::string_view address, std::uint16_t port = 0) {
  wire::shm::Endpoint endpoint = config::parse_endpoint(address).value();
  if (port != 0) endpoint.port = port;
  return endpoint;
}

/// The address bytes of an endpoint: 4 or 16.
inline Bytes address_bytes(const wire::shm::Endpoint& endpoint) {
  const auto all = std::as_bytes(std::span(endpoint.address));
  return endpoint.family == 4 ? Bytes(all.begin() + 12, all.end()) : Bytes(all.begin(), all.end());
}

/// RFC 1071, two bytes at a time.
inline std::uint16_t plain_checksum(const Bytes& covered) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < covered.size(); i += 2) {
    sum += static_cast<std::uint32_t>(covered[i]) << 8U;
    if (i + 1 < covered.size()) sum += static_cast<std::uint32_t>(covered[i + 1]);
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

inline const Bytes kOurMac = bytes({2, 0, 0, 0, 0, 1});
inline const Bytes kTheirMac = bytes({2, 0, 0, 0, 0, 2});
inline const Bytes kBroadcast = bytes({255, 255, 255, 255, 255, 255});

inline Bytes ethernet_frame(const Bytes& to, const Bytes& from, unsigned type, const Bytes& rest) {
  return to + from + be16(type) + rest;
}

inline Bytes ipv4_packet(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                         unsigned protocol, const Bytes& payload, unsigned ttl = 64) {
  Bytes header = bytes({0x45, 0}) + be16(static_cast<unsigned>(20 + payload.size())) +
                 bytes({0, 0, 0, 0, ttl, protocol, 0, 0}) + address_bytes(from) + address_bytes(to);
  const std::uint16_t sum = plain_checksum(header);
  header[10] = static_cast<std::byte>(sum >> 8U);
  header[11] = static_cast<std::byte>(sum & 0xffU);
  return header + payload;
}

inline Bytes ipv6_packet(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                         unsigned next_header, const Bytes& payload, unsigned hop_limit = 64) {
  return bytes({0x60, 0, 0, 0}) + be16(static_cast<unsigned>(payload.size())) +
         bytes({next_header, hop_limit}) + address_bytes(from) + address_bytes(to) + payload;
}

/// What UDP and ICMPv6 checksums cover besides the packet.
inline Bytes pseudo_header(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                           unsigned protocol, std::size_t length) {
  const Bytes addresses = address_bytes(from) + address_bytes(to);
  return from.family == 4 ? addresses + bytes({0, protocol}) + be16(static_cast<unsigned>(length))
                          : addresses + bytes({0, 0}) + be16(static_cast<unsigned>(length)) +
                                bytes({0, 0, 0, protocol});
}

inline Bytes udp_datagram(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                          const Bytes& payload) {
  const auto length = static_cast<unsigned>(8 + payload.size());
  Bytes out = be16(from.port) + be16(to.port) + be16(length) + be16(0) + payload;
  std::uint16_t sum = plain_checksum(pseudo_header(from, to, 17, length) + out);
  if (sum == 0) sum = 0xffff;
  out[6] = static_cast<std::byte>(sum >> 8U);
  out[7] = static_cast<std::byte>(sum & 0xffU);
  return out;
}

/// A whole frame from them to us.
inline Bytes udp_frame(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                       const Bytes& payload) {
  const Bytes datagram = udp_datagram(from, to, payload);
  return from.family == 4
             ? ethernet_frame(kOurMac, kTheirMac, 0x0800, ipv4_packet(from, to, 17, datagram))
             : ethernet_frame(kOurMac, kTheirMac, 0x86dd, ipv6_packet(from, to, 17, datagram));
}

inline Bytes icmp6_message(const wire::shm::Endpoint& from, const wire::shm::Endpoint& to,
                           Bytes message) {
  const std::uint16_t sum = plain_checksum(pseudo_header(from, to, 58, message.size()) + message);
  message[2] = static_cast<std::byte>(sum >> 8U);
  message[3] = static_cast<std::byte>(sum & 0xffU);
  return message;
}

}  // namespace tests::dataplane
