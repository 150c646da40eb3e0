// SPDX-License-Identifier: Apache-2.0
// What neighbours did that they must not: told to the control plane as few counted records.
//
// A neighbour that checks what it forwards cannot pass a bad signature on, so each one that comes
// over such a link is evidence against it (design section 4). The first is reported at once, then
// at most one record each 100 ms and link, carrying how many there were. A full ring delays
// records; no count is lost while the link keeps its generation.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "wire/shm/counters.h"
#include "wire/shm/region.h"

namespace dataplane {

/// One per worker; a link is reported by its owner alone. 128 KiB.
class Evidence {
 public:
  static constexpr std::uint32_t kQuietMs = 100;

  /// @param events  this lcore's ring; must outlive this. nullptr: out of memory.
  /// @param reason  of all that is noted here
  [[nodiscard]] static std::unique_ptr<Evidence> create(
      wire::shm::EventRing& events, std::uint8_t lcore, std::uint64_t tsc_hz,
      wire::shm::DropReason reason = wire::shm::DropReason::kBadSignature) noexcept;

  /// One more on the link. @p message is borrowed for the call; its beginning is the
  /// sample.
  void note(std::uint16_t link, std::uint8_t generation, std::uint64_t transaction_id,
            std::span<const std::byte> message, std::uint64_t tsc,
            wire::shm::LcoreCounters& counters) noexcept;
  /// Sends what is due. Every turn; costs one compare when nothing is.
  void flush(std::uint64_t tsc) noexcept;

 private:
  struct Record {
    std::uint64_t sent_tsc = 0;
    std::uint64_t count = 0;  // since the last record
    std::uint64_t transaction_id = 0;
    std::uint8_t generation = 0;
    bool ever_sent = false;
  };
  explicit Evidence(wire::shm::EventRing& events) noexcept : events_(events) {}
  bool send(std::uint16_t link, Record& record, std::span<const std::byte> sample,
            std::uint64_t tsc) noexcept;
  void set_due(std::uint16_t link, bool due) noexcept;

  wire::shm::EventRing& events_;
  std::uint8_t lcore_ = 0;
  wire::shm::DropReason reason_{};
  std::uint64_t quiet_cycles_ = 0;
  std::uint32_t due_count_ = 0;
  std::array<std::uint64_t, wire::shm::kMaxLinks / 64> due_{};  // bit per link with count > 0
  std::array<Record, wire::shm::kMaxLinks> records_{};
};

}  // namespace dataplane
