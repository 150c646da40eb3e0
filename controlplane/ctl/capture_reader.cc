// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/capture_reader.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include "wire/byte_order.h"
#include "wire/cursor.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/link_framing.h"

namespace controlplane::ctl {

namespace {

using ByteSpan = std::span<const std::byte>;

constexpr std::uint16_t kReloadPort = 6084;  // RFC 6940 section 14.1
constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;
constexpr std::uint16_t kEtherVlan = 0x8100;
constexpr std::uint16_t kEtherQinQ = 0x88a8;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kIpv6FragmentHeader = 44;
constexpr std::size_t kUdpHeaderBytes = 8;

struct Datagram {
  ByteSpan payload;
  std::size_t missing_bytes = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::string source;
  std::string destination;
};

struct IpPacket {
  int family = AF_INET;
  ByteSpan source;
  ByteSpan destination;
  ByteSpan payload;
  std::uint8_t protocol = 0;
  bool is_fragment = false;
};

std::string endpoint(int family, ByteSpan address, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, address.data(), text.data(), text.size());
  const std::string host = text.data();
  return (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<IpPacket> read_ipv4(ByteSpan bytes) {
  wire::ReadCursor in(bytes);
  IpPacket packet;
  const std::uint8_t version_and_length = in.u8();
  (void)in.bytes(5);                               // type of service, total length, identification
  packet.is_fragment = (in.u16() & 0x3fffU) != 0;  // more fragments, or an offset
  (void)in.u8();                                   // time to live
  packet.protocol = in.u8();
  (void)in.u16();  // checksum
  packet.source = in.bytes(4);
  packet.destination = in.bytes(4);
  const std::size_t header_bytes = (version_and_length & 0x0fU) * std::size_t{4};
  if (version_and_length >> 4U != 4 || header_bytes < 20) return std::nullopt;
  (void)in.bytes(header_bytes - 20);
  packet.payload = in.rest();
  return in.ok() ? std::optional(packet) : std::nullopt;
}

std::optional<IpPacket> read_ipv6(ByteSpan bytes) {
  wire::ReadCursor in(bytes);
  IpPacket packet;
  packet.family = AF_INET6;
  const std::uint8_t version = in.u8();
  (void)in.bytes(5);  // traffic class, flow label, payload length
  packet.protocol = in.u8();
  (void)in.u8();  // hop limit
  packet.source = in.bytes(16);
  packet.destination = in.bytes(16);
  if (version >> 4U != 6) return std::nullopt;
  packet.is_fragment = packet.protocol == kIpv6FragmentHeader;
  packet.payload = in.rest();
  return in.ok() ? std::optional(packet) : std::nullopt;
}

std::optional<IpPacket> read_ethernet(ByteSpan bytes) {
  wire::ReadCursor in(bytes);
  (void)in.bytes(12);  // both MAC addresses
  std::uint16_t type = in.u16();
  while (in.ok() && (type == kEtherVlan || type == kEtherQinQ)) {
    (void)in.u16();
    type = in.u16();
  }
  if (!in.ok()) return std::nullopt;
  if (type == kEtherIpv4) return read_ipv4(in.rest());
  if (type == kEtherIpv6) return read_ipv6(in.rest());
  return std::nullopt;
}

std::optional<Datagram> read_udp(const IpPacket& packet) {
  if (packet.protocol != kProtocolUdp) return std::nullopt;
  wire::ReadCursor in(packet.payload);
  Datagram datagram;
  datagram.source_port = in.u16();
  datagram.destination_port = in.u16();
  const std::size_t length = in.u16();
  (void)in.u16();  // checksum
  if (!in.ok() || length < kUdpHeaderBytes) return std::nullopt;
  // Ethernet pads short frames, and a snap length cuts long ones.
  const std::size_t wanted = length - kUdpHeaderBytes;
  datagram.payload = in.rest().first(std::min(wanted, in.rest().size()));
  datagram.missing_bytes = wanted - datagram.payload.size();
  datagram.source = endpoint(packet.family, packet.source, datagram.source_port);
  datagram.destination = endpoint(packet.family, packet.destination, datagram.destination_port);
  return datagram;
}

bool is_reload(const Datagram& datagram) {
  if (datagram.source_port == kReloadPort || datagram.destination_port == kReloadPort) return true;
  const ByteSpan payload = datagram.payload;
  if (payload.size() < wire::reload::kAckFrameBytes) return false;
  if (wire::load_be32(payload.data()) == wire::reload::kReloToken) return true;
  const std::uint8_t type = wire::load_u8(payload.data());
  if (type == wire::reload::kAckFrameType) return payload.size() == wire::reload::kAckFrameBytes;
  return type == wire::reload::kDataFrameType &&
         payload.size() >= wire::reload::kDataFrameOverhead + 4 &&
         wire::load_be32(payload.data() + wire::reload::kDataFrameOverhead) ==
             wire::reload::kReloToken;
}

struct ClosePcap {
  void operator()(pcap_t* capture) const noexcept { pcap_close(capture); }
};

}  // namespace

bool is_capture(ByteSpan input) {
  if (input.size() < 4) return false;
  // pcap with microseconds or nanoseconds in either byte order, and pcapng's section header.
  constexpr std::array<std::uint32_t, 5> kMagics = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
                                                    0x0a0d0d0a};
  return std::ranges::find(kMagics, wire::load_be32(input.data())) != kMagics.end();
}

DecodeInput read_capture(ByteSpan input) {
  DecodeInput result;
  // libpcap only reads; fmemopen merely has no const form.
  std::FILE* const file = fmemopen(const_cast<std::byte*>(input.data()), input.size(), "rb");
  if (file == nullptr) {
    result.error = "the capture cannot be read: out of memory";
    return result;
  }
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const std::unique_ptr<pcap_t, ClosePcap> capture(
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (capture == nullptr) {
    std::fclose(file);
    result.error = std::string("the capture is damaged: ") + why.data();
    return result;
  }
  if (pcap_datalink(capture.get()) != DLT_EN10MB) {
    const char* const name = pcap_datalink_val_to_name(pcap_datalink(capture.get()));
    result.error = std::string("the capture has link type ") + (name == nullptr ? "?" : name) +
                   "; capture on an Ethernet interface, not on `any`";
    return result;
  }

  std::size_t number = 0;
  std::size_t ip_fragments = 0;
  pcap_pkthdr* header = nullptr;
  const unsigned char* bytes = nullptr;
  int status = 0;
  while ((status = pcap_next_ex(capture.get(), &header, &bytes)) == 1) {
    ++number;
    const auto packet = read_ethernet(std::as_bytes(std::span(bytes, header->caplen)));
    if (packet && packet->is_fragment) ++ip_fragments;
    if (!packet || packet->is_fragment) continue;
    const auto datagram = read_udp(*packet);
    if (!datagram || !is_reload(*datagram)) continue;
    DecodeItem item;
    item.bytes.assign(datagram->payload.begin(), datagram->payload.end());
    item.packet = number;
    item.time_s = static_cast<double>(header->ts.tv_sec) +
                  static_cast<double>(header->ts.tv_usec) / 1e9;  // nanoseconds, as asked for
    item.source = datagram->source;
    item.destination = datagram->destination;
    item.missing_bytes = datagram->missing_bytes;
    result.items.push_back(std::move(item));
  }
  if (status == PCAP_ERROR) {
    result.error = "the capture is damaged behind packet " + std::to_string(number) + ": " +
                   pcap_geterr(capture.get());
  }
  if (result.items.empty() && result.error.empty()) {
    result.warnings.push_back(
        "no RELOAD datagram among " + std::to_string(number) +
        " packets (UDP port 6084, or with a frame's or message's first bytes)");
  }
  if (ip_fragments > 0) {
    result.warnings.push_back(std::to_string(ip_fragments) +
                              " IP fragments left out; capture where packets are whole");
  }
  return result;
}

}  // namespace controlplane::ctl
