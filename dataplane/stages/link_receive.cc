// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/link_receive.h"

#include "wire/reload/link_framing.h"

namespace dataplane {

namespace {

struct PendingAck {
  LinkRuntime* link;
  std::uint32_t sequence;
  std::uint32_t received;
};

/// The acks of one burst.
struct PendingAcks {
  std::array<PendingAck, kBurstSize> acks;
  unsigned count = 0;

  void send(LinkLayer& links, std::uint64_t now_tsc) const noexcept {
    if (count == 0) return;
    const LinkSurroundings& around = links.around();
    std::array<rte_mbuf*, kBurstSize> mbufs;
    // Without buffers the frames stay unacknowledged, and their sender tries again.
    if (rte_pktmbuf_alloc_bulk(&around.pool, mbufs.data(), count) != 0) return;
    unsigned sent = 0;
    for (unsigned i = 0; i < count; ++i) {
      const LinkRuntime& link = *acks[i].link;
      if (link.mac() == 0) {
        rte_pktmbuf_free(mbufs[i]);
        continue;
      }
      links.send_ack(link, acks[i].sequence, acks[i].received, mbufs[i], now_tsc);
      links.status(link).acks_out.add(1);
      ++sent;
    }
    around.counters.acks_sent.add(sent);
    around.counters.generated.add(sent);
  }
};

}  // namespace

void link_receive(Burst& burst, LinkLayer& links, const wire::shm::PolicyTable& policy,
                  std::uint64_t now_tsc) noexcept {
  const LinkSurroundings& around = links.around();
  std::array<const wire::shm::Endpoint*, kBurstSize> pairs;
  std::array<const LinkEntry*, kBurstSize> entries;
  std::size_t count = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    pairs[count++] = &burst.context(static_cast<unsigned>(std::countr_zero(left))).local;
  }
  links.find({pairs.data(), count}, {entries.data(), count});

  PendingAcks pending;
  unsigned acks_received = 0;
  std::size_t nth = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const LinkEntry* const entry = entries[nth++];
    if (entry == nullptr || policy.lab_links == 0 || entry->owner != around.worker) {
      burst.drop(i, DropReason::kUnknownLink);
      continue;
    }
    rte_mbuf* const mbuf = burst.mbufs[i];
    PacketContext& context = burst.context(i);
    context.link_in = entry->record.slot;
    context.link_generation = entry->record.generation;
    context.link_class = entry->record.link_class;
    assert(std::size_t{context.payload_offset} + context.payload_length <= mbuf->data_len);
    wire::reload::Frame frame;
    if (!wire::reload::parse_frame(
             bytes_of(mbuf).subspan(context.payload_offset, context.payload_length), frame)
             .ok()) {
      burst.drop(i, DropReason::kBadFrame);
      continue;
    }
    LinkRuntime& link = links.open(*entry);
    if (frame.is_ack) {
      if (links.acknowledge(link, frame.sequence, frame.received, now_tsc)) {
        ++acks_received;
        burst.absorb(i);
      } else {
        burst.drop(i, DropReason::kBadAck);
      }
      continue;
    }
    const std::uint32_t received = link.receiver.note(frame.sequence);
    pending.acks[pending.count++] = {&link, frame.sequence, received};
    context.frame_sequence = frame.sequence;
    const auto message_bytes = static_cast<std::uint16_t>(frame.message.size());
    mbuf->data_off = static_cast<std::uint16_t>(mbuf->data_off + context.payload_offset +
                                                wire::reload::kDataFrameOverhead);
    mbuf->data_len = message_bytes;
    mbuf->pkt_len = message_bytes;
    wire::shm::LinkStatus& status = links.status(link);
    status.messages_in.add(1);
    status.bytes_in.add(message_bytes);
    if (link.receiver.was_duplicate()) status.duplicates_in.add(1);
  }
  if (acks_received != 0) around.counters.acks_received.add(acks_received);
  pending.send(links, now_tsc);
}

}  // namespace dataplane
