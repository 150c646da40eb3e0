// SPDX-License-Identifier: Apache-2.0

#include "tests/support/frame_view.h"

#include "wire/byte_order.h"
#include "wire/dtls/record.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_contents.h"

namespace tests::support {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kUdpBytes = 8;
constexpr std::uint8_t kUdpProtocol = 17;

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

bool find_udp(std::span<std::byte> frame, FrameView& view) {
  if (frame.size() < kEthernetBytes + 20) return false;
  const std::uint16_t ether_type = wire::load_be16(&frame[12]);
  view.ip_offset = kEthernetBytes;
  std::uint8_t protocol = 0;
  if (ether_type == 0x0800) {
    view.udp_offset = kEthernetBytes + (byte_at(frame, kEthernetBytes) & 0x0fU) * 4U;
    protocol = byte_at(frame, kEthernetBytes + 9);
    // A piece of an IP datagram holds no checkable UDP datagram.
    if ((wire::load_be16(&frame[kEthernetBytes + 6]) & 0x3fffU) != 0) return false;
  } else if (ether_type == 0x86dd && frame.size() >= kEthernetBytes + kIpv6Bytes) {
    view.is_ipv6 = true;
    view.udp_offset = kEthernetBytes + kIpv6Bytes;
    protocol = byte_at(frame, kEthernetBytes + 6);
  } else {
    return false;
  }
  if (protocol != kUdpProtocol || frame.size() < view.udp_offset + kUdpBytes) return false;
  view.udp_length = wire::load_be16(&frame[view.udp_offset + 4]);
  return view.udp_length >= kUdpBytes && frame.size() >= view.udp_offset + view.udp_length;
}

std::uint32_t sum_words(std::span<const std::byte> bytes, std::uint32_t sum) {
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) sum += wire::load_be16(&bytes[at]);
  if (at < bytes.size()) sum += static_cast<std::uint32_t>(byte_at(bytes, at)) << 8U;
  return sum;
}

}  // namespace

FrameView view_frame(std::span<std::byte> frame) noexcept {
  namespace reload = wire::reload;
  FrameView view;
  view.is_udp = find_udp(frame, view);
  if (!view.is_udp) return view;
  const std::span<std::byte> datagram =
      frame.subspan(view.udp_offset + kUdpBytes, view.udp_length - kUdpBytes);
  wire::dtls::RecordHeader record;
  if (wire::dtls::parse_record(datagram, 0, record).ok() &&
      record.type == wire::dtls::ContentType::kApplicationData) {
    view.is_record = true;
    view.sequence = record.sequence;
    view.fragment = datagram.subspan(wire::dtls::kRecordHeaderBytes, record.length);
    return view;
  }
  reload::Frame link_frame;
  if (!reload::parse_frame(datagram, link_frame).ok() || link_frame.is_ack) return view;
  const std::span<std::byte> message = datagram.subspan(reload::kDataFrameOverhead);
  reload::ForwardingHeader header;
  reload::MessageContents contents;
  if (!reload::parse_forwarding_header(message, header).ok() || !header.fragment.is_whole() ||
      !reload::parse_message_contents(message.subspan(header.size()), contents).ok()) {
    return view;
  }
  view.is_message = true;
  view.message_code = contents.message_code;
  view.transaction = static_cast<std::uint64_t>(header.transaction_id);
  view.contents = message.subspan(header.size(), contents.encoded.size());
  view.body = view.contents.subspan(
      static_cast<std::size_t>(contents.body.data() - contents.encoded.data()),
      contents.body.size());
  return view;
}

void fix_udp_checksum(std::span<std::byte> frame, const FrameView& view) noexcept {
  const std::span<std::byte> udp = frame.subspan(view.udp_offset, view.udp_length);
  wire::store_be16(&udp[6], 0);
  // The pseudo-header: both addresses, the length, the protocol (RFC 768, RFC 8200 section 8.1).
  const std::span<const std::byte> addresses =
      view.is_ipv6 ? frame.subspan(view.ip_offset + 8, 32) : frame.subspan(view.ip_offset + 12, 8);
  std::uint32_t sum = sum_words(addresses, 0);
  sum += kUdpProtocol + static_cast<std::uint32_t>(view.udp_length);
  sum = sum_words(udp, sum);
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  const auto checksum = static_cast<std::uint16_t>(~sum);
  wire::store_be16(&udp[6], checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

std::uint64_t contents_fingerprint(std::span<const std::byte> contents) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte value : contents) {
    hash = (hash ^ std::to_integer<std::uint64_t>(value)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace tests::support
