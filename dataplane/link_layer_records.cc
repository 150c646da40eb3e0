// SPDX-License-Identifier: Apache-2.0
// Secure links: keys that come and go, frames that become records and, to be sent again, frames.

#include <utility>

#include "dataplane/link_layer.h"

namespace dataplane {

using wire::shm::DropReason;

namespace {

/// Short of the end of the record numbers a link counts as keyless. More than a worker seals
/// between two looks at a link.
constexpr std::uint64_t kLastSequence = wire::dtls::kMaxSequence - (std::uint64_t{1} << 16U);
constexpr std::uint64_t kAskEveryS = 1;

/// Of keys that are well before an end: asked for new ones in good time.
bool near_limit(const RecordState& state, std::uint64_t age_s,
                const wire::shm::PolicyTable& policy) noexcept {
  return (policy.rekey_records != 0 && state.sealed >= policy.rekey_records) ||
         (policy.rekey_mib != 0 && state.sealed_bytes >> 20U >= policy.rekey_mib) ||
         (policy.rekey_s != 0 && age_s >= policy.rekey_s) ||
         state.write_sequence > wire::dtls::kMaxSequence / 2 ||
         forgeries_left(state) < kForgeryLimit / 2;
}

}  // namespace

// ---- keys ----

void LinkLayer::adopt_keys(LinkRuntime& link, const LinkEntry& entry) noexcept {
  SecureLink& secure = secure_[link.slot];
  const Association* const current = entry.current.get();
  const Association* const previous = entry.previous.get();
  const bool is_known = previous != nullptr && previous->number == secure.number;
  // What waits to be sealed was laid out for the keys it names, which this turn still has.
  flush_records();
  if (current == nullptr || current->number != secure.number) {
    if (is_known) {
      unseal_kept(link, secure);
    } else {
      // More than one change since this worker looked: those keys may be gone. What they sealed
      // counts as lost.
      for (std::uint32_t slot = 0; slot < SrSender::kWindow; ++slot) {
        if (link.kept[slot] != nullptr && context_of(link.kept[slot]).sealed_by != 0) {
          release(link, slot);
        }
      }
    }
    retire(secure.previous, secure.previous_number, secure);
    if (is_known) {
      secure.previous = secure.current;
      secure.previous_number = secure.number;
    } else {
      retire(secure.current, secure.number, secure);
    }
    use_keys(link, current);
  }
  if (previous == nullptr) {
    retire(secure.previous, secure.previous_number, secure);
  } else if (previous->number != secure.previous_number) {
    retire(secure.previous, secure.previous_number, secure);
    secure.previous = RecordState(previous->keys, previous->first_sequence);
    secure.previous_number = previous->number;
  }
}

void LinkLayer::use_keys(LinkRuntime& link, const Association* keys) noexcept {
  SecureLink& secure = secure_[link.slot];
  wire::shm::LinkStatus& told = status(link);
  secure.number = 0;
  secure.current = RecordState();
  if (keys != nullptr) {
    secure.number = keys->number;
    secure.current = RecordState(keys->keys, keys->first_sequence);
    if (secure.installed_tsc != 0) told.rekeys.add(1);
    secure.installed_tsc = now_tsc_;
    told.installed_tsc.set(now_tsc_);
    told.aead.store(static_cast<std::uint8_t>(keys->aead), std::memory_order_relaxed);
    early_.release(link.slot, further_);
  }
  told.association.store(secure.number, std::memory_order_release);
  link.neighbor = is_sealing(secure) ? link.hop : nullptr;
  if (link.queued != 0 && link.neighbor != nullptr) make_ready(link);
}

bool LinkLayer::is_sealing(const SecureLink& secure) noexcept {
  return secure.number != 0 && secure.current.write_sequence < kLastSequence;
}

void LinkLayer::retire(RecordState& state, std::uint32_t& number, SecureLink& secure) noexcept {
  if (number == 0) return;
  secure.opened_before += state.opened;
  secure.sealed_before += state.sealed;
  state = RecordState();
  number = 0;
}

void LinkLayer::housekeep_keys(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                               std::uint64_t now_tsc) noexcept {
  SecureLink& secure = secure_[link.slot];
  if (secure.number != 0 && forgeries_left(secure.current) == 0) [[unlikely]] {
    // RFC 9147 section 4.5.3: keys that have seen that many forgeries prove nothing any more.
    flush_records();
    retire(secure.current, secure.number, secure);
    for (std::uint32_t slot = 0; slot < SrSender::kWindow; ++slot) release(link, slot);
    use_keys(link, nullptr);
  }
  if (link.neighbor != nullptr && !is_sealing(secure)) link.neighbor = nullptr;
  const std::uint64_t age_s = (now_tsc - secure.installed_tsc) / around_.tsc_hz;
  const bool wanted =
      link.neighbor == nullptr ? link.queued != 0 : near_limit(secure.current, age_s, policy);
  if (!wanted || now_tsc - secure.asked_tsc < kAskEveryS * around_.tsc_hz) return;
  secure.asked_tsc = now_tsc;
  tell(link, wire::shm::EventKind::kAssociationWanted, secure.number, now_tsc);
}

// ---- records that leave ----

void LinkLayer::add_record(const LinkRuntime& link, rte_mbuf* mbuf, wire::dtls::ContentType type,
                           RecordState& state, std::uint32_t number) noexcept {
  const auto aead = static_cast<wire::dtls::Aead>(state.write_key->cipher());
  const std::size_t headers = link.headers.size();
  const std::size_t in_front = headers + wire::dtls::plaintext_offset(aead);
  // The tail first: where it fails, nothing has moved.
  if (rte_pktmbuf_append(mbuf, wire::dtls::kTagBytes) == nullptr ||
      rte_pktmbuf_prepend(mbuf, static_cast<std::uint16_t>(in_front)) == nullptr) [[unlikely]] {
    drop_unsealed(link, mbuf, DropReason::kSealFailed);
    return;
  }
  if (sealing_count_ == kBurstSize) flush_records();
  sealing_[sealing_count_] = {&link, mbuf, number};
  seal_jobs_[sealing_count_++] = {
      .state = &state, .type = type, .record = bytes_of(mbuf).subspan(headers)};
}

void LinkLayer::drop_unsealed(const LinkRuntime& link, rte_mbuf* mbuf, DropReason reason) noexcept {
  // Whatever its bytes are by now, they must not be sent again either.
  for (std::uint32_t slot = 0; slot < SrSender::kWindow; ++slot) {
    if (link.kept[slot] == mbuf) release(at(link.slot), slot);
  }
  around_.doors.drop(mbuf, reason);
}

void LinkLayer::flush_records() noexcept {
  const unsigned count = std::exchange(sealing_count_, 0U);
  if (count == 0) return;
  std::array<SealVerdict, kBurstSize> verdicts;
  seal_records(*around_.cipher, {seal_jobs_.data(), count}, {verdicts.data(), count});
  for (unsigned i = 0; i < count; ++i) {
    const Sealing& one = sealing_[i];
    const LinkRuntime& link = *one.link;
    if (verdicts[i] != SealVerdict::kSealed) [[unlikely]] {
      drop_unsealed(link, one.mbuf,
                    verdicts[i] == SealVerdict::kExhausted ? DropReason::kSequenceExhausted
                                                           : DropReason::kSealFailed);
      continue;
    }
    context_of(one.mbuf).sealed_by = one.number;
    link.headers.write(rte_pktmbuf_mtod(one.mbuf, std::byte*),
                       static_cast<std::uint16_t>(seal_jobs_[i].record.size()), link.hop_mac());
    around_.transmit.put(link.port, one.mbuf);
  }
}

void LinkLayer::send_record(LinkRuntime& link, rte_mbuf* mbuf, std::uint8_t content_type,
                            std::uint32_t association) noexcept {
  using wire::dtls::ContentType;
  SecureLink& secure = secure_[link.slot];
  const auto type = static_cast<ContentType>(content_type);
  if (type != ContentType::kChangeCipherSpec && type != ContentType::kAlert &&
      type != ContentType::kHandshake) {
    around_.doors.drop(mbuf, DropReason::kRecordMalformed);
    return;
  }
  const bool is_current = association != 0 && association == secure.number;
  if (!is_current && (association == 0 || association != secure.previous_number)) {
    around_.doors.drop(mbuf, DropReason::kNoAssociation);
    return;
  }
  if (link.hop_mac() == 0) {
    around_.doors.drop(mbuf, DropReason::kNeighborUnresolved);
    return;
  }
  add_record(link, mbuf, type, is_current ? secure.current : secure.previous, association);
}

// ---- records that leave again ----

bool LinkLayer::unseal(const LinkRuntime& link, rte_mbuf* mbuf, const RecordState& by) noexcept {
  // A cipher's two directions differ by their keys alone: what we sealed opens with the write key.
  RecordState reader;
  reader.read_key = by.write_key;
  const OpenJob job{
      .bytes = bytes_of(mbuf).subspan(link.headers.size()), .newest = &reader, .older = nullptr};
  OpenedRecord opened;
  open_records(*around_.cipher, {&job, 1}, {&opened, 1});
  if (opened.verdict != OpenVerdict::kOpened) return false;
  const auto in_front = opened.plaintext.data() - rte_pktmbuf_mtod(mbuf, std::byte*);
  rte_pktmbuf_adj(mbuf, static_cast<std::uint16_t>(in_front));
  rte_pktmbuf_trim(mbuf, wire::dtls::kTagBytes);
  context_of(mbuf).sealed_by = 0;
  return true;
}

void LinkLayer::unseal_kept(LinkRuntime& link, const SecureLink& secure) noexcept {
  for (rte_mbuf*& kept : link.kept) {
    if (kept == nullptr || context_of(kept).sealed_by == 0) continue;
    rte_mbuf* plain = kept;
    if (rte_mbuf_refcnt_read(kept) != 1) {  // the PMD still has it
      plain = rte_pktmbuf_copy(kept, &around_.pool, 0, UINT32_MAX);
      rte_pktmbuf_free(kept);
    }
    // Without buffers it counts as lost.
    if (plain != nullptr && !unseal(link, plain, secure.current)) {
      rte_pktmbuf_free(plain);
      plain = nullptr;
    }
    kept = plain;
  }
}

}  // namespace dataplane
