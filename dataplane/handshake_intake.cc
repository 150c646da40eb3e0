// SPDX-License-Identifier: Apache-2.0
#include "dataplane/handshake_intake.h"

#include <cstring>

#include "dataplane/frame_layout.h"
#include "wire/byte_order.h"
#include "wire/dtls/record.h"

namespace dataplane {

using wire::shm::DropReason;

bool is_client_hello(std::span<const std::byte> datagram) noexcept {
  constexpr std::size_t kHandshakeHeaderBytes = 12;  // RFC 6347 section 4.2.2
  constexpr std::uint8_t kClientHello = 1;
  wire::dtls::RecordHeader header;
  return wire::dtls::parse_record(datagram, 0, header).ok() &&
         header.type == wire::dtls::ContentType::kHandshake && header.epoch == 0 &&
         header.length >= kHandshakeHeaderBytes &&
         wire::load_u8(&datagram[wire::dtls::kRecordHeaderBytes]) == kClientHello;
}

bool HandshakeIntake::push(const PacketContext& context, std::span<const std::byte> datagram,
                           const MacAddress& mac, std::uint64_t now_tsc, DropReason& why) noexcept {
  wire::shm::PacketRecord record;  // the bytes are not cleared: length says how many are meant
  if (datagram.size() > record.bytes.size()) {
    why = DropReason::kDeliverTooLarge;
    return false;
  }
  record.kind = wire::shm::PacketKind::kHandshake;
  record.generation = context.link_generation;
  record.link_slot = context.link_in;
  record.length = static_cast<std::uint16_t>(datagram.size());
  record.port = context.port;
  record.tsc = now_tsc;
  record.local = context.local;
  record.remote = context.remote;
  record.mac = mac;
  std::memcpy(record.bytes.data(), datagram.data(), datagram.size());
  if (ring_.push(record)) return true;
  why = DropReason::kHandshakeRingFull;
  return false;
}

bool HandshakeIntake::from_link(const PacketContext& context, std::span<const std::byte> datagram,
                                TokenBucket& bucket, const wire::shm::PolicyTable& policy,
                                std::uint64_t now_tsc, DropReason& why) noexcept {
  if (!bucket.take(BucketRate::from(policy.handshake_rate, tsc_hz_), now_tsc)) {
    why = DropReason::kHandshakeRate;
    return false;
  }
  return push(context, datagram, {}, now_tsc, why);
}

bool HandshakeIntake::from_stranger(const PacketContext& context, std::span<const std::byte> frame,
                                    std::span<const std::byte> datagram,
                                    const wire::shm::PolicyTable& policy, std::uint64_t now_tsc,
                                    DropReason& why) noexcept {
  if (!is_client_hello(datagram)) {
    why = DropReason::kUnknownLink;
    return false;
  }
  if (!strangers_.take(BucketRate::from(policy.unknown_handshake_rate, tsc_hz_), now_tsc)) {
    why = DropReason::kHandshakeRate;
    return false;
  }
  MacAddress mac;
  std::memcpy(mac.data(), &frame[ether::kSource], mac.size());
  return push(context, datagram, mac, now_tsc, why);
}

}  // namespace dataplane
