// SPDX-License-Identifier: Apache-2.0
// Drains the rings of the dataplane: every record becomes an input of the core, but datagrams of
// handshakes and messages for streams go to those who keep these.

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
  /// Few, because a datagram with a certificate takes milliseconds. Turns follow each other without
  /// a pause while there is work, so a flood of ClientHellos is still taken at tens of thousands a
  /// second.
  static constexpr std::size_t kHandshakesPerTurn = 16;

  static constexpr std::size_t kStreamPerTurn = 128;

  using UseInput = std::function<void(const overlay::Input&)>;
  using UseRecord = std::function<void(const wire::shm::PacketRecord&)>;

  explicit EventPump(wire::shm::RingSection& rings) : rings_(rings) {}

  /// Urgent packets of all lcores, then bulk, then events. @p use borrows the input for the call.
  /// Returns how many records there were.
  std::size_t turn(const UseInput& use);
  /// Handshake datagrams of all lcores, as PacketKind::kHandshake describes. @p use borrows the
  /// record; its length is not above the bytes there are. Returns how many there were.
  std::size_t turn_handshakes(const UseRecord& use);
  /// The same with messages for virtual links, PacketKind::kVirtualOut.
  std::size_t turn_streams(const UseRecord& use);

 private:
  wire::shm::RingSection& rings_;
};

}  // namespace controlplane::events
