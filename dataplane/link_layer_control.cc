// SPDX-License-Identifier: Apache-2.0
// What a link layer sends for the control plane and gives to it: datagrams of handshakes, messages
// of virtual links.

#include <cstring>

#include "dataplane/link_layer.h"

namespace dataplane {

using wire::shm::DropReason;

void LinkLayer::send_datagram(LinkRuntime& link, rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept {
  const std::uint64_t mac = link.hop_mac();
  if (mac == 0) {
    MbufQueue& waiting = secure_[link.slot].datagrams;
    if (waiting.size() >= kResolvingLimit) {
      around_.doors.drop(mbuf, DropReason::kNeighborUnresolved);
      return;
    }
    context_of(mbuf).queued_tsc = now_tsc;
    waiting.push(mbuf);
    ++held_;
    return;
  }
  const auto payload_bytes = static_cast<std::uint16_t>(mbuf->data_len);
  char* const room = rte_pktmbuf_prepend(mbuf, static_cast<std::uint16_t>(link.headers.size()));
  if (room == nullptr) [[unlikely]] {
    around_.doors.drop(mbuf, DropReason::kHeadroomExhausted);
    return;
  }
  link.headers.write(reinterpret_cast<std::byte*>(room), payload_bytes, mac);
  around_.transmit.put(link.port, mbuf);
}

void LinkLayer::serve_datagrams(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                                std::uint64_t now_tsc) noexcept {
  MbufQueue& waiting = secure_[link.slot].datagrams;
  if (waiting.empty()) return;
  const std::uint64_t limit = around_.tsc_hz / 1000 * policy.queue_age_ms;
  const bool resolved = link.hop_mac() != 0;
  while (!waiting.empty()) {
    const bool aged = now_tsc - context_of(waiting.front()).queued_tsc > limit;
    if (!resolved && !aged) return;
    rte_mbuf* const mbuf = waiting.pop();
    --held_;
    if (aged) {
      around_.doors.drop(mbuf, DropReason::kNeighborUnresolved);
    } else {
      send_datagram(link, mbuf, now_tsc);
    }
  }
}

void LinkLayer::drop_datagrams(LinkRuntime& link, DropReason reason) noexcept {
  while (rte_mbuf* const mbuf = secure_[link.slot].datagrams.pop()) {
    --held_;
    around_.doors.drop(mbuf, reason);
  }
}

void LinkLayer::pass_to_stream(LinkRuntime& link, rte_mbuf* mbuf) noexcept {
  PacketContext& context = context_of(mbuf);
  const std::span<const std::byte> message = bytes_of(mbuf);
  wire::shm::PacketRecord record;  // the bytes are not cleared: length says how many are meant
  if (message.size() > record.bytes.size()) {
    around_.doors.drop(mbuf, DropReason::kDeliverTooLarge);
    return;
  }
  record.kind = wire::shm::PacketKind::kVirtualOut;
  record.verified = context.verified ? 1 : 0;
  record.generation = link.generation;
  record.link_slot = link.slot;
  record.length = static_cast<std::uint16_t>(message.size());
  record.tsc = context.rx_tsc;
  std::memcpy(record.bytes.data(), message.data(), message.size());
  if (!around_.rings.virtual_out.push(record)) {
    around_.doors.drop(mbuf, DropReason::kVirtualRingFull);
    return;
  }
  wire::shm::LinkStatus& counted = status(link);
  counted.messages_out.add(1);
  counted.bytes_out.add(message.size());
  if (!context.unledgered) around_.counters.transmitted.add(1);
  around_.doors.transmitted(context);
  around_.doors.let_go(mbuf);
}

}  // namespace dataplane
