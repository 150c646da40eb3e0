// SPDX-License-Identifier: Apache-2.0
// Sampled records of single messages. Each lcore overwrites its own ring; anybody reads it.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"
#include "wire/shm/counters.h"
#include "wire/shm/layout.h"

namespace wire::shm {

enum class TraceOutcome : std::uint8_t { kTransmitted, kDelivered, kDropped, kHeld };

struct TraceRecord {
  std::uint64_t tsc = 0;
  std::uint64_t transaction_id = 0;
  reload::NodeId destination;  ///< zero when the head of the list was no Node-ID
  std::uint16_t link_in = kNoLink;
  std::uint16_t link_out = kNoLink;
  std::uint16_t message_code = 0;
  std::uint16_t length = 0;  ///< bytes of the message
  TraceOutcome outcome{};
  DropReason reason{};   ///< with kDropped
  Stage stage{};         ///< where the outcome fell
  std::uint8_t ttl = 0;  ///< as received
  std::uint8_t verified = 0;
  std::uint8_t lcore = 0;
  std::uint16_t cycles = 0;  ///< RX to outcome, saturating at 65535
};
static_assert(sizeof(TraceRecord) == 48);

inline constexpr std::size_t kTraceRecords = 1024;

/// One writer, any number of readers. A reader that is lapped sees it and skips.
class alignas(kCacheLine) TraceRing {
 public:
  void write(const TraceRecord& record) noexcept;
  /// Copies records from @p from on (a number this function returned earlier, 0 for the oldest
  /// kept) into @p out; returns the number to pass next time and sets @p count.
  std::uint64_t read(std::uint64_t from, std::span<TraceRecord> out,
                     std::size_t& count) const noexcept;

 private:
  struct Slot {
    std::atomic<std::uint64_t> version{0};  // 2n+1 while record n is written, 2n+2 when complete
    std::array<std::atomic<std::uint64_t>, sizeof(TraceRecord) / 8> words{};
  };
  std::atomic<std::uint64_t> written_{0};
  std::array<Slot, kTraceRecords> slots_{};
};

}  // namespace wire::shm
