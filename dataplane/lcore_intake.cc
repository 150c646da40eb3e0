// SPDX-License-Identifier: Apache-2.0
#include "dataplane/lcore_intake.h"

#include <algorithm>
#include <cstring>

namespace dataplane {
namespace {

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
    PacketContext& context = context_of(mbuf);
    reset_context(context, lcore.turn.tsc);
    context.injected = true;
    context.inject_on_link = record.kind == PacketKind::kInjectOnLink;
    context.next_hop = record.link_slot;
    const unsigned slot = burst.size;
    const bool copied = copy_message(record, mbuf);
    burst.add(mbuf);
    if (!copied) return burst.drop(slot, DropReason::kBadLength);
    if (context.inject_on_link) {
      const LinkEntry* link = lcore.around.links.by_slot(record.link_slot);
      if (link == nullptr || link->record.generation != record.generation) {
        burst.drop(slot, DropReason::kLinkDown);
      }
    }
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
