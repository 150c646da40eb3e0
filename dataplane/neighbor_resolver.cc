// SPDX-License-Identifier: Apache-2.0
#include "dataplane/neighbor_resolver.h"

#include <rte_cycles.h>

#include <algorithm>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/frame_layout.h"
#include "wire/byte_order.h"

namespace dataplane {
namespace {

using wire::load_be16;
using wire::load_u8;
using wire::store_be16;
using wire::store_u8;
using wire::shm::Endpoint;

Endpoint endpoint4(const std::byte* address) noexcept {
  Endpoint endpoint;
  std::memcpy(endpoint.address.data() + 12, address, 4);
  endpoint.family = 4;
  return endpoint;
}

Endpoint endpoint6(const std::byte* address) noexcept {
  Endpoint endpoint;
  std::memcpy(endpoint.address.data(), address, 16);
  endpoint.family = 6;
  return endpoint;
}

bool is_unspecified(const std::byte* address6) noexcept {
  constexpr std::byte kZero[16]{};
  return std::memcmp(address6, kZero, 16) == 0;
}

void swap_to(std::byte* frame, const MacAddress& own) noexcept {
  std::memcpy(frame + ether::kDestination, frame + ether::kSource, 6);
  std::memcpy(frame + ether::kSource, own.data(), 6);
}

void write_link_layer_option(std::byte* to, std::uint8_t type, const MacAddress& mac) noexcept {
  store_u8(to, type);
  store_u8(to + 1, 1);  // in units of 8 bytes
  std::memcpy(to + 2, mac.data(), 6);
}

/// The MAC address in the first option of @p type, or nullptr. Sets @p valid to false when an
/// option's length is zero or runs over the end.
const std::byte* find_option(std::span<const std::byte> options, std::uint8_t type,
                             bool& valid) noexcept {
  while (options.size() >= 2) {
    const std::size_t length = std::size_t{load_u8(&options[1])} * 8;
    if (length == 0 || length > options.size()) break;
    if (load_u8(&options[0]) == type) return &options[2];
    options = options.subspan(length);
  }
  if (!options.empty()) valid = false;
  return nullptr;
}

/// Fills the ICMPv6 checksum of a packet whose IPv6 header starts at @p ip.
void fill_icmp6_checksum(std::byte* ip, std::uint16_t icmp_length) noexcept {
  std::byte* const icmp6 = ip + ipv6::kBytes;
  store_be16(icmp6 + icmp::kChecksum, 0);
  const std::uint16_t checksum = checksum_of(
      sum_bytes(icmp6, icmp_length,
                pseudo_header_sum(ip + ipv6::kSource, 32, protocol::kIcmpv6, icmp_length)));
  std::memcpy(icmp6 + icmp::kChecksum, &checksum, 2);
}

}  // namespace

NeighborResolver::NeighborResolver(const PortTable& ports, NeighborTable& table, rte_mempool* pool,
                                   TransmitQueues& transmit, Doors& doors,
                                   wire::shm::LcoreCounters& counters,
                                   std::uint64_t tsc_hz) noexcept
    : ports_(ports),
      table_(table),
      pool_(pool),
      transmit_(transmit),
      doors_(doors),
      counters_(counters),
      tsc_per_ms_(tsc_hz / 1000) {}

void NeighborResolver::receive(Burst& burst, unsigned i) noexcept {
  const std::byte* frame = bytes_of(burst.mbufs[i]).data();
  if (load_be16(frame + ether::kType) == ether::kTypeArp) {
    receive_arp(burst, i);
  } else {
    receive_nd(burst, i);
  }
}

void NeighborResolver::receive_arp(Burst& burst, unsigned i) noexcept {
  rte_mbuf* const mbuf = burst.mbufs[i];
  const std::uint16_t port_index = burst.context(i).port;
  const Port& port = ports_[port_index];
  const std::span<std::byte> frame = bytes_of(mbuf);
  std::byte* const packet = frame.data() + ether::kBytes;
  if (frame.size() < ether::kBytes + arp::kBytes ||
      (wire::load_be64(packet) & ~std::uint64_t{0xffff}) != arp::kFixed) {
    return burst.drop(i, DropReason::kNeighborInvalid);
  }
  const std::uint16_t operation = load_be16(packet + arp::kOperation);
  const Endpoint sender = endpoint4(packet + arp::kSenderIp);
  const bool for_us = port.owns(endpoint4(packet + arp::kTargetIp));
  // RFC 826: what is known is updated whatever the operation, then requests for us are answered.
  const bool known = learn(port_index, sender, packet + arp::kSenderMac, true);
  if (!for_us || operation != arp::kRequest) {
    return for_us || known ? burst.absorb(i) : burst.drop(i, DropReason::kEthernetNotForUs);
  }
  swap_to(frame.data(), port.mac);
  std::array<std::byte, 4> asked;
  std::memcpy(asked.data(), packet + arp::kTargetIp, 4);
  store_be16(packet + arp::kOperation, arp::kReply);
  std::memcpy(packet + arp::kTargetMac, packet + arp::kSenderMac, 10);  // MAC and IP
  std::memcpy(packet + arp::kSenderMac, port.mac.data(), 6);
  std::memcpy(packet + arp::kSenderIp, asked.data(), 4);
  doors_.answered(mbuf);
  transmit_.put(port_index, burst.take(i));
}

void NeighborResolver::receive_nd(Burst& burst, unsigned i) noexcept {
  rte_mbuf* const mbuf = burst.mbufs[i];
  const std::uint16_t port_index = burst.context(i).port;
  const Port& port = ports_[port_index];
  std::byte* const frame = bytes_of(mbuf).data();
  std::byte* const ip = frame + ether::kBytes;
  std::byte* const icmp6 = ip + ipv6::kBytes;
  const std::size_t length = load_be16(ip + ipv6::kPayloadLength);  // ethernet checked it
  if (length < nd::kOptions || load_u8(ip + ipv6::kHopLimit) != nd::kHopLimit ||
      load_u8(icmp6 + icmp::kCode) != 0 || load_u8(icmp6 + nd::kTarget) == 0xff) {
    return burst.drop(i, DropReason::kNeighborInvalid);
  }
  const bool solicitation = load_u8(icmp6 + icmp::kType) == nd::kSolicitation;
  const std::span<const std::byte> options(icmp6 + nd::kOptions, length - nd::kOptions);
  bool valid = true;
  const std::byte* const mac =
      find_option(options, solicitation ? nd::kSourceLinkLayer : nd::kTargetLinkLayer, valid);
  const bool anonymous = is_unspecified(ip + ipv6::kSource);
  if (!valid || (solicitation && anonymous && mac != nullptr)) {
    return burst.drop(i, DropReason::kNeighborInvalid);
  }

  if (!solicitation) {
    const bool may_replace = (load_u8(icmp6 + nd::kFlags) & nd::kOverride) != 0;
    const bool known = learn(port_index, endpoint6(icmp6 + nd::kTarget),
                             mac != nullptr ? mac : frame + ether::kSource, may_replace);
    return known ? burst.absorb(i) : burst.drop(i, DropReason::kEthernetNotForUs);
  }
  if (mac != nullptr) (void)learn(port_index, endpoint6(ip + ipv6::kSource), mac, true);
  if (!port.owns(endpoint6(icmp6 + nd::kTarget))) {
    return burst.drop(i, DropReason::kEthernetNotForUs);
  }
  // The advertisement has one option; a solicitation without one grows by it.
  constexpr std::uint16_t kAnswerBytes = nd::kOptions + nd::kLinkLayerOptionBytes;
  constexpr std::uint16_t kFrameBytes = ether::kBytes + ipv6::kBytes + kAnswerBytes;
  if (mbuf->data_off + kFrameBytes > mbuf->buf_len) {
    return burst.drop(i, DropReason::kNeighborInvalid);
  }
  mbuf->data_len = kFrameBytes;
  mbuf->pkt_len = kFrameBytes;
  swap_to(frame, port.mac);
  if (anonymous) {
    // Somebody checks whether the address is free: everybody hears that it is not (7.2.4).
    constexpr std::uint8_t kAllNodesMac[6]{0x33, 0x33, 0, 0, 0, 1};
    constexpr std::uint8_t kAllNodes[16]{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    std::memcpy(frame + ether::kDestination, kAllNodesMac, 6);
    std::memcpy(ip + ipv6::kDestination, kAllNodes, 16);
  } else {
    std::memcpy(ip + ipv6::kDestination, ip + ipv6::kSource, 16);
  }
  std::memcpy(ip + ipv6::kSource, icmp6 + nd::kTarget, 16);
  store_be16(ip + ipv6::kPayloadLength, kAnswerBytes);
  store_u8(icmp6 + icmp::kType, nd::kAdvertisement);
  wire::store_be32(icmp6 + nd::kFlags, 0);
  store_u8(icmp6 + nd::kFlags,
           static_cast<std::uint8_t>(nd::kOverride | (anonymous ? 0 : nd::kSolicited)));
  write_link_layer_option(icmp6 + nd::kOptions, nd::kTargetLinkLayer, port.mac);
  fill_icmp6_checksum(ip, kAnswerBytes);
  doors_.answered(mbuf);
  transmit_.put(port_index, burst.take(i));
}

bool NeighborResolver::learn(std::uint16_t port, const Endpoint& address, const std::byte* mac,
                             bool may_replace) noexcept {
  // The table is shared, but its MACs and times are this worker's to write.
  auto* neighbor = const_cast<Neighbor*>(table_.find(port, address));
  if (neighbor == nullptr) return false;
  std::uint64_t value = 0;
  std::memcpy(&value, mac, 6);
  if ((value & 1U) != 0 || value == 0) return false;  // a group address is nobody's
  const std::uint64_t old = neighbor->mac();
  if (old != 0 && old != value && !may_replace) return true;
  neighbor->mac_.store(value, std::memory_order_relaxed);
  neighbor->unanswered_ = 0;
  neighbor->confirmed_tsc_ = rte_rdtsc();
  neighbor->next_request_tsc_ = neighbor->confirmed_tsc_ + kReachableMs * tsc_per_ms_;
  return true;
}

void NeighborResolver::tick(std::uint64_t now_tsc) noexcept {
  const std::uint32_t count = std::min(kEntriesPerTick, table_.capacity());
  for (std::uint32_t n = 0; n < count; ++n, cursor_ = (cursor_ + 1) & (table_.capacity() - 1)) {
    Neighbor* const neighbor = table_.at(cursor_);
    if (neighbor == nullptr || now_tsc < neighbor->next_request_tsc_) continue;
    if (neighbor->mac() != 0 && neighbor->unanswered_ >= kForgetAfter) {
      neighbor->mac_.store(0, std::memory_order_relaxed);
    }
    request(*neighbor);
    const bool fast = neighbor->unanswered_ < kFastTries;
    if (neighbor->unanswered_ < 0xffff) ++neighbor->unanswered_;
    neighbor->next_request_tsc_ = now_tsc + (fast ? kFastRetryMs : kSlowRetryMs) * tsc_per_ms_;
  }
}

void NeighborResolver::request(const Neighbor& neighbor) noexcept {
  const Port& port = ports_[neighbor.port()];
  const Endpoint& wanted = neighbor.address();
  const PortAddress* own = nullptr;
  for (const PortAddress& mine : port.own()) {
    if (mine.address.family == wanted.family) {
      own = &mine;
      break;
    }
  }
  rte_mbuf* const mbuf = own == nullptr ? nullptr : rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return;  // asked again when it is next due
  PacketContext& context = context_of(mbuf);
  reset_context(context, rte_rdtsc());
  context.unledgered = true;
  auto* const frame = rte_pktmbuf_mtod(mbuf, std::byte*);
  std::memcpy(frame + ether::kSource, port.mac.data(), 6);
  std::uint16_t length = 0;
  if (wanted.family == 4) {
    std::memset(frame + ether::kDestination, 0xff, 6);
    store_be16(frame + ether::kType, ether::kTypeArp);
    std::byte* const packet = frame + ether::kBytes;
    wire::store_be64(packet, arp::kFixed | arp::kRequest);
    std::memcpy(packet + arp::kSenderMac, port.mac.data(), 6);
    std::memcpy(packet + arp::kSenderIp, own->address.address.data() + 12, 4);
    std::memset(packet + arp::kTargetMac, 0, 6);
    std::memcpy(packet + arp::kTargetIp, wanted.address.data() + 12, 4);
    length = ether::kBytes + arp::kBytes;
  } else {
    // To the solicited-node multicast address ff02::1:ff00:0/104 plus the last 24 bits.
    std::array<std::uint8_t, 16> group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0};
    std::memcpy(group.data() + 13, wanted.address.data() + 13, 3);
    frame[0] = frame[1] = std::byte{0x33};
    std::memcpy(frame + 2, group.data() + 12, 4);
    store_be16(frame + ether::kType, ether::kTypeIpv6);
    std::byte* const ip = frame + ether::kBytes;
    std::byte* const icmp6 = ip + ipv6::kBytes;
    constexpr std::uint16_t kBytes = nd::kOptions + nd::kLinkLayerOptionBytes;
    wire::store_be32(ip, 0x60000000);
    store_be16(ip + ipv6::kPayloadLength, kBytes);
    store_u8(ip + ipv6::kNextHeader, protocol::kIcmpv6);
    store_u8(ip + ipv6::kHopLimit, nd::kHopLimit);
    std::memcpy(ip + ipv6::kSource, own->address.address.data(), 16);
    std::memcpy(ip + ipv6::kDestination, group.data(), 16);
    store_u8(icmp6 + icmp::kType, nd::kSolicitation);
    store_u8(icmp6 + icmp::kCode, 0);
    wire::store_be32(icmp6 + nd::kFlags, 0);
    std::memcpy(icmp6 + nd::kTarget, wanted.address.data(), 16);
    write_link_layer_option(icmp6 + nd::kOptions, nd::kSourceLinkLayer, port.mac);
    fill_icmp6_checksum(ip, kBytes);
    length = ether::kBytes + ipv6::kBytes + kBytes;
  }
  mbuf->data_len = length;
  mbuf->pkt_len = length;
  counters_.generated.add(1);
  transmit_.put(neighbor.port(), mbuf);
}

}  // namespace dataplane
