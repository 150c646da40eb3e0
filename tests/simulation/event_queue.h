// SPDX-License-Identifier: Apache-2.0
// What happens in a simulated world, in the order of its clock. Two events of one moment happen in
// the order they were planned, so a seed replays exactly.

#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "wire/reload/message_builder.h"

namespace tests::simulation {

struct SimEvent {
  enum class Kind : std::uint8_t {
    kWake,        ///< a timer of node
    kArrive,      ///< bytes reach node over slot
    kHandshake,   ///< the handshake of node (client) with peer would be over now
    kLinkDead,    ///< nothing sent over slot of node was acknowledged
    kLinkAlive,   ///< something was, again
    kPeerClosed,  ///< the other end of slot closed it
  };
  std::uint64_t at_ns = 0;
  Kind kind = Kind::kWake;
  std::uint8_t generation = 0;
  std::uint16_t slot = 0;
  std::uint32_t node = 0;
  std::uint32_t incarnation = 0;  ///< of node: an event for a former life is void
  std::uint32_t peer = 0;
  std::uint32_t tries = 0;
  bool for_bootstrap = false;
  wire::reload::Bytes bytes;
};

/// Orders small keys; the events lie still beside them, for millions are on their way at a time.
class EventQueue {
 public:
  void push(SimEvent event) {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(events_.size());
      events_.push_back(std::move(event));
    } else {
      place = free_.back();
      free_.pop_back();
      events_[place] = std::move(event);
    }
    heap_.push_back({events_[place].at_ns, next_sequence_++, place});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] std::uint64_t next_ns() const noexcept { return heap_.front().at_ns; }
  [[nodiscard]] SimEvent pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::uint32_t place = heap_.back().place;
    heap_.pop_back();
    free_.push_back(place);
    return std::move(events_[place]);
  }

 private:
  struct Key {
    std::uint64_t at_ns;
    std::uint64_t sequence;
    std::uint32_t place;  ///< in events_
  };
  static bool later(const Key& a, const Key& b) noexcept {
    return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.sequence > b.sequence;
  }
  std::vector<Key> heap_;
  std::deque<SimEvent> events_;  // grows without moving what lies there
  std::vector<std::uint32_t> free_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace tests::simulation
