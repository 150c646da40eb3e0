// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/link_receive.h"

#include "wire/dtls/record.h"
#include "wire/reload/link_framing.h"

namespace dataplane {

namespace {

using wire::dtls::ContentType;
using wire::shm::LinkProtocol;

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

bool begins_like_dtls(std::span<const std::byte> datagram) noexcept {
  if (datagram.empty()) return false;
  const std::uint8_t first = wire::load_u8(datagram.data());
  return first >= 20 && first <= 63;  // RFC 7983 section 7
}

/// Takes in the packets of one burst, one function per kind of datagram.
class Intake {
 public:
  Intake(Burst& burst, LinkLayer& links, const wire::shm::PolicyTable& policy,
         std::uint64_t now_tsc) noexcept
      : burst_(burst), links_(links), policy_(policy), now_tsc_(now_tsc) {}

  /// Of an address pair that no link has.
  void take_stranger(unsigned i) noexcept;
  /// Of a secure link: application data waits for open_sealed().
  /// @param is_again  it was held for keys before, and is not held again
  void take_record(unsigned i, LinkRuntime& link, bool is_again) noexcept;
  /// Opens all records of the burst in one go, and takes the frames in them.
  void open_sealed() noexcept;
  /// The frame that fills the payload, of either kind of link that has frames.
  void take_frame(unsigned i, LinkRuntime& link) noexcept;
  /// Counts, and sends the acks.
  void finish() const noexcept;

 private:
  struct Sealed {
    LinkRuntime* link;
    std::uint8_t slot;
  };
  void take_handshake(unsigned i, const LinkRuntime& link) noexcept;
  /// Application data of a link that has no keys yet.
  void take_early(unsigned i) noexcept;
  void take_opened(unsigned i, LinkRuntime& link, std::span<const std::byte> datagram,
                   const OpenedRecord& record) noexcept;
  /// False when it was held before, or there is no room.
  [[nodiscard]] bool hold(unsigned i, DropReason otherwise) noexcept;

  [[nodiscard]] std::span<std::byte> payload(unsigned i) const noexcept {
    const PacketContext& context = burst_.context(i);
    return bytes_of(burst_.mbufs[i]).subspan(context.payload_offset, context.payload_length);
  }
  void punt(unsigned i) noexcept {
    burst_.deliver(i);
    ++punted_;
  }

