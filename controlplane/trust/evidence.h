// SPDX-License-Identifier: Apache-2.0
// What neighbours did that they should not have, counted per link and reason.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "controlplane/overlay/io.h"

namespace controlplane::trust {

/// False for what anybody can send in a neighbour's name: UDP sources can be forged, so a record
/// that fails authentication speaks for an attack on the path and against nobody.
[[nodiscard]] constexpr bool accuses_neighbour(wire::shm::DropReason reason) noexcept {
  return reason != wire::shm::DropReason::kRecordForged;
}

/// All the evidence of one reason against the node behind one link.
struct Evidence {
  std::uint64_t count = 0;
  std::uint64_t first_unix_ms = 0;
  std::uint64_t last_unix_ms = 0;
  std::uint64_t transaction_id = 0;  ///< of the newest sample
  std::vector<std::byte> sample;     ///< first bytes of one such message, the newest
};

/// Bounded by kMaxLinks slots times the drop reasons; a slot that gets another node starts anew.
class EvidenceBook {
 public:
  struct Key {
    std::uint16_t slot = 0;
    std::uint8_t generation = 0;
    wire::shm::DropReason reason{};
    friend bool operator<(const Key& a, const Key& b) noexcept {
      return std::tie(a.slot, a.generation, a.reason) < std::tie(b.slot, b.generation, b.reason);
    }
  };

  /// Adds an event of kind kEvidence. Its count covers all since the event before it. True when it
  /// is the first of its link and reason.
  bool add(const overlay::Now& now, const wire::shm::Event& event);
  [[nodiscard]] const std::map<Key, Evidence>& entries() const noexcept { return entries_; }

 private:
  std::map<Key, Evidence> entries_;
};

}  // namespace controlplane::trust
