// SPDX-License-Identifier: Apache-2.0
// What the overlay core asks of an overlay algorithm (RFC 6940 section 6.4.1).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/ids.h"
#include "wire/shm/route_table.h"

namespace controlplane::topology {

/// Deterministic and without IO, like the core that owns it.
class TopologyPlugin {
 public:
  virtual ~TopologyPlugin() = default;
  TopologyPlugin() = default;
  TopologyPlugin(const TopologyPlugin&) = delete;
  TopologyPlugin& operator=(const TopologyPlugin&) = delete;

  /// A link failed or came back. True when the routes changed by it.
  virtual bool link_changed(std::uint16_t slot, bool usable) = 0;

  /// Writes the whole table the lcores route by.
  virtual void fill_routes(wire::shm::RouteTable& table) const = 0;

  /// True when this node is responsible for the Resource-ID.
  [[nodiscard]] virtual bool is_responsible(std::span<const std::byte> resource_id) const = 0;

  /// True when @p responder is at least as close to the Resource-ID as every node we know, so that
  /// an answer from it is to be believed (E-12).
  [[nodiscard]] virtual bool accepts_responder(std::span<const std::byte> resource_id,
                                               const wire::reload::NodeId& responder) const = 0;
};

}  // namespace controlplane::topology
