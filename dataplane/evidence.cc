// SPDX-License-Identifier: Apache-2.0
#include "dataplane/evidence.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "dataplane/turn.h"

namespace dataplane {

using wire::shm::DropReason;
using wire::shm::Event;
using wire::shm::EventKind;

std::unique_ptr<Evidence> Evidence::create(wire::shm::EventRing& events, std::uint8_t lcore,
                                           std::uint64_t tsc_hz, DropReason reason) noexcept {
  std::unique_ptr<Evidence> evidence(new (std::nothrow) Evidence(events));
  if (evidence == nullptr) return nullptr;
  evidence->lcore_ = lcore;
  evidence->reason_ = reason;
  evidence->quiet_cycles_ = cycles_of_ms(kQuietMs, tsc_hz);
  return evidence;
}

void Evidence::set_due(std::uint16_t link, bool due) noexcept {
  std::uint64_t& word = due_[link / 64];
  const std::uint64_t bit = std::uint64_t{1} << link % 64;
  if (((word & bit) != 0) == due) return;
  word ^= bit;
  due_count_ += due ? 1U : ~0U;
}

bool Evidence::send(std::uint16_t link, Record& record, std::span<const std::byte> sample,
                    std::uint64_t tsc) noexcept {
  Event event;
  event.kind = EventKind::kEvidence;
  event.reason = reason_;
  event.link_slot = link;
  event.generation = record.generation;
  event.lcore = lcore_;
  event.count = record.count;
  event.transaction_id = record.transaction_id;
  event.tsc = tsc;
  event.sample_length = static_cast<std::uint16_t>(std::min(sample.size(), event.sample.size()));
  if (!sample.empty()) std::memcpy(event.sample.data(), sample.data(), event.sample_length);
  if (!events_.push(event)) return false;
  record.count = 0;
  record.sent_tsc = tsc;
  record.ever_sent = true;
  set_due(link, false);
  return true;
}

void Evidence::note(std::uint16_t link, std::uint8_t generation, std::uint64_t transaction_id,
                    std::span<const std::byte> message, std::uint64_t tsc,
                    wire::shm::LcoreCounters& counters) noexcept {
  if (link >= records_.size()) return;
  Record& record = records_[link];
  if (record.generation != generation) {
    // What is left is about another node: it is sent as such or lost, never mixed.
    if (record.count != 0 && !send(link, record, {}, tsc)) counters.events_lost.add(1);
    set_due(link, false);
    record = Record{};
    record.generation = generation;
  }
  ++record.count;
  record.transaction_id = transaction_id;
  const bool is_quiet = record.ever_sent && tsc - record.sent_tsc < quiet_cycles_;
  if (is_quiet || !send(link, record, message, tsc)) set_due(link, true);
}

void Evidence::flush(std::uint64_t tsc) noexcept {
  if (due_count_ == 0) return;
  for (std::size_t word = 0; word < due_.size(); ++word) {
    for (std::uint64_t left = due_[word]; left != 0; left &= left - 1) {
      const auto link =
          static_cast<std::uint16_t>(word * 64 + static_cast<unsigned>(std::countr_zero(left)));
      Record& record = records_[link];
      if (record.ever_sent && tsc - record.sent_tsc < quiet_cycles_) continue;
      if (!send(link, record, {}, tsc)) return;  // full: the rest waits for a later turn
    }
  }
}

}  // namespace dataplane
