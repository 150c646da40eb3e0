// SPDX-License-Identifier: Apache-2.0
// An algorithm whose members are given needs no more than this.

#include "controlplane/topology/topology_plugin.h"

namespace controlplane::topology {

void TopologyPlugin::found(const overlay::Now& /*now*/, Wishes& /*wishes*/) {}

void TopologyPlugin::join(const overlay::Now& /*now*/, Wishes& /*wishes*/) {}

void TopologyPlugin::leave(const overlay::Now& /*now*/, Wishes& /*wishes*/) {}

void TopologyPlugin::bootstrapped(const overlay::Now& /*now*/,
                                  const std::optional<wire::reload::NodeId>& /*node*/,
                                  Wishes& /*wishes*/) {}

void TopologyPlugin::linked(const overlay::Now& /*now*/, const wire::reload::NodeId& /*peer*/,
                            std::uint16_t /*slot*/, Wishes& /*wishes*/) {}

void TopologyPlugin::unlinked(const overlay::Now& /*now*/, const wire::reload::NodeId& /*peer*/,
                              Wishes& /*wishes*/) {}

std::optional<overlay::Answer> TopologyPlugin::serve(const overlay::Now& /*now*/,
                                                     const Incoming& /*request*/,
                                                     Wishes& /*wishes*/) {
  return std::nullopt;
}

void TopologyPlugin::pinged(const overlay::Now& /*now*/, const wire::reload::NodeId& /*peer*/,
                            Wishes& /*wishes*/) {}

void TopologyPlugin::finished(const overlay::Now& /*now*/, const Finished& /*result*/,
                              Wishes& /*wishes*/) {}

void TopologyPlugin::update_wanted(const overlay::Now& /*now*/,
                                   const wire::reload::NodeId& /*peer*/, Wishes& /*wishes*/) {}

void TopologyPlugin::tick(const overlay::Now& /*now*/, Wishes& /*wishes*/) {}

}  // namespace controlplane::topology
