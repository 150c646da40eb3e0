// SPDX-License-Identifier: Apache-2.0
// What a link layer sends for the control plane and gives to it, and datagrams that wait: for keys,
// or because they stood behind another record.

#include <cstring>

#include "dataplane/link_layer.h"

namespace dataplane {

using wire::shm::DropReason;

void LinkLayer::send_datagram(LinkRuntime& link, rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept {
  if (mbuf->data_len < wire::dtls::kRecordHeaderBytes) {
    around_.doors.drop(mbuf, DropReason::kBadLength);
    return;
  }
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

// ---- what came in ----

void LinkLayer::note_forgery(const LinkRuntime& link, std::span<const std::byte> record,
                             std::uint64_t now_tsc) noexcept {
  status(link).bad_records.add(1);
  forgeries_->note(link.slot, link.generation, 0, record, now_tsc, around_.counters);
}

void LinkLayer::split_off(rte_mbuf* mbuf, std::size_t from) noexcept {
  const PacketContext& whole = context_of(mbuf);
  assert(from < whole.payload_length);
  const std::span<const std::byte> rest =
      bytes_of(mbuf).subspan(whole.payload_offset + from, whole.payload_length - from);
  rte_mbuf* const further = rte_pktmbuf_alloc(&around_.pool);
  if (further == nullptr) return;
  if (rest.size() > rte_pktmbuf_tailroom(further)) return rte_pktmbuf_free(further);
  std::memcpy(rte_pktmbuf_append(further, static_cast<std::uint16_t>(rest.size())), rest.data(),
              rest.size());
  PacketContext& context = context_of(further);
  reset_context(context, whole.rx_tsc);
  context.port = whole.port;
  context.local = whole.local;
  context.remote = whole.remote;
  context.payload_offset = 0;
  context.payload_length = static_cast<std::uint16_t>(rest.size());
  around_.counters.received.add(1);
  further_.push(further);
}

unsigned LinkLayer::take_further(Burst& burst) noexcept {
  if (further_.empty()) [[likely]]
    return 0;
  burst.clear();
  while (!burst.full() && !further_.empty()) burst.add(further_.pop());
  return burst.size;
}

void LinkLayer::drop_early(std::uint64_t now_tsc) noexcept {
  const std::uint64_t limit = around_.tsc_hz / 1000 * EarlyRecords::kHoldMs;
  while (rte_mbuf* const mbuf = early_.take_older_than(now_tsc - limit)) {
    // No keys came that open it, so it is what it looked like. Anybody can make keys look near with
    // a handshake datagram, and must not hide forgeries so.
    const PacketContext& context = context_of(mbuf);
    const LinkRuntime& link = at(context.link_in);
    if (link.version != 0 && link.generation == context.link_generation) {
      if (context.early_as == DropReason::kRecordReplayed) status(link).replays.add(1);
      if (context.early_as == DropReason::kRecordForged) {
        note_forgery(link, bytes_of(mbuf).subspan(context.payload_offset, context.payload_length),
                     now_tsc);
      }
    }
    around_.doors.drop(mbuf, context.early_as);
  }
}

}  // namespace dataplane
