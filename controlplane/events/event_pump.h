// SPDX-License-Identifier: Apache-2.0
// Drains the rings of the dataplane and hands every record to the core as an input.

#pragma once

#include <cstddef>
#include <functional>

#include "controlplane/overlay/io.h"
#include "wire/shm/region.h"

namespace controlplane::events {

class EventPump {
 public:
  /// Most records taken from one ring in one turn, so that a flood on one lcore or of one class
  /// does not keep the others, timers and the admin socket waiting.
  static constexpr std::size_t kUrgentPerTurn = 128;
  static constexpr std::size_t kBulkPerTurn = 32;
  static constexpr std::size_t kEventsPerTurn = 64;

  explicit EventPump(wire::shm::RingSection& rings) : rings_(rings) {}

  /// Urgent packets of all lcores, then bulk, then events. @p use borrows the input for the call.
  /// Returns how many records there were.
  std::size_t turn(const std::function<void(const overlay::Input&)>& use);

 private:
  wire::shm::RingSection& rings_;
};

}  // namespace controlplane::events
