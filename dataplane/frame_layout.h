// SPDX-License-Identifier: Apache-2.0
// Where things lie in Ethernet, IPv4, IPv6, ARP and ICMP headers. Offsets count from the start of
// the header they belong to.

#pragma once

#include <cstddef>
#include <cstdint>

namespace dataplane {

namespace ether {
inline constexpr std::size_t kBytes = 14;
inline constexpr std::size_t kDestination = 0;
inline constexpr std::size_t kSource = 6;
inline constexpr std::size_t kType = 12;
inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint16_t kTypeIpv6 = 0x86dd;
}  // namespace ether

namespace ipv4 {  // RFC 791
inline constexpr std::size_t kMinBytes = 20;
inline constexpr std::size_t kTotalLength = 2;
inline constexpr std::size_t kFragment = 6;  ///< flags and offset
inline constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;
inline constexpr std::size_t kTtl = 8;
inline constexpr std::size_t kProtocol = 9;
inline constexpr std::size_t kChecksum = 10;
inline constexpr std::size_t kSource = 12;
inline constexpr std::size_t kDestination = 16;
}  // namespace ipv4

namespace ipv6 {  // RFC 8200
inline constexpr std::size_t kBytes = 40;
inline constexpr std::size_t kPayloadLength = 4;
inline constexpr std::size_t kNextHeader = 6;
inline constexpr std::size_t kHopLimit = 7;
inline constexpr std::size_t kSource = 8;
inline constexpr std::size_t kDestination = 24;
}  // namespace ipv6

namespace udp {  // RFC 768
inline constexpr std::size_t kBytes = 8;
inline constexpr std::size_t kSource = 0;
inline constexpr std::size_t kDestination = 2;
inline constexpr std::size_t kLength = 4;
inline constexpr std::size_t kChecksum = 6;
}  // namespace udp

namespace protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIpv6Fragment = 44;
inline constexpr std::uint8_t kIcmpv6 = 58;
}  // namespace protocol

namespace arp {  // RFC 826, for Ethernet and IPv4
inline constexpr std::size_t kBytes = 28;
inline constexpr std::uint64_t kFixed = 0x0001080006040000;  ///< first 8 bytes but the operation
inline constexpr std::size_t kOperation = 6;
inline constexpr std::uint16_t kRequest = 1;
inline constexpr std::uint16_t kReply = 2;
inline constexpr std::size_t kSenderMac = 8;
inline constexpr std::size_t kSenderIp = 14;
inline constexpr std::size_t kTargetMac = 18;
inline constexpr std::size_t kTargetIp = 24;
}  // namespace arp

namespace icmp {  // RFC 792 and RFC 4443: both start alike
inline constexpr std::size_t kMinBytes = 8;
inline constexpr std::size_t kType = 0;
inline constexpr std::size_t kCode = 1;
inline constexpr std::size_t kChecksum = 2;
inline constexpr std::uint8_t kEchoRequest = 8;
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kEchoRequest6 = 128;
inline constexpr std::uint8_t kEchoReply6 = 129;
}  // namespace icmp

namespace nd {  // RFC 4861 section 4.3 and 4.4
inline constexpr std::uint8_t kSolicitation = 135;
inline constexpr std::uint8_t kAdvertisement = 136;
inline constexpr std::size_t kFlags = 4;  ///< advertisement: R, S, O in the top bits
inline constexpr std::uint8_t kSolicited = 0x40;
inline constexpr std::uint8_t kOverride = 0x20;
inline constexpr std::size_t kTarget = 8;
inline constexpr std::size_t kOptions = 24;
inline constexpr std::uint8_t kSourceLinkLayer = 1;
inline constexpr std::uint8_t kTargetLinkLayer = 2;
inline constexpr std::size_t kLinkLayerOptionBytes = 8;
inline constexpr std::uint8_t kHopLimit = 255;  ///< anything less came through a router
}  // namespace nd

}  // namespace dataplane
