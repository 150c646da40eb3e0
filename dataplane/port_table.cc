// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port_table.h"

#include <algorithm>

namespace dataplane {
namespace {

using wire::shm::Endpoint;

bool in_prefix(const Endpoint& address, const PortAddress& prefix) noexcept {
  if (address.family != prefix.address.family) return false;
  // IPv4 addresses lie in the last four bytes, so their prefix starts 96 bits later.
  unsigned bits = prefix.prefix_bits + (address.family == 4 ? 96U : 0U);
  for (std::size_t i = 0; i < address.address.size() && bits != 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> here);
    if (((address.address[i] ^ prefix.address.address[i]) & mask) != 0) return false;
    bits -= here;
  }
  return true;
}

}  // namespace

Endpoint next_hop_on(const Port& port, const Endpoint& remote) noexcept {
  const bool on_link = std::ranges::any_of(
      port.own(), [&](const PortAddress& mine) { return in_prefix(remote, mine); });
  Endpoint hop = on_link ? remote : remote.family == 4 ? port.gateway4 : port.gateway6;
  hop.port = 0;
  return hop;
}

}  // namespace dataplane
