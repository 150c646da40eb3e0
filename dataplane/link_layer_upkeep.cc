// SPDX-License-Identifier: Apache-2.0
// What a link layer does between bursts: timers, following the link table, telling the control
// plane and LinkStatus.

#include "dataplane/link_layer.h"

namespace dataplane {

namespace {

using wire::shm::DropReason;
using wire::shm::LinkRecord;
using wire::shm::LinkState;
using wire::shm::LinkStatus;

LinkState state_of(const LinkRuntime& link) {
  if (link.protocol == wire::shm::LinkProtocol::kVirtual) return LinkState::kUp;
  if (link.sender.failed()) return LinkState::kFailed;
  if (link.neighbor == nullptr && link.hop != nullptr) return LinkState::kKeyless;
  if (link.mac() == 0) return LinkState::kResolving;
  return link.sender.ever_acknowledged() ? LinkState::kUp : LinkState::kIdle;
}

}  // namespace

void LinkLayer::tell(const LinkRuntime& link, wire::shm::EventKind kind, std::uint64_t count,
                     std::uint64_t now_tsc) noexcept {
  wire::shm::Event event;
  event.kind = kind;
  event.link_slot = link.slot;
  event.generation = link.generation;
  event.lcore = static_cast<std::uint8_t>(around_.worker);
  event.count = count;
  event.tsc = now_tsc;
  if (!around_.rings.events.push(event)) around_.counters.events_lost.add(1);
}

void LinkLayer::publish_identity(const LinkRecord& record) noexcept {
  LinkStatus& status = around_.status[record.slot];
  status.owner = static_cast<std::uint8_t>(around_.worker);
  wire::shm::write_identity(status, record);
}

void LinkLayer::publish(const LinkRuntime& link) noexcept {
  const LinkState state = state_of(link);
  LinkStatus& told = status(link);
  told.srtt_us.set(link.sender.srtt_us());
  told.rttvar_us.set(link.sender.rttvar_us());
  told.rto_us.set(link.sender.rto_us());
  told.cwnd.set(link.sender.cwnd());
  told.in_flight.set(link.sender.in_flight());
  told.queued.set(link.queued);
  told.state.store(static_cast<std::uint8_t>(state), std::memory_order_release);
}

void LinkLayer::publish_records(const LinkRuntime& link) noexcept {
  const SecureLink& from = secure_[link.slot];
  LinkStatus& told = status(link);
  told.records_in.set(from.opened_before + from.current.opened + from.previous.opened);
  told.records_out.set(from.sealed_before + from.current.sealed + from.previous.sealed);
}

void LinkLayer::follow_table() noexcept {
  table_version_ = around_.table.version();
  for (std::uint32_t slot = around_.worker; slot < around_.max_links; slot += around_.workers) {
    const LinkEntry* const entry = around_.table.by_slot(static_cast<std::uint16_t>(slot));
    if (entry != nullptr) {
      const LinkRuntime& link = open(*entry);
      // Class and standing may change without the association being another one.
      const LinkRecord& told = status(link).identity;
      if (told.link_class != entry->record.link_class || told.barred != entry->record.barred ||
          told.mtu != entry->record.mtu) {
        publish_identity(entry->record);
      }
    } else if (at(slot).version != 0) {
      close(at(slot), DropReason::kLinkDown);
      around_.status[slot].state.store(static_cast<std::uint8_t>(LinkState::kAbsent),
                                       std::memory_order_release);
    }
  }
}

void LinkLayer::housekeep(const wire::shm::PolicyTable& policy, std::uint64_t now_tsc) noexcept {
  forgeries_->flush(now_tsc);
  if (early_.size() != 0) drop_early(now_tsc);
  for (std::uint32_t i = next_slice_; i < used_; i += kSlices) {
    LinkRuntime& link = at(i);
    if (link.version == 0) continue;
    link.sender.check_timers(us_of(now_tsc));
    if (link.queued != 0) drop_aged(link, policy, now_tsc);
    serve(link, policy, now_tsc);
    if (link.protocol == wire::shm::LinkProtocol::kDtls) {
      serve_datagrams(link, policy, now_tsc);
      housekeep_keys(link, policy, now_tsc);
      publish_records(link);
    }
    publish(link);
  }
  next_slice_ = (next_slice_ + 1) % kSlices;
}

}  // namespace dataplane
