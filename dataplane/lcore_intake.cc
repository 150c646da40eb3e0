// SPDX-License-Identifier: Apache-2.0
#include "dataplane/lcore_intake.h"

#include <algorithm>
#include <cstring>

#include "dataplane/link_headers.h"

namespace dataplane {
namespace {

using wire::shm::LinkProtocol;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

/// False when the record is no message that could be sent.
bool copy_message(const PacketRecord& record, rte_mbuf* mbuf) noexcept {
  if (record.length == 0 || record.length > record.bytes.size() ||
      record.length > rte_pktmbuf_tailroom(mbuf)) {
    return false;
  }
  std::memcpy(rte_pktmbuf_mtod(mbuf, std::byte*), record.bytes.data(), record.length);
  mbuf->data_len = record.length;
  mbuf->pkt_len = record.length;
  return true;
}

/// The link a record names, unless its slot has another node by now.
const LinkEntry* entry_for(const PacketRecord& record, const LcoreContext& lcore) noexcept {
  const LinkEntry* const entry = lcore.around.links.by_slot(record.link_slot);
  return entry != nullptr && entry->record.generation == record.generation ? entry : nullptr;
}

/// The same, when this worker has the link's state and the link speaks @p protocol.
const LinkEntry* own_entry_for(const PacketRecord& record, LinkProtocol protocol,
                               const LcoreContext& lcore) noexcept {
  const LinkEntry* const entry = entry_for(record, lcore);
  if (entry == nullptr || entry->owner != lcore.worker) return nullptr;
  return entry->record.protocol == protocol ? entry : nullptr;
}

void take_message(const PacketRecord& record, rte_mbuf* mbuf, Burst& burst) noexcept {
  PacketContext& context = context_of(mbuf);
  context.injected = true;
  context.inject_on_link = record.kind == PacketKind::kInjectOnLink;
  context.next_hop = record.link_slot;
  burst.add(mbuf);
}

/// As link_receive leaves a message.
void take_from_stream(const LinkEntry& entry, rte_mbuf* mbuf, LcoreContext& lcore) noexcept {
  PacketContext& context = context_of(mbuf);
  context.link_in = entry.record.slot;
  context.link_generation = entry.record.generation;
  context.link_class = entry.record.link_class;
  context.frame_sequence = 0;
  wire::shm::LinkStatus& status = lcore.links->status(lcore.links->open(entry));
  status.messages_in.add(1);
  status.bytes_in.add(mbuf->data_len);
  lcore.from_streams.add(mbuf);
}

/// Headers are made for this one datagram, and nothing is looked up: an answer to a stranger must
/// not need more state than the stranger has here.
void send_reply(const PacketRecord& record, rte_mbuf* mbuf, LcoreContext& lcore) noexcept {
  const PortTable& ports = lcore.around.ports;
  const bool is_ours = record.port < ports.count && ports[record.port].owns(record.local) &&
                       record.local.port == ports.service_port &&
                       record.remote.family == record.local.family;
  if (!is_ours) return lcore.doors.drop(mbuf, DropReason::kLinkDown);
  if (record.length < wire::dtls::kRecordHeaderBytes) {
    return lcore.doors.drop(mbuf, DropReason::kBadLength);
  }
  wire::shm::LinkRecord ends;
  ends.local = record.local;
  ends.remote = record.remote;
  LinkHeaders headers;
  headers.prepare(ports[record.port].mac, ends);
  char* const room = rte_pktmbuf_prepend(mbuf, static_cast<std::uint16_t>(headers.size()));
  if (room == nullptr) return lcore.doors.drop(mbuf, DropReason::kHeadroomExhausted);
  std::uint64_t mac = 0;
  std::memcpy(&mac, record.mac.data(), record.mac.size());
  headers.write(reinterpret_cast<std::byte*>(room), record.length, mac);
  lcore.transmit.put(record.port, mbuf);
}

}  // namespace

void take_injected(LcoreContext& lcore, Burst& burst) noexcept {
  const auto waiting =
      static_cast<unsigned>(std::min<std::size_t>(lcore.rings.injected.size(), kInjectedPerTurn));
  if (waiting == 0) return;
  // Without buffers they wait in their ring.
  std::array<rte_mbuf*, kInjectedPerTurn> mbufs;
  if (rte_pktmbuf_alloc_bulk(lcore.around.pool, mbufs.data(), waiting) != 0) return;
  unsigned used = 0;
  lcore.rings.injected.consume(waiting, [&](const PacketRecord& record) noexcept {
    rte_mbuf* const mbuf = mbufs[used++];
    reset_context(context_of(mbuf), lcore.turn.tsc);
    if (!copy_message(record, mbuf)) return lcore.doors.drop(mbuf, DropReason::kBadLength);
    switch (record.kind) {
      case PacketKind::kInject:
        return take_message(record, mbuf, burst);
      case PacketKind::kInjectOnLink:
        if (entry_for(record, lcore) == nullptr) break;
        return take_message(record, mbuf, burst);
      case PacketKind::kDatagram:
        if (const LinkEntry* const entry = own_entry_for(record, LinkProtocol::kDtls, lcore)) {
          return lcore.links->send_datagram(lcore.links->open(*entry), mbuf, lcore.turn.tsc);
        }
        break;
      case PacketKind::kReply:
        return send_reply(record, mbuf, lcore);
      case PacketKind::kVirtualIn:
        if (const LinkEntry* const entry = own_entry_for(record, LinkProtocol::kVirtual, lcore)) {
          return take_from_stream(*entry, mbuf, lcore);
        }
        break;
      case PacketKind::kRecord:
        if (const LinkEntry* const entry = own_entry_for(record, LinkProtocol::kDtls, lcore)) {
          return lcore.links->send_record(lcore.links->open(*entry), mbuf, record.content_type,
                                          record.association);
        }
        break;
      case PacketKind::kDelivery:
      case PacketKind::kSigner:
      case PacketKind::kErrorAnswer:
      case PacketKind::kHandshake:
      case PacketKind::kVirtualOut:
        break;  // these go up, never down
    }
    lcore.doors.drop(mbuf, DropReason::kLinkDown);
  });
  rte_pktmbuf_free_bulk(mbufs.data() + used, waiting - used);
  lcore.counters.injected.add(used);
  lcore.worked += used;
}

void take_given(LcoreContext& lcore, std::uint32_t other) noexcept {
  std::array<rte_mbuf*, kBurstSize> mbufs;
  const unsigned count = lcore.around.hand_off.take(lcore.worker, other, mbufs);
  if (count == 0) return;
  unsigned ledgered = 0;
  for (unsigned i = 0; i < count; ++i) {
    const PacketContext& context = context_of(mbufs[i]);
    ledgered += context.unledgered ? 0U : 1U;
    switch (context.resume) {
      case Resume::kLinkReceive:
        lcore.given_link_receive.add(mbufs[i]);
        break;
      case Resume::kLinkSend:
        lcore.given_link_send.add(mbufs[i]);
        break;
      case Resume::kNeighbor:
        lcore.given_neighbor.add(mbufs[i]);
        break;
      case Resume::kTransmit:
        lcore.transmit.put(context.port_out, mbufs[i]);
        break;
    }
  }
  lcore.counters.handed_in.add(ledgered);
  lcore.worked += count;
}

void meet_neighbors(LcoreContext& lcore, Burst& burst) noexcept {
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    lcore.resolver->receive(burst, static_cast<unsigned>(std::countr_zero(left)));
  }
}

}  // namespace dataplane