  Burst& burst_;
  LinkLayer& links_;
  const wire::shm::PolicyTable& policy_;
  std::uint64_t now_tsc_;
  unsigned acks_received_ = 0;
  unsigned punted_ = 0;
  unsigned sealed_count_ = 0;
  std::uint64_t again_ = 0;  // bit i: see take_record()
  PendingAcks pending_;
  std::array<Sealed, kBurstSize> sealed_;
};

void Intake::take_stranger(unsigned i) noexcept {
  DropReason why = DropReason::kUnknownLink;
  const std::span<const std::byte> datagram = payload(i);
  if (begins_like_dtls(datagram) &&
      links_.take_handshake_of_stranger(burst_.context(i), bytes_of(burst_.mbufs[i]), datagram,
                                        policy_, now_tsc_, why)) {
    punt(i);
  } else {
    burst_.drop(i, why);
  }
}

void Intake::take_record(unsigned i, LinkRuntime& link, bool is_again) noexcept {
  if (is_again) again_ |= std::uint64_t{1} << i;
  const std::span<std::byte> datagram = payload(i);
  if (!begins_like_dtls(datagram)) return burst_.drop(i, DropReason::kLinkProtocol);
  switch (static_cast<ContentType>(datagram[0])) {
    case ContentType::kApplicationData:
      if (links_.secure(link).number == 0) return take_early(i);
      sealed_[sealed_count_++] = {&link, static_cast<std::uint8_t>(i)};
      return;
    case ContentType::kChangeCipherSpec:
    case ContentType::kAlert:
    case ContentType::kHandshake:
      return take_handshake(i, link);
  }
  burst_.drop(i, DropReason::kRecordMalformed);
}

void Intake::take_handshake(unsigned i, const LinkRuntime& link) noexcept {
  // What belongs to the control plane may have data behind it, which does not.
  const std::span<const std::byte> datagram = payload(i);
  std::size_t end = datagram.size();
  wire::dtls::RecordCursor records(datagram);
  for (wire::dtls::RecordHeader header; records.next(header);) {
    if (header.type != ContentType::kApplicationData) continue;
    end = records.offset();
    break;
  }
  DropReason why{};
  if (!links_.take_handshake(link, burst_.context(i), datagram.first(end), policy_, now_tsc_,
                             why)) {
    return burst_.drop(i, why);
  }
  if (end != datagram.size()) links_.split_off(burst_.mbufs[i], end);
  punt(i);
}

void Intake::take_early(unsigned i) noexcept {
  wire::dtls::RecordHeader header;
  if (!wire::dtls::parse_record(payload(i), 0, header).ok()) {
    return burst_.drop(i, DropReason::kRecordMalformed);
  }
  if (header.epoch != wire::dtls::kDataEpoch) return burst_.drop(i, DropReason::kRecordEpoch);
  if (!hold(i, DropReason::kRecordEarly)) burst_.drop(i, DropReason::kRecordEarly);
}

bool Intake::hold(unsigned i, DropReason otherwise) noexcept {
  if ((again_ >> i & 1U) != 0 || !links_.hold_early(burst_.mbufs[i], otherwise, now_tsc_)) {
    return false;
  }
  (void)burst_.take(i);
  return true;
}

void Intake::open_sealed() noexcept {
  if (sealed_count_ == 0) return;
  std::array<OpenJob, kBurstSize> jobs;
  std::array<OpenedRecord, kBurstSize> opened;
  for (unsigned k = 0; k < sealed_count_; ++k) {
    SecureLink& secure = links_.secure(*sealed_[k].link);
    jobs[k] = {.bytes = payload(sealed_[k].slot),
               .newest = &secure.current,
               .older = secure.previous_number != 0 ? &secure.previous : nullptr};
  }
  open_records(*links_.around().cipher, {jobs.data(), sealed_count_},
               {opened.data(), sealed_count_});
  for (unsigned k = 0; k < sealed_count_; ++k) {
    take_opened(sealed_[k].slot, *sealed_[k].link, jobs[k].bytes, opened[k]);
  }
}

void Intake::take_opened(unsigned i, LinkRuntime& link, std::span<const std::byte> datagram,
                         const OpenedRecord& record) noexcept {
  switch (record.verdict) {
    case OpenVerdict::kOpened: {
      // Only what an authentic record stands in front of is looked at: else a forged datagram of
      // many small records would cost a copy for each.
      if (record.record_bytes < datagram.size()) {
        links_.split_off(burst_.mbufs[i], record.record_bytes);
      }
      PacketContext& context = burst_.context(i);
      const auto in_front = record.plaintext.data() - datagram.data();
      context.payload_offset = static_cast<std::uint16_t>(context.payload_offset + in_front);
      context.payload_length = static_cast<std::uint16_t>(record.plaintext.size());
      return take_frame(i, link);
    }
    case OpenVerdict::kMalformed:
      return burst_.drop(i, DropReason::kRecordMalformed);
    case OpenVerdict::kWrongEpoch:
      return burst_.drop(i, DropReason::kRecordEpoch);
    case OpenVerdict::kReplayed:
    case OpenVerdict::kBehind:
    case OpenVerdict::kBadTag:
      break;
  }
  // The neighbour may be done with a new handshake before we are. Numbers start over with its keys,
  // so they look like old ones until we have those keys too.
  const SecureLink& secure = links_.secure(link);
  const DropReason otherwise = record.verdict == OpenVerdict::kBadTag ? DropReason::kRecordForged
                                                                      : DropReason::kRecordReplayed;
  if (secure.expects_keys(now_tsc_, links_.around().tsc_hz) && hold(i, otherwise)) return;
  if (otherwise == DropReason::kRecordForged) {
    links_.note_forgery(link, datagram, now_tsc_);
  } else {
    links_.status(link).replays.add(1);
  }
  burst_.drop(i, otherwise);
}

void Intake::take_frame(unsigned i, LinkRuntime& link) noexcept {
  rte_mbuf* const mbuf = burst_.mbufs[i];
  PacketContext& context = burst_.context(i);
  const std::span<const std::byte> datagram = payload(i);
  wire::reload::Frame frame;
  if (!wire::reload::parse_frame(datagram, frame).ok()) {
    const bool is_record = link.protocol == LinkProtocol::kLab && begins_like_dtls(datagram);
    burst_.drop(i, is_record ? DropReason::kLinkProtocol : DropReason::kBadFrame);
    return;
  }
  if (frame.is_ack) {
    if (links_.acknowledge(link, frame.sequence, frame.received, now_tsc_)) {
      ++acks_received_;
      burst_.absorb(i);
    } else {
      burst_.drop(i, DropReason::kBadAck);
    }
    return;
  }
  const std::uint32_t received = link.receiver.note(frame.sequence);
  pending_.acks[pending_.count++] = {&link, frame.sequence, received};
  context.frame_sequence = frame.sequence;
  const auto message_bytes = static_cast<std::uint16_t>(frame.message.size());
  mbuf->data_off = static_cast<std::uint16_t>(mbuf->data_off + context.payload_offset +
                                              wire::reload::kDataFrameOverhead);
  mbuf->data_len = message_bytes;
  mbuf->pkt_len = message_bytes;
  wire::shm::LinkStatus& status = links_.status(link);
  status.messages_in.add(1);
  status.bytes_in.add(message_bytes);
  if (link.receiver.was_duplicate()) status.duplicates_in.add(1);
}

void Intake::finish() const noexcept {
  wire::shm::LcoreCounters& counters = links_.around().counters;
  if (acks_received_ != 0) counters.acks_received.add(acks_received_);
  if (punted_ != 0) counters.punted.add(punted_);
  pending_.send(links_, now_tsc_);
}

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

  Intake intake(burst, links, policy, now_tsc);
  std::size_t nth = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const LinkEntry* const entry = entries[nth++];
    PacketContext& context = burst.context(i);
    assert(std::size_t{context.payload_offset} + context.payload_length <=
           burst.mbufs[i]->data_len);
    if (entry == nullptr) [[unlikely]] {
      intake.take_stranger(i);
      continue;
    }
    if (entry->owner != around.worker || !may_serve(entry->record.protocol, policy)) {
      burst.drop(i, DropReason::kUnknownLink);
      continue;
    }
    // Only what waited for keys has been here before.
    const bool is_again = context.link_in != wire::shm::kNoLink;
    context.link_in = entry->record.slot;
    context.link_generation = entry->record.generation;
    context.link_class = entry->record.link_class;
    LinkRuntime& link = links.open(*entry);
    switch (link.protocol) {
      case LinkProtocol::kLab:
        intake.take_frame(i, link);
        break;
      case LinkProtocol::kDtls:
        intake.take_record(i, link, is_again);
        break;
      case LinkProtocol::kVirtual:  // its bytes come in a stream that the control plane reads
        burst.drop(i, DropReason::kLinkProtocol);
        break;
    }
  }
  intake.open_sealed();
  intake.finish();
}

}  // namespace dataplane
