// SPDX-License-Identifier: Apache-2.0
// What the stages know about the ports. Filled before the first turn of the loop, then read-only.

#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>

#include "wire/shm/commands.h"
#include "wire/shm/layout.h"

namespace dataplane {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr std::size_t kMaxPortAddresses = 8;

struct PortAddress {
  wire::shm::Endpoint address;  ///< port 0
  std::uint8_t prefix_bits = 0;
};

struct Port {
  std::uint16_t id = 0;         ///< ethdev port
  std::uint16_t mtu = 1500;     ///< IP bytes
  std::uint16_t rx_queues = 1;  ///< queue q is polled by worker q % workers
  std::uint16_t tx_queues = 1;  ///< queue q is written by worker q; others hand over to it
  MacAddress mac{};
  /// The PMD hands the very mbuf to whoever reads the other end in this process (net_ring): a frame
  /// that is kept for retransmission must be copied before it is put.
  bool tx_shares_buffers = false;
  bool rx_checks_checksums = false;  ///< IPv4 and UDP verdicts are in ol_flags
  std::uint8_t address_count = 0;
  std::array<PortAddress, kMaxPortAddresses> addresses{};
  wire::shm::Endpoint gateway4{};  ///< family 0: none
  wire::shm::Endpoint gateway6{};
  std::array<char, 32> name{};

  [[nodiscard]] std::span<const PortAddress> own() const noexcept {
    return {addresses.data(), address_count};
  }
  /// True when @p address (its UDP port does not matter) is one of this port's.
  [[nodiscard]] bool owns(const wire::shm::Endpoint& address) const noexcept {
    for (const PortAddress& mine : own()) {
      if (mine.address.family == address.family && same_bits(mine.address, address)) return true;
    }
    return false;
  }

 private:
  /// As two words: asked for every packet, and comparing the arrays calls the library.
  [[nodiscard]] static bool same_bits(const wire::shm::Endpoint& a,
                                      const wire::shm::Endpoint& b) noexcept {
    std::array<std::uint64_t, 2> x, y;
    static_assert(sizeof x == sizeof a.address);
    std::memcpy(x.data(), a.address.data(), sizeof x);
    std::memcpy(y.data(), b.address.data(), sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
};

struct PortTable {
  std::array<Port, wire::shm::kMaxPorts> ports{};
  std::uint16_t count = 0;
  std::uint16_t service_port = 0;  ///< UDP

  [[nodiscard]] const Port& operator[](std::uint16_t index) const noexcept {
    assert(index < count);
    return ports[index];
  }
};

/// Whom a packet to @p remote goes to on the wire: remote itself when it lies in a prefix of the
/// port, else the gateway of its family. UDP port 0; family 0 when there is neither.
[[nodiscard]] wire::shm::Endpoint next_hop_on(const Port& port,
                                              const wire::shm::Endpoint& remote) noexcept;

}  // namespace dataplane
