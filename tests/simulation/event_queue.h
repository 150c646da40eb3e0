// SPDX-License-Identifier: Apache-2.0
// What happens in a simulated world, in the order of its clock. Two events of one moment happen in
// the order they were planned, so a seed replays exactly.

#pragma once

#include <algorithm>
#include <cstdint>
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
  std::uint64_t sequence = 0;
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

class EventQueue {
 public:
  void push(SimEvent event) {
    event.sequence = next_sequence_++;
    heap_.push_back(std::move(event));
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] std::uint64_t next_ns() const noexcept { return heap_.front().at_ns; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  [[nodiscard]] SimEvent pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    SimEvent event = std::move(heap_.back());
    heap_.pop_back();
    return event;
  }

 private:
  static bool later(const SimEvent& a, const SimEvent& b) noexcept {
    return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.sequence > b.sequence;
  }
  std::vector<SimEvent> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace tests::simulation
