// SPDX-License-Identifier: Apache-2.0
// Puts messages the core originates into the rings of the lcores.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "controlplane/overlay/io.h"
#include "wire/shm/region.h"

namespace controlplane::events {

/// A full ring is not waited for: up to kBacklog pieces stay here, more are dropped and counted.
/// Requests recover by their retransmission, answers by the repeated request.
class Injector {
 public:
  static constexpr std::size_t kBacklog = 4096;

  /// @param mtu  IP bytes of the narrowest port: longer messages than a ring record are cut for it
  Injector(wire::shm::NodeRegion& region, std::size_t mtu);

  void send(const overlay::Outgoing& message);
  /// Pushes what waits. Returns how many records were pushed.
  std::size_t turn();
  [[nodiscard]] std::size_t backlog() const noexcept { return backlog_.size(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  [[nodiscard]] bool push(const overlay::Outgoing& piece);
  void send_piece(overlay::Outgoing piece);

  wire::shm::NodeRegion& region_;
  std::size_t fragment_bytes_;
  std::unique_ptr<wire::shm::PacketRecord> record_;
  std::deque<overlay::Outgoing> backlog_;
  std::uint64_t dropped_ = 0;
};

}  // namespace controlplane::events
