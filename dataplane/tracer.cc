// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tracer.h"

#include <rte_cycles.h>

#include <algorithm>
#include <cstring>

namespace dataplane {

using wire::reload::NodeId;
using wire::shm::TraceSetting;

void TraceSwitch::set(const TraceSetting& setting) noexcept {
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), setting.destination.bytes.data(), sizeof words);
  const std::uint32_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_seq_cst);
  sample_one_in_.store(setting.sample_one_in, std::memory_order_seq_cst);
  destination_[0].store(words[0], std::memory_order_seq_cst);
  destination_[1].store(words[1], std::memory_order_seq_cst);
  version_.store(version + 2, std::memory_order_seq_cst);
}

TraceSetting TraceSwitch::get() const noexcept {
  TraceSetting setting;
  setting.sample_one_in = sample_one_in_.load(std::memory_order_seq_cst);
  const std::array<std::uint64_t, 2> words{destination_[0].load(std::memory_order_seq_cst),
                                           destination_[1].load(std::memory_order_seq_cst)};
  std::memcpy(setting.destination.bytes.data(), words.data(), sizeof words);
  return setting;
}

void Tracer::refresh() noexcept {
  const std::uint32_t version = setting_.version();
  if (version == seen_version_ || (version & 1U) != 0) return;
  const TraceSetting setting = setting_.get();
  if (setting_.version() != version) return;  // changed meanwhile: next turn
  seen_version_ = version;
  sample_one_in_ = setting.sample_one_in;
  destination_ = setting.destination;
  countdown_ = 1;
}

void Tracer::sample(PacketContext& context, const NodeId& destination) noexcept {
  context.traced = false;
  if (sample_one_in_ == 0) return;
  if (!destination_.is_invalid() && !(destination == destination_)) return;
  if (--countdown_ != 0) return;
  countdown_ = sample_one_in_;
  context.traced = true;
  context.trace_destination = destination;
}

void Tracer::finish(const PacketContext& context, wire::shm::TraceOutcome outcome,
                    wire::shm::Stage stage, wire::shm::DropReason reason,
                    std::uint16_t link_out) noexcept {
  if (!context.traced) return;
  const std::uint64_t now = rte_rdtsc();
  wire::shm::TraceRecord record;
  record.tsc = now;
  record.transaction_id = static_cast<std::uint64_t>(context.header.transaction_id);
  record.destination = context.trace_destination;
  record.link_in = context.link_in;
  record.link_out = link_out;
  record.message_code = context.message_code;
  record.length =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(context.header.length, 0xffff));
  record.outcome = outcome;
  record.reason = reason;
  record.stage = stage;
  record.ttl = context.header.ttl;
  record.verified = context.verified ? 1 : 0;
  record.lcore = lcore_;
  record.cycles = static_cast<std::uint16_t>(std::min<std::uint64_t>(now - context.rx_tsc, 0xffff));
  ring_.write(record);
  counters_.trace_records.add(1);
}

}  // namespace dataplane
