// SPDX-License-Identifier: Apache-2.0
#include "dataplane/doors.h"

#include <rte_cycles.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "wire/shm/packet_record.h"

namespace dataplane {
namespace {

using wire::shm::DropReason;
using wire::shm::kNoLink;
using wire::shm::Stage;
using wire::shm::TraceOutcome;

constexpr Stage stage_named(std::string_view name) {
  for (std::size_t i = 0; i < wire::shm::kStageCount; ++i) {
    if (name == wire::shm::kStages[i].name) return static_cast<Stage>(i);
  }
  return Stage::kDrop;
}

/// Looked up by reason, so that a drop compares no strings.
struct ReasonTraits {
  Stage stage = Stage::kDrop;
  bool answered = false;  // the RFC wants an error response
};
constexpr auto kTraits = [] {
  std::array<ReasonTraits, wire::shm::kDropReasonCount> traits{};
  for (std::size_t i = 0; i < traits.size(); ++i) {
    traits[i].stage = stage_named(wire::shm::kDropReasons[i].stage);
    traits[i].answered = std::string_view(wire::shm::kDropReasons[i].answer) != "-";
  }
  return traits;
}();

/// Requests have odd message codes; responses the next even one, errors 0xffff (RFC 6940 section
/// 6.3.3.1). In a fragment the code is unknown, and an error response never gets one.
bool is_request(const PacketContext& context) noexcept {
  return (context.message_code & 1U) != 0 && context.message_code != 0xffff;
}

}  // namespace

Doors::Doors(std::uint32_t worker, wire::shm::NodeRegion& region, Tracer& tracer,
             CaptureTap& capture, std::uint64_t tsc_hz)
    : worker_(worker),
      region_(region),
      counters_(region.dataplane.counters[worker]),
      tracer_(tracer),
      capture_(capture),
      answer_gap_tsc_(tsc_hz / kAnswersPerSecond),
      next_answer_tsc_(new std::uint64_t[wire::shm::kMaxLinks]()) {}

void Doors::drop(rte_mbuf* mbuf, DropReason reason) noexcept {
  PacketContext& context = context_of(mbuf);
  if (!context.unledgered) {
    const auto index = static_cast<std::size_t>(reason);
    counters_.drops[index].add(1);
    if (context.link_in < wire::shm::kMaxLinks) {
      wire::shm::LinkStatus& status = region_.dataplane.links[context.link_in];
      if (status.owner == worker_) status.drops_in.add(1);  // its counters have one writer
      if (kTraits[index].answered && is_request(context)) ask_for_answer(mbuf, reason);
    }
    tracer_.finish(context, TraceOutcome::kDropped, kTraits[index].stage, reason, kNoLink);
  }
  capture_.finish(context, Fate::kDropped, reason, kNoLink);
  free_later(mbuf);
}

void Doors::absorb(rte_mbuf* mbuf) noexcept {
  PacketContext& context = context_of(mbuf);
  if (!context.unledgered) counters_.absorbed.add(1);
  capture_.finish(context, Fate::kAbsorbed, DropReason{}, kNoLink);
  free_later(mbuf);
}

void Doors::answered(rte_mbuf* mbuf) noexcept {
  PacketContext& context = context_of(mbuf);
  counters_.absorbed.add(1);
  counters_.generated.add(1);
  capture_.finish(context, Fate::kAbsorbed, DropReason{}, kNoLink);
  context.unledgered = true;
}

void Doors::delivered(rte_mbuf* mbuf) noexcept {
  PacketContext& context = context_of(mbuf);
  tracer_.finish(context, TraceOutcome::kDelivered, Stage::kDeliver, DropReason{}, kNoLink);
  capture_.finish(context, Fate::kDelivered, DropReason{}, kNoLink);
  free_later(mbuf);
}

void Doors::transmitted(PacketContext& context) noexcept {
  tracer_.finish(context, TraceOutcome::kTransmitted, Stage::kTransmit, DropReason{},
                 context.next_hop);
  capture_.finish(context, Fate::kForwarded, DropReason{}, context.next_hop);
}

unsigned Doors::flush() noexcept {
  const unsigned count = pending_;
  if (count != 0) rte_pktmbuf_free_bulk(pending_mbufs_.data(), count);
  pending_ = 0;
  return count;
}

void Doors::ask_for_answer(rte_mbuf* mbuf, DropReason reason) noexcept {
  const PacketContext& context = context_of(mbuf);
  const std::uint64_t now = rte_rdtsc();
  std::uint64_t& next = next_answer_tsc_[context.link_in];
  if (now < next) return;
  const std::span<const std::byte> message = bytes_of(mbuf);
  if (message.size() > wire::shm::kMaxPacketBytes) return;
  next = now + answer_gap_tsc_;
  wire::shm::PacketRecord record;
  record.kind = wire::shm::PacketKind::kErrorAnswer;
  record.verified = context.verified ? 1 : 0;
  record.reason = reason;
  record.generation = context.link_generation;
  record.link_slot = context.link_in;
  record.length = static_cast<std::uint16_t>(message.size());
  record.tsc = context.rx_tsc;
  std::memcpy(record.bytes.data(), message.data(), message.size());
  if (!region_.rings.lcores[worker_].bulk.push(record)) counters_.events_lost.add(1);
}

}  // namespace dataplane
