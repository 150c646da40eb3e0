// SPDX-License-Identifier: Apache-2.0
// Sampled trace records: which messages leave one, and writing it when a message's fate is known.

#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/packet_context.h"
#include "wire/shm/trace.h"

namespace dataplane {

/// The operator's setting, written by the main lcore on command and read by every worker.
class TraceSwitch {
 public:
  void set(const wire::shm::TraceSetting& setting) noexcept;
  [[nodiscard]] std::uint32_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }
  [[nodiscard]] wire::shm::TraceSetting get() const noexcept;

 private:
  std::atomic<std::uint32_t> version_{0};  // odd while the rest changes
  std::atomic<std::uint32_t> sample_one_in_{0};
  std::atomic<std::uint64_t> destination_[2]{};
};

/// One per lcore.
class Tracer {
 public:
  Tracer(std::uint8_t lcore, const TraceSwitch& setting, wire::shm::TraceRing& ring,
         wire::shm::LcoreCounters& counters) noexcept
      : lcore_(lcore), setting_(setting), ring_(ring), counters_(counters) {}

  /// Once per turn: takes over a changed setting.
  void refresh() noexcept;
  /// False: sample() need not be called in this turn.
  [[nodiscard]] bool on() const noexcept { return sample_one_in_ != 0; }
  /// admit, for each message: decides whether it is traced and notes it in @p context.
  /// @param destination  head of the Destination List, or an invalid Node-ID when it is none
  void sample(PacketContext& context, const wire::reload::NodeId& destination) noexcept;
  /// When context.traced: writes the record. @p link_out is kNoLink when it left on no link.
  void finish(const PacketContext& context, wire::shm::TraceOutcome outcome, wire::shm::Stage stage,
              wire::shm::DropReason reason, std::uint16_t link_out) noexcept;

 private:
  std::uint8_t lcore_;
  std::uint32_t seen_version_ = 0;
  std::uint32_t sample_one_in_ = 0;
  std::uint32_t countdown_ = 0;
  wire::reload::NodeId destination_{};
  const TraceSwitch& setting_;
  wire::shm::TraceRing& ring_;
  wire::shm::LcoreCounters& counters_;
};

}  // namespace dataplane
