// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/ethernet.h"

#include <array>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/frame_layout.h"
#include "wire/byte_order.h"

namespace dataplane {
namespace {

using wire::load_be16;
using wire::load_be32;
using wire::load_u8;
using wire::store_u8;
using wire::shm::Endpoint;

enum class Kind : std::uint8_t { kUdp, kNeighbor, kEcho, kDrop };

struct Finding {
  Kind kind;
  DropReason reason;
};
constexpr Finding refuse(DropReason reason) { return {Kind::kDrop, reason}; }

/// One frame and what is known about it while its headers are read.
struct Frame {
  std::byte* bytes;
  std::size_t length;
  std::uint64_t ol_flags;
  const Port& port;
  std::uint16_t service_port;
  PacketContext& context;

  /// The port's verdict on a checksum, or software's where it has none.
  template <class Sum>
  [[nodiscard]] bool checksum_holds(std::uint64_t mask, std::uint64_t good, std::uint64_t bad,
                                    Sum&& sum) const noexcept {
    if (port.rx_checks_checksums) {
      const std::uint64_t verdict = ol_flags & mask;
      if (verdict == good) return true;
      if (verdict == bad) return false;
    }
    return folded(sum()) == 0xffff;
  }
};

bool is_own_mac(const std::byte* mac, const Port& port) noexcept {
  return std::memcmp(mac, port.mac.data(), 6) == 0;
}
bool is_group_mac(const std::byte* mac) noexcept { return (load_u8(mac) & 1U) != 0; }

/// @param addresses  source then destination, as they lie in the IP header
Finding examine_udp(const Frame& frame, std::size_t offset, std::size_t available,
                    const std::byte* addresses, std::size_t address_bytes) noexcept {
  if (available < udp::kBytes) return refuse(DropReason::kEthernetTruncated);
  const std::byte* const header = frame.bytes + offset;
  const std::uint16_t length = load_be16(header + udp::kLength);
  if (length < udp::kBytes || length > available) return refuse(DropReason::kUdpBadLength);
  if (load_be16(header + udp::kDestination) != frame.service_port) {
    return refuse(DropReason::kUdpWrongPort);
  }
  const bool has_checksum = load_be16(header + udp::kChecksum) != 0;
  // Zero means none, which only IPv4 allows (RFC 768, RFC 8200 section 8.1).
  if (!has_checksum && address_bytes != 8) return refuse(DropReason::kUdpBadChecksum);
  if (has_checksum &&
      !frame.checksum_holds(RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                            RTE_MBUF_F_RX_L4_CKSUM_BAD, [&]() noexcept {
                              return sum_bytes(header, length,
                                               pseudo_header_sum(addresses, address_bytes,
                                                                 protocol::kUdp, length));
                            })) {
    return refuse(DropReason::kUdpBadChecksum);
  }
  PacketContext& context = frame.context;
  context.local.port = frame.service_port;
  context.remote.port = load_be16(header + udp::kSource);
  context.payload_offset = static_cast<std::uint16_t>(offset + udp::kBytes);
  context.payload_length = static_cast<std::uint16_t>(length - udp::kBytes);
  return {Kind::kUdp, {}};
}

void set_endpoint4(Endpoint& endpoint, const std::byte* address) noexcept {
  // Two whole words, as Port::owns() reads them back at once.
  std::uint32_t last;
  std::memcpy(&last, address, sizeof last);
  const std::array<std::uint64_t, 2> words{0, std::uint64_t{last} << 32U};
  std::memcpy(endpoint.address.data(), &words[0], sizeof words[0]);
  std::memcpy(endpoint.address.data() + 8, &words[1], sizeof words[1]);
  endpoint.family = 4;
  endpoint.zero = 0;
}

void set_endpoint6(Endpoint& endpoint, const std::byte* address) noexcept {
  std::memcpy(endpoint.address.data(), address, 16);
  endpoint.family = 6;
  endpoint.zero = 0;
}

Finding examine_ipv4(const Frame& frame) noexcept {
  const std::byte* const ip = frame.bytes + ether::kBytes;
  const std::size_t available = frame.length - ether::kBytes;
  if (available < ipv4::kMinBytes) return refuse(DropReason::kEthernetTruncated);
  const std::uint8_t version_and_length = load_u8(ip);
  const std::size_t header_bytes = (version_and_length & 0x0fU) * 4U;
  const std::size_t total = load_be16(ip + ipv4::kTotalLength);
  if (version_and_length >> 4U != 4 || header_bytes < ipv4::kMinBytes || total < header_bytes) {
    return refuse(DropReason::kIpBadHeader);
  }
  if (total > available) return refuse(DropReason::kEthernetTruncated);
  if (!frame.checksum_holds(RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
                            RTE_MBUF_F_RX_IP_CKSUM_BAD,
                            [&]() noexcept { return sum_bytes(ip, header_bytes); })) {
    return refuse(DropReason::kIpBadChecksum);
  }
  set_endpoint4(frame.context.local, ip + ipv4::kDestination);
  // Broadcast and multicast frames carry nothing for us in IPv4 (RFC 1122 section 3.3.6).
  if (is_group_mac(frame.bytes) || !frame.port.owns(frame.context.local)) {
    return refuse(DropReason::kEthernetNotForUs);
  }
  if ((load_be16(ip + ipv4::kFragment) & ipv4::kMoreFragmentsOrOffset) != 0) {
    return refuse(DropReason::kIpFragment);
  }
  // A source that is this network, loopback or a group can be nobody (RFC 1122 section 3.2.1.3).
  const std::uint8_t first = load_u8(ip + ipv4::kSource);
  if (first == 0 || first == 127 || first >= 224) return refuse(DropReason::kIpBadHeader);
  set_endpoint4(frame.context.remote, ip + ipv4::kSource);
  const std::size_t offset = ether::kBytes + header_bytes;
  const std::size_t payload = total - header_bytes;
  switch (load_u8(ip + ipv4::kProtocol)) {
    case protocol::kUdp:
      return examine_udp(frame, offset, payload, ip + ipv4::kSource, 8);
    case protocol::kIcmp:
      break;
    default:
      return refuse(DropReason::kEthernetUnsupported);
  }
  if (payload < icmp::kMinBytes) return refuse(DropReason::kEthernetTruncated);
  const std::byte* const message = frame.bytes + offset;
  if (folded(sum_bytes(message, payload)) != 0xffff) return refuse(DropReason::kIcmpBadChecksum);
  if (load_u8(message + icmp::kType) != icmp::kEchoRequest) {
    return refuse(DropReason::kEthernetUnsupported);
  }
  return {Kind::kEcho, {}};
}

Finding examine_ipv6(const Frame& frame) noexcept {
  const std::byte* const ip = frame.bytes + ether::kBytes;
  const std::size_t available = frame.length - ether::kBytes;
  if (available < ipv6::kBytes) return refuse(DropReason::kEthernetTruncated);
  if (load_u8(ip) >> 4U != 6) return refuse(DropReason::kIpBadHeader);
  const std::size_t payload = load_be16(ip + ipv6::kPayloadLength);
  if (payload > available - ipv6::kBytes) return refuse(DropReason::kEthernetTruncated);
  set_endpoint6(frame.context.local, ip + ipv6::kDestination);
  const bool for_group = load_u8(ip + ipv6::kDestination) == 0xff;
  if (!for_group && (is_group_mac(frame.bytes) || !frame.port.owns(frame.context.local))) {
    return refuse(DropReason::kEthernetNotForUs);
  }
  if (load_u8(ip + ipv6::kSource) == 0xff) return refuse(DropReason::kIpBadHeader);
  set_endpoint6(frame.context.remote, ip + ipv6::kSource);
  constexpr std::size_t kOffset = ether::kBytes + ipv6::kBytes;
  switch (load_u8(ip + ipv6::kNextHeader)) {
    case protocol::kUdp:
      if (for_group) return refuse(DropReason::kEthernetNotForUs);
      return examine_udp(frame, kOffset, payload, ip + ipv6::kSource, 32);
    case protocol::kIpv6Fragment:
      return refuse(DropReason::kIpFragment);
    case protocol::kIcmpv6:
      break;
    default:
      return refuse(DropReason::kEthernetUnsupported);
  }
  if (payload < icmp::kMinBytes) return refuse(DropReason::kEthernetTruncated);
  const std::byte* const message = frame.bytes + kOffset;
  const auto length = static_cast<std::uint16_t>(payload);
  if (folded(sum_bytes(message, length,
                       pseudo_header_sum(ip + ipv6::kSource, 32, protocol::kIcmpv6, length))) !=
      0xffff) {
    return refuse(DropReason::kIcmpBadChecksum);
  }
  switch (load_u8(message + icmp::kType)) {
    case nd::kSolicitation:
    case nd::kAdvertisement:
      return {Kind::kNeighbor, {}};
    case icmp::kEchoRequest6:
      return for_group ? refuse(DropReason::kEthernetNotForUs) : Finding{Kind::kEcho, {}};
    default:
      return refuse(DropReason::kEthernetUnsupported);
  }
}

/// What nearly every frame is: UDP in IPv4 without options, whole, for us, and sound. Says true
/// only where examine() would too, with the same entries in the context; otherwise examine() finds
/// out.
[[gnu::always_inline]] inline bool is_plain_udp4(const Frame& frame) noexcept {
  constexpr std::size_t kHeaders = ether::kBytes + ipv4::kMinBytes + udp::kBytes;
  constexpr std::uint32_t kPlain = 0x0800'45;  // EtherType, version and header length
  const std::byte* const ip = frame.bytes + ether::kBytes;
  if (frame.length < kHeaders || load_be32(frame.bytes + ether::kType) >> 8U != kPlain ||
      !is_own_mac(frame.bytes, frame.port)) {
    return false;
  }
  std::array<std::uint32_t, ipv4::kMinBytes / 4> words;
  std::memcpy(words.data(), ip, sizeof words);
  const std::byte* const header = ip + ipv4::kMinBytes;
  const std::size_t total = load_be16(ip + ipv4::kTotalLength);
  const std::uint16_t length = load_be16(header + udp::kLength);
  const std::uint8_t first = load_u8(ip + ipv4::kSource);
  if (total > frame.length - ether::kBytes || total < ipv4::kMinBytes + udp::kBytes ||
      length != total - ipv4::kMinBytes || load_u8(ip + ipv4::kProtocol) != protocol::kUdp ||
      (load_be16(ip + ipv4::kFragment) & ipv4::kMoreFragmentsOrOffset) != 0 || first - 1U >= 223U ||
      first == 127 || load_be16(header + udp::kDestination) != frame.service_port) {
    return false;
  }
  constexpr std::uint64_t kGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  constexpr std::uint64_t kMask = RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK;
  if (frame.port.rx_checks_checksums) {
    if ((frame.ol_flags & kMask) != kGood) return false;
  } else {
    const std::uint64_t addresses = std::uint64_t{words[3]} + words[4];
    if (folded(addresses + words[0] + words[1] + words[2]) != 0xffff ||
        load_be16(header + udp::kChecksum) == 0 ||
        folded(sum_bytes(header, length,
                         addresses + (std::uint64_t{protocol::kUdp} << 8U) +
                             __builtin_bswap16(length))) != 0xffff) {
      return false;
    }
  }
  PacketContext& context = frame.context;
  set_endpoint4(context.local, ip + ipv4::kDestination);
  set_endpoint4(context.remote, ip + ipv4::kSource);
  context.local.port = frame.service_port;
  context.remote.port = load_be16(header + udp::kSource);
  context.payload_offset = kHeaders;
  context.payload_length = static_cast<std::uint16_t>(length - udp::kBytes);
  return frame.port.owns(context.local);
}

Finding examine(const Frame& frame) noexcept {
  if (frame.length < ether::kBytes) return refuse(DropReason::kEthernetTruncated);
  if (!is_group_mac(frame.bytes) && !is_own_mac(frame.bytes, frame.port)) {
    return refuse(DropReason::kEthernetNotForUs);
  }
  switch (load_be16(frame.bytes + ether::kType)) {
    case ether::kTypeIpv4:
      return examine_ipv4(frame);
    case ether::kTypeIpv6:
      return examine_ipv6(frame);
    case ether::kTypeArp:
      return {Kind::kNeighbor, {}};
    default:
      return refuse(DropReason::kEthernetUnsupported);
  }
}

/// The checksum after a 16-bit word under it changed (RFC 1624 equation 3), memory order.
void update_checksum(std::byte* field, std::uint16_t before, std::uint16_t after) noexcept {
  std::uint16_t checksum;
  std::memcpy(&checksum, field, 2);
  checksum = checksum_of(std::uint64_t{static_cast<std::uint16_t>(~checksum)} +
                         static_cast<std::uint16_t>(~before) + after);
  std::memcpy(field, &checksum, 2);
}

void swap_bytes(std::byte* a, std::byte* b, std::size_t n) noexcept {
  std::array<std::byte, 16> kept;
  std::memcpy(kept.data(), a, n);
  std::memcpy(a, b, n);
  std::memcpy(b, kept.data(), n);
}

std::uint16_t word_at(const std::byte* at) noexcept {
  std::uint16_t word;
  std::memcpy(&word, at, 2);
  return word;
}

/// Turns a checked echo request into its reply. Swapping addresses leaves every checksum as it is.
void turn_echo(std::byte* frame, const Port& port) noexcept {
  std::memcpy(frame + ether::kDestination, frame + ether::kSource, 6);
  std::memcpy(frame + ether::kSource, port.mac.data(), 6);
  std::byte* const ip = frame + ether::kBytes;
  constexpr std::uint8_t kTtl = 64;
  std::byte* message = ip + ipv6::kBytes;
  std::uint8_t reply = icmp::kEchoReply6;
  if (load_u8(ip) >> 4U == 4) {
    swap_bytes(ip + ipv4::kSource, ip + ipv4::kDestination, 4);
    const std::uint16_t before = word_at(ip + ipv4::kTtl);
    store_u8(ip + ipv4::kTtl, kTtl);
    update_checksum(ip + ipv4::kChecksum, before, word_at(ip + ipv4::kTtl));
    message = ip + (load_u8(ip) & 0x0fU) * 4U;
    reply = icmp::kEchoReply;
  } else {
    swap_bytes(ip + ipv6::kSource, ip + ipv6::kDestination, 16);
    store_u8(ip + ipv6::kHopLimit, kTtl);
  }
  const std::uint16_t before = word_at(message);
  store_u8(message + icmp::kType, reply);
  update_checksum(message + icmp::kChecksum, before, word_at(message));
}

}  // namespace

void ethernet(Burst& burst, EthernetState& state, wire::shm::LcoreCounters& counters) noexcept {
  std::uint64_t elsewhere = 0;  // ARP and ND for worker 0
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    rte_mbuf* const mbuf = burst.mbufs[i];
    PacketContext& context = burst.context(i);
    const Port& port = (*state.ports)[context.port];
    if (mbuf->nb_segs != 1) [[unlikely]] {
      burst.drop(i, DropReason::kEthernetUnsupported);
      continue;
    }
    const auto view = [&]() noexcept {
      return Frame{bytes_of(mbuf).data(),     mbuf->data_len, mbuf->ol_flags, port,
                   state.ports->service_port, context};
    };
    if (is_plain_udp4(view())) [[likely]]
      continue;
    const Frame frame = view();
    const Finding finding = examine(frame);
    switch (finding.kind) {
      case Kind::kUdp:
        break;
      case Kind::kDrop:
        burst.drop(i, finding.reason);
        break;
      case Kind::kNeighbor:
        if (state.resolver != nullptr) {
          state.resolver->receive(burst, i);
        } else {
          elsewhere |= std::uint64_t{1} << i;
        }
        break;
      case Kind::kEcho:
        turn_echo(frame.bytes, port);
        state.doors->answered(mbuf);
        state.transmit->put(context.port, burst.take(i));
        break;
    }
  }
  if (elsewhere != 0) [[unlikely]] {
    std::array<std::uint8_t, kBurstSize> wanted;
    for (unsigned i = 0; i < burst.size; ++i) {
      const bool goes = (elsewhere >> i & 1U) != 0;
      wanted[i] = static_cast<std::uint8_t>(goes ? 0 : state.worker);
    }
    hand_over(burst, wanted, Resume::kNeighbor, state.worker, *state.hand_off, counters);
  }
}

}  // namespace dataplane
