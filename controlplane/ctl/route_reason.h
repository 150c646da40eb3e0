// SPDX-License-Identifier: Apache-2.0
// What a node's lcores do with a message for some destination, and by which rule: in words.

#pragma once

#include <optional>
#include <string>

#include "wire/reload/destination.h"
#include "wire/reload/ids.h"
#include "wire/shm/next_hop.h"

namespace controlplane::ctl {

struct RouteReason {
  wire::shm::NextHop hop;                    ///< forward, deliver or drop
  std::optional<wire::reload::NodeId> next;  ///< who is at the other end of hop.link_slot
  std::string why;
};

/// @p destination is a Node-ID or a Resource-ID, the last of its list (RFC 6940 sections 6.1 and
/// 10.3): decided as the route stage decides it.
[[nodiscard]] RouteReason explain_route(const wire::shm::RouteTable& routes,
                                        const wire::reload::Destination& destination);

}  // namespace controlplane::ctl
