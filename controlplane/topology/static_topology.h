// SPDX-License-Identifier: Apache-2.0
// The ring as node.toml lists it: no joining, no stabilizing; routing follows RFC 6940 section 10.3
// over the listed peers.

#pragma once

#include <vector>

#include "controlplane/topology/topology_plugin.h"

namespace controlplane::topology {

struct StaticPeer {
  wire::reload::NodeId id;
  std::uint16_t slot = wire::shm::kNoLink;
  bool is_peer = true;  ///< false: a client, reachable but given no transit traffic (B-15)
};

class StaticTopology final : public TopologyPlugin {
 public:
  /// @param is_peer  false: this node is a client and responsible for nothing
  StaticTopology(const wire::reload::NodeId& self, bool is_peer, std::vector<StaticPeer> peers);

  /// A failed link leaves the Routing Table and returns when it is usable again. It stays in the
  /// Connection Table, and who precedes whom does not change: the node is still a member.
  void link_changed(const overlay::Now& now, std::uint16_t slot, bool usable,
                    Wishes& wishes) override;
  void fill_routes(wire::shm::RouteTable& table) const override;
  [[nodiscard]] bool is_responsible(std::span<const std::byte> resource_id) const override;
  [[nodiscard]] bool accepts_responder(std::span<const std::byte> resource_id,
                                       const wire::reload::NodeId& responder) const override;

  [[nodiscard]] const wire::reload::NodeId& predecessor() const noexcept { return predecessor_; }

 private:
  wire::reload::NodeId self_;
  wire::reload::NodeId predecessor_;
  bool is_peer_;
  std::vector<StaticPeer> peers_;    // ascending by Node-ID
  std::vector<std::uint16_t> down_;  // slots of failed links
};

}  // namespace controlplane::topology
