// SPDX-License-Identifier: Apache-2.0
#include "dataplane/link_headers.h"

#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/frame_layout.h"
#include "wire/byte_order.h"

namespace dataplane {

namespace {

constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint16_t kDoNotFragment = 0x4000;  // RFC 6864: then the identification may be 0

}  // namespace

void LinkHeaders::prepare(const MacAddress& source, const wire::shm::LinkRecord& link) noexcept {
  bytes_.fill(std::byte{0});
  family_ = link.local.family;
  const bool v4 = family_ == 4;
  std::byte* const ethernet = bytes_.data();
  std::memcpy(ethernet + 6, source.data(), source.size());
  wire::store_be16(ethernet + 12, v4 ? 0x0800 : 0x86dd);

  std::byte* const ip = ethernet + ether::kBytes;
  std::byte* const udp_header = ip + (v4 ? ipv4::kMinBytes : ipv6::kBytes);
  size_ = static_cast<std::uint8_t>(udp_header + udp::kBytes - ethernet);
  wire::store_be16(udp_header, link.local.port);
  wire::store_be16(udp_header + 2, link.remote.port);
  if (v4) {
    wire::store_u8(ip, 0x45);
    wire::store_be16(ip + 6, kDoNotFragment);
    wire::store_u8(ip + 8, kHopLimit);
    wire::store_u8(ip + 9, protocol::kUdp);
    std::memcpy(ip + 12, link.local.address.data() + 12, 4);
    std::memcpy(ip + 16, link.remote.address.data() + 12, 4);
    ip_sum_ = sum_bytes(ip, ipv4::kMinBytes);
    udp_sum_ = pseudo_header_sum(ip + 12, 8, protocol::kUdp, 0);
  } else {
    wire::store_u8(ip, 0x60);
    wire::store_u8(ip + 6, protocol::kUdp);
    wire::store_u8(ip + 7, kHopLimit);
    std::memcpy(ip + 8, link.local.address.data(), 16);
    std::memcpy(ip + 24, link.remote.address.data(), 16);
    ip_sum_ = 0;
    udp_sum_ = pseudo_header_sum(ip + 8, 32, protocol::kUdp, 0);
  }
  udp_sum_ += sum_bytes(udp_header, 4);
}

}  // namespace dataplane
