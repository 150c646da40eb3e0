// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "config/section.h"

namespace config {
namespace {

using wire::shm::Endpoint;

constexpr std::size_t kIpv4Offset = 12;  ///< of the four bytes in Endpoint::address

template <class T>
std::optional<T> parse_number(std::string_view text, T most, int base = 10) noexcept {
  T value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (fault != std::errc{} || end != text.data() + text.size() || value > most) return {};
  return value;
}

/// An address without port or brackets.
std::optional<Endpoint> parse_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return {};
  std::copy(text.begin(), text.end(), copy.begin());
  Endpoint endpoint;
  if (inet_pton(AF_INET, copy.data(), endpoint.address.data() + kIpv4Offset) == 1) {
    endpoint.family = 4;
    return endpoint;
  }
  if (inet_pton(AF_INET6, copy.data(), endpoint.address.data()) == 1) {
    endpoint.family = 6;
    return endpoint;
  }
  return {};
}

std::string address_text(const Endpoint& endpoint) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = endpoint.family == 4;
  inet_ntop(v4 ? AF_INET : AF_INET6, endpoint.address.data() + (v4 ? kIpv4Offset : 0), text.data(),
            text.size());
  return text.data();
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  if (endpoint.family != 4 && endpoint.family != 6) return "-";
  const std::string address = address_text(endpoint);
  if (endpoint.port == 0) return address;
  const std::string port = ":" + std::to_string(endpoint.port);
  return endpoint.family == 6 ? "[" + address + "]" + port : address + port;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) noexcept {
  std::string_view address = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return {};
    address = text.substr(1, close - 1);
    if (address.find(':') == std::string_view::npos) return {};
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return {};
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const std::size_t colon = text.find(':');
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  std::optional<Endpoint> endpoint = parse_address(address);
  if (!endpoint || !port) return endpoint;
  const auto number = parse_number<std::uint16_t>(*port, 0xffff);
  if (!number || *number == 0) return {};
  endpoint->port = *number;
  return endpoint;
}

std::string to_string(const wire::reload::NodeId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * id.bytes.size());
  for (const std::byte byte : id.bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
  return text;
}

std::optional<wire::reload::NodeId> parse_node_id(std::string_view text) noexcept {
  wire::reload::NodeId id;
  if (text.size() != 2 * id.bytes.size()) return {};
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const auto byte = parse_number<unsigned>(text.substr(2 * i, 2), 0xff, 16);
    if (!byte) return {};
    id.bytes[i] = static_cast<std::byte>(*byte);
  }
  return id;
}

std::optional<std::uint64_t> parse_mac(std::string_view text) noexcept {
  constexpr std::size_t kBytes = 6;
  if (text.size() != 3 * kBytes - 1) return {};
  std::uint64_t mac = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (i > 0 && text[3 * i - 1] != ':') return {};
    const auto byte = parse_number<unsigned>(text.substr(3 * i, 2), 0xff, 16);
    if (!byte) return {};
    mac = mac << 8U | *byte;
  }
  return mac;
}

std::optional<PortAddress> parse_port_address(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return {};
  const auto bits =
      parse_number<std::uint8_t>(text.substr(slash + 1), address->family == 4 ? 32 : 128);
  if (!bits || *bits == 0) return {};
  return PortAddress{*address, *bits};
}

bool is_on_link(const PortAddress& port_address, const Endpoint& address) noexcept {
  if (address.family != port_address.address.family) return false;
  std::size_t bits = port_address.prefix_bits;
  for (std::size_t i = address.family == 4 ? kIpv4Offset : 0; bits > 0; ++i) {
    const std::size_t here = std::min<std::size_t>(bits, 8);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> here);
    if (((address.address[i] ^ port_address.address.address[i]) & mask) != 0) return false;
    bits -= here;
  }
  return true;
}

bool is_unicast(const Endpoint& address) noexcept {
  const auto& bytes = address.address;
  if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; })) {
    return false;
  }
  if (address.family == 6) return bytes[0] != 0xff;
  return bytes[kIpv4Offset] != 0 && bytes[kIpv4Offset] < 224;  // "this network", multicast, class E
}

}  // namespace config
