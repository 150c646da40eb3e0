// SPDX-License-Identifier: Apache-2.0
#include "dataplane/link_layer.h"

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <utility>

#include "wire/reload/link_framing.h"

namespace dataplane {

namespace {

using wire::shm::DropReason;
using wire::shm::LinkRecord;
using wire::shm::LinkStatus;

void zero_counters(LinkStatus& status) {
  for (wire::shm::Counter* counter :
       {&status.messages_in,   &status.messages_out, &status.bytes_in,       &status.bytes_out,
        &status.acks_in,       &status.acks_out,     &status.retransmitted,  &status.lost,
        &status.duplicates_in, &status.queue_drops,  &status.bad_signatures, &status.drops_in,
        &status.srtt_us,       &status.rttvar_us,    &status.rto_us,         &status.cwnd,
        &status.in_flight,     &status.queued,       &status.last_ack_tsc,   &status.records_in,
        &status.records_out,   &status.replays,      &status.bad_records,    &status.rekeys,
        &status.installed_tsc}) {
    counter->set(0);
  }
}

/// By the low half of the remote address and its port: neighbours differ there.
std::size_t recent_index(const wire::shm::Endpoint* pair) {
  std::uint64_t low;
  std::memcpy(&low, pair[1].address.data() + 8, sizeof low);
  return (low ^ pair[1].port) * 0x9e3779b97f4a7c15U >> 59U;
}

/// Of a link whose mac() is 0.
DropReason why_nowhere(const LinkRuntime& link, const SecureLink& secure) {
  if (link.neighbor != nullptr || link.hop == nullptr) return DropReason::kNeighborUnresolved;
  return secure.number == 0 ? DropReason::kNoAssociation : DropReason::kSequenceExhausted;
}

/// Both endpoints, 40 bytes.
bool same_pair(const wire::shm::Endpoint* a, const wire::shm::Endpoint* b) {
  const auto word = [](const wire::shm::Endpoint* pair, std::size_t nth) {
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(pair) + 8 * nth, sizeof value);
    return value;
  };
  return ((word(a, 0) ^ word(b, 0)) | (word(a, 1) ^ word(b, 1)) | (word(a, 2) ^ word(b, 2)) |
          (word(a, 3) ^ word(b, 3)) | (word(a, 4) ^ word(b, 4))) == 0;
}

/// Zero pages until a link is opened: all zeros is a closed link.
template <class PerLink>
PerLink* reserve(std::size_t links) noexcept {
  void* const room = ::mmap(nullptr, links * sizeof(PerLink), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return room == MAP_FAILED ? nullptr : static_cast<PerLink*>(room);
}
template <class PerLink>
void give_back(PerLink* room, std::size_t links) noexcept {
  if (room != nullptr) ::munmap(room, links * sizeof(PerLink));
}

std::uint64_t age_limit_tsc(const wire::shm::PolicyTable& policy, std::uint64_t tsc_hz) {
  return tsc_hz / 1000 * policy.queue_age_ms;
}

}  // namespace

LinkLayer::LinkLayer(const LinkSurroundings& surroundings) noexcept
    : around_(surroundings),
      us_per_tsc_(1e6 / static_cast<double>(surroundings.tsc_hz)),
      handshakes_(surroundings.rings.handshake, surroundings.tsc_hz) {}

std::unique_ptr<LinkLayer> LinkLayer::create(const LinkSurroundings& surroundings) {
  std::unique_ptr<LinkLayer> layer(new LinkLayer(surroundings));
  layer->runtimes_ = reserve<LinkRuntime>(surroundings.max_links);
  layer->secure_ = reserve<SecureLink>(surroundings.max_links);
  layer->forgeries_ =
      Evidence::create(surroundings.rings.events, static_cast<std::uint8_t>(surroundings.worker),
                       surroundings.tsc_hz, DropReason::kRecordForged);
  if (layer->runtimes_ == nullptr || layer->secure_ == nullptr || layer->forgeries_ == nullptr) {
    return nullptr;
  }
  return layer;
}

LinkLayer::~LinkLayer() {
  if (runtimes_ != nullptr && secure_ != nullptr) close_all(DropReason::kShutdown);
  give_back(runtimes_, around_.max_links);
  give_back(secure_, around_.max_links);
}

void LinkLayer::follow(LinkRuntime& link, const LinkEntry& entry) noexcept {
  if (link.version != entry.version) reset(link, entry);
  if (link.protocol == wire::shm::LinkProtocol::kDtls) adopt_keys(link, entry);
  link.revision = entry.revision;
}

void LinkLayer::reset(LinkRuntime& link, const LinkEntry& entry) noexcept {
  if (link.version != 0) close(link, DropReason::kLinkDown);
  LinkRuntime* const next_ready = link.next_ready;
  const bool is_ready = link.is_ready;
  new (&link) LinkRuntime();
  link.next_ready = next_ready;
  link.is_ready = is_ready;
  link.version = entry.version;
  const LinkRecord& record = entry.record;
  link.slot = record.slot;
  link.generation = record.generation;
  link.protocol = record.protocol;
  new (&secure_[record.slot]) SecureLink();
  if (record.protocol != wire::shm::LinkProtocol::kVirtual) {
    assert(record.port < around_.ports.count);
    link.port = record.port;
    const Port& port = around_.ports[record.port];
    link.shares_buffers = port.tx_shares_buffers;
    link.hop = around_.neighbors.find(record.port, next_hop_on(port, record.remote));
    link.headers.prepare(port.mac, record);
  }
  // A secure link has nowhere to send messages until it has keys.
  if (record.protocol == wire::shm::LinkProtocol::kLab) link.neighbor = link.hop;
  used_ = std::max(used_, record.slot + 1U);
  zero_counters(status(link));
  status(link).association.store(0, std::memory_order_relaxed);
  publish_identity(record);
  publish(link);
}

void LinkLayer::close(LinkRuntime& link, DropReason reason) noexcept {
  if (link.protocol == wire::shm::LinkProtocol::kDtls) flush_records();  // they name it
  drop_queued(link, reason);
  drop_datagrams(link, reason);
  for (std::uint32_t slot = 0; slot < SrSender::kWindow; ++slot) release(link, slot);
  link.version = link.revision = 0;
}

void LinkLayer::close_all(DropReason reason) noexcept {
  for (std::uint32_t i = 0; i < used_; ++i) {
    if (at(i).version != 0) close(at(i), reason);
  }
  while (rte_mbuf* const mbuf = early_.take()) around_.doors.drop(mbuf, reason);
  while (rte_mbuf* const mbuf = further_.pop()) around_.doors.drop(mbuf, reason);
}

void LinkLayer::release(LinkRuntime& link, std::uint32_t slot) noexcept {
  if (link.kept[slot] == nullptr) return;
  rte_pktmbuf_free(link.kept[slot]);
  link.kept[slot] = nullptr;
}

// ---- queues ----

void LinkLayer::enqueue(LinkRuntime& link, rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept {
  PacketContext& context = context_of(mbuf);
  context.queued_tsc = now_tsc;
  link.queues[static_cast<std::size_t>(context.traffic_class)].push(mbuf);
  ++link.queued;
  if (!context.unledgered) ++held_;
}

rte_mbuf* LinkLayer::dequeue(LinkRuntime& link) noexcept {
  for (const wire::reload::TrafficClass cls : kServingOrder) {
    rte_mbuf* const mbuf = link.queues[static_cast<std::size_t>(cls)].pop();
    if (mbuf == nullptr) continue;
    --link.queued;
    if (!context_of(mbuf).unledgered) --held_;
    return mbuf;
  }
  return nullptr;
}

void LinkLayer::drop_queued(LinkRuntime& link, DropReason reason) noexcept {
  while (rte_mbuf* const mbuf = dequeue(link)) {
    status(link).queue_drops.add(1);
    around_.doors.drop(mbuf, reason);
  }
}

void LinkLayer::drop_aged(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                          std::uint64_t now_tsc) noexcept {
  const std::uint64_t limit = age_limit_tsc(policy, around_.tsc_hz);
  for (MbufQueue& queue : link.queues) {
    while (!queue.empty() && now_tsc - context_of(queue.front()).queued_tsc > limit) {
      rte_mbuf* const mbuf = queue.pop();
      --link.queued;
      if (!context_of(mbuf).unledgered) --held_;
      status(link).queue_drops.add(1);
      around_.doors.drop(mbuf, link.mac() == 0 ? why_nowhere(link, secure_[link.slot])
                                               : DropReason::kLinkQueueAge);
    }
  }
}

// ---- sending ----

void LinkLayer::transmit(LinkRuntime& link, rte_mbuf* mbuf, const wire::shm::PolicyTable& policy,
                         std::uint64_t now_tsc, std::uint64_t mac) noexcept {
  using wire::reload::kDataFrameOverhead;
  // On a secure link the rest of the headers is written when the frame has become a record.
  const bool is_secure = link.protocol == wire::shm::LinkProtocol::kDtls;
  const std::size_t headers = is_secure ? 0 : link.headers.size();
  const std::uint32_t message_bytes = mbuf->data_len;
  char* const room =
      rte_pktmbuf_prepend(mbuf, static_cast<std::uint16_t>(headers + kDataFrameOverhead));
  if (room == nullptr) [[unlikely]] {
    around_.doors.drop(mbuf, DropReason::kHeadroomExhausted);
    return;
  }
  if (is_secure) context_of(mbuf).sealed_by = 0;
  const bool may_retransmit = policy.retransmit_transit != 0 || context_of(mbuf).injected;
  rte_mbuf* kept = nullptr;
  if (may_retransmit) {
    if (link.shares_buffers) {
      kept = rte_pktmbuf_copy(mbuf, &around_.pool, 0, UINT32_MAX);
      if (kept != nullptr) context_of(kept).sealed_by = 0;
    } else {
      rte_mbuf_refcnt_update(mbuf, 1);
      kept = mbuf;
    }
  }
  const std::uint32_t sequence = link.sender.send(us_of(now_tsc), kept != nullptr);
  link.kept[SrSender::slot_of(sequence)] = kept;

  auto* const frame = reinterpret_cast<std::byte*>(room);
  wire::reload::write_data_frame_header(sequence, message_bytes,
                                        {frame + headers, kDataFrameOverhead});
  LinkStatus& counted = status(link);
  counted.messages_out.add(1);
  counted.bytes_out.add(message_bytes);
  if (is_secure) return add_frame(link, mbuf);
  link.headers.write(frame, static_cast<std::uint16_t>(message_bytes + kDataFrameOverhead), mac);
  around_.transmit.put(link.port, mbuf);
}

void LinkLayer::serve_lost(LinkRuntime& link, std::uint64_t now_tsc) noexcept {
  const std::uint64_t mac = link.mac();
  for (;;) {
    const SrSender::Lost lost = link.sender.next_lost(us_of(now_tsc));
    if (lost.action == SrSender::Lost::Action::kNone) break;
    if (lost.action == SrSender::Lost::Action::kGiveUp) {
      release(link, lost.from_slot);
      status(link).lost.add(1);
      continue;
    }
    rte_mbuf* const kept = link.kept[lost.from_slot];
    link.kept[lost.from_slot] = nullptr;
    link.kept[SrSender::slot_of(lost.sequence)] = kept;
    // The neighbour or the keys were forgotten: as if the network had lost it.
    if (mac == 0 || kept == nullptr) continue;
    // While somebody else holds the mbuf (a PMD, another worker's TX queue, the reader of a shared
    // port) its bytes must stay as they are.
    rte_mbuf* again = kept;
    if (link.shares_buffers || rte_mbuf_refcnt_read(kept) != 1) {
      again = rte_pktmbuf_copy(kept, &around_.pool, 0, UINT32_MAX);
      if (again == nullptr) continue;  // likewise
    } else {
      rte_mbuf_refcnt_update(kept, 1);
    }
    PacketContext& context = context_of(again);
    reset_context(context, now_tsc);
    context.unledgered = true;
    const bool is_secure = link.protocol == wire::shm::LinkProtocol::kDtls;
    if (is_secure) {
      context.sealed_by = context_of(kept).sealed_by;
      if (context.sealed_by != 0 && !unseal(link, again, secure_[link.slot].current)) {
        around_.doors.let_go(again);
        continue;
      }
    }
    auto* const frame = rte_pktmbuf_mtod(again, std::byte*);
    const std::size_t headers = is_secure ? 0 : link.headers.size();
    const std::size_t payload = again->data_len - headers;
    wire::reload::write_data_frame_header(
        lost.sequence, static_cast<std::uint32_t>(payload - wire::reload::kDataFrameOverhead),
        {frame + headers, wire::reload::kDataFrameOverhead});
    around_.counters.generated.add(1);
    around_.counters.retransmitted.add(1);
    status(link).retransmitted.add(1);
    if (is_secure) {
      add_frame(link, again);
      continue;
    }
    link.headers.write(frame, static_cast<std::uint16_t>(payload), mac);
    around_.transmit.put(link.port, again);
  }
  if (link.sender.take_death()) drop_queued(link, DropReason::kLinkDown);
  if (link.sender.take_failure()) {
    tell(link, wire::shm::EventKind::kLinkFailed, 1, now_tsc);
    publish(link);
  }
}

void LinkLayer::serve(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                      std::uint64_t now_tsc) noexcept {
  if (link.sender.has_lost()) serve_lost(link, now_tsc);
  const std::uint64_t mac = link.mac();
  const std::uint64_t limit = age_limit_tsc(policy, around_.tsc_hz);
  while (link.queued != 0 && mac != 0 && link.sender.can_send(us_of(now_tsc))) {
    rte_mbuf* const mbuf = dequeue(link);
    if (now_tsc - context_of(mbuf).queued_tsc > limit) {
      status(link).queue_drops.add(1);
      around_.doors.drop(mbuf, DropReason::kLinkQueueAge);
      continue;
    }
    transmit(link, mbuf, policy, now_tsc, mac);
  }
  if ((link.queued != 0 && mac != 0) || link.sender.has_lost()) {
    if (link.sender.waits_for_pace()) make_ready(link);
  }
}

void LinkLayer::submit(LinkRuntime& link, rte_mbuf* mbuf, const wire::shm::PolicyTable& policy,
                       std::uint64_t now_tsc) noexcept {
  const std::uint64_t mac = link.mac();
  if (link.queued == 0 && mac != 0 && link.sender.can_send(us_of(now_tsc))) [[likely]] {
    transmit(link, mbuf, policy, now_tsc, mac);
    return;
  }
  if (link.sender.dead()) {
    if (mac != 0 && link.sender.can_probe(us_of(now_tsc))) {
      transmit(link, mbuf, policy, now_tsc, mac);
    } else {
      around_.doors.drop(mbuf, DropReason::kLinkDown);
    }
    return;
  }
  if (mac == 0 && link.queued >= kResolvingLimit) {
    status(link).queue_drops.add(1);
    around_.doors.drop(mbuf, why_nowhere(link, secure_[link.slot]));
    return;
  }
  const auto cls = static_cast<std::size_t>(context_of(mbuf).traffic_class);
  if (link.queues[cls].size() >= kQueueLimit[cls]) {
    status(link).queue_drops.add(1);
    around_.doors.drop(mbuf, DropReason::kLinkQueueFull);
    return;
  }
  enqueue(link, mbuf, now_tsc);
  if (mac != 0 && link.sender.has_room()) make_ready(link);
}

void LinkLayer::make_ready(LinkRuntime& link) noexcept {
  if (link.is_ready) return;
  link.is_ready = true;
  link.next_ready = first_ready_;
  first_ready_ = &link;
}

void LinkLayer::serve_ready(const wire::shm::PolicyTable& policy, std::uint64_t now_tsc) noexcept {
  // Links that wait for pacing come back for the next turn.
  LinkRuntime* next = std::exchange(first_ready_, nullptr);
  while (next != nullptr) {
    LinkRuntime& link = *next;
    next = std::exchange(link.next_ready, nullptr);
    link.is_ready = false;
    if (link.version != 0) serve(link, policy, now_tsc);
  }
}

// ---- receiving ----

void LinkLayer::find(std::span<const wire::shm::Endpoint* const> pairs,
                     std::span<const LinkEntry*> entries) noexcept {
  // An entry is retired after the version rose, and freed after this worker's next report: what is
  // remembered under the present version stays readable for this turn.
  if (const std::uint64_t version = around_.table.version(); version != recent_version_) {
    recent_version_ = version;
    recent_.fill(nullptr);
  }
  std::array<const wire::shm::Endpoint*, kBurstSize> missed;
  std::array<std::uint8_t, kBurstSize> missed_at;
  std::size_t misses = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const LinkEntry* const recent = recent_[recent_index(pairs[i])];
    if (recent != nullptr && same_pair(&recent->record.local, pairs[i])) [[likely]] {
      entries[i] = recent;
      continue;
    }
    missed[misses] = pairs[i];
    missed_at[misses++] = static_cast<std::uint8_t>(i);
  }
  if (misses == 0) return;
  std::array<const LinkEntry*, kBurstSize> found;
  around_.table.by_address({missed.data(), misses}, {found.data(), misses});
  for (std::size_t k = 0; k < misses; ++k) {
    entries[missed_at[k]] = found[k];
    if (found[k] != nullptr) recent_[recent_index(missed[k])] = found[k];
  }
}

bool LinkLayer::acknowledge(LinkRuntime& link, std::uint32_t sequence, std::uint32_t received,
                            std::uint64_t now_tsc) noexcept {
  if (link.sender.acknowledge_oldest(sequence, us_of(now_tsc))) [[likely]] {
    rte_mbuf*& kept = link.kept[SrSender::slot_of(sequence)];
    if (kept != nullptr) around_.doors.let_go(std::exchange(kept, nullptr));
    LinkStatus& counted = status(link);
    counted.acks_in.add(1);
    counted.last_ack_tsc.set(now_tsc);
    if (link.queued != 0) make_ready(link);
    return true;
  }
  SrSender::Completed completed;
  const bool first = !link.sender.ever_acknowledged();
  const SrSender::AckKind kind =
      link.sender.acknowledge(sequence, received, us_of(now_tsc), completed);
  if (kind == SrSender::AckKind::kNeverSent) return false;
  for (std::uint32_t i = 0; i < completed.count; ++i) {
    rte_mbuf*& kept = link.kept[completed.slots[i]];
    if (kept != nullptr) around_.doors.let_go(std::exchange(kept, nullptr));
  }
  LinkStatus& counted = status(link);
  counted.acks_in.add(1);
  counted.last_ack_tsc.set(now_tsc);
  if (first || kind == SrSender::AckKind::kRecovered) [[unlikely]] {
    tell(link, wire::shm::EventKind::kLinkUp, 1, now_tsc);
    publish(link);
  }
  if (link.queued != 0 || link.sender.has_lost()) make_ready(link);
  return true;
}

void LinkLayer::send_ack(const LinkRuntime& link, std::uint32_t sequence, std::uint32_t received,
                         rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept {
  PacketContext& context = context_of(mbuf);
  reset_context(context, now_tsc);
  context.unledgered = true;
  const bool is_secure = link.protocol == wire::shm::LinkProtocol::kDtls;
  const std::size_t headers = is_secure ? 0 : link.headers.size();
  mbuf->data_len = static_cast<std::uint16_t>(headers + wire::reload::kAckFrameBytes);
  mbuf->pkt_len = mbuf->data_len;
  auto* const frame = rte_pktmbuf_mtod(mbuf, std::byte*);
  wire::reload::write_ack_frame(sequence, received,
                                {frame + headers, wire::reload::kAckFrameBytes});
  if (is_secure) return add_frame(link, mbuf);
  link.headers.write(frame, wire::reload::kAckFrameBytes, link.mac());
  around_.transmit.put(link.port, mbuf);
}

}  // namespace dataplane
