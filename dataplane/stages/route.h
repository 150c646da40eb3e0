// SPDX-License-Identifier: Apache-2.0
// The route stage: from the head of the Destination List to a next hop, or to this node.

#pragma once

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "wire/shm/route_table.h"

namespace dataplane {

/// Gives every packet a next hop or marks it for this node (RFC 6940 sections 6.1 and 10.3).
///
/// In the order of section 6.1: an own Node-ID with entries behind it is popped and the next entry
/// looked at (B-08); the wildcard is ours (B-04, B-10); an opaque ID stands for the peer of the
/// link in its slot (B-28..B-31); a connected Node-ID is sent to (B-14, also to clients); a Node-ID
/// in our range that is not connected is dropped (B-11), a Resource-ID in our range is ours (B-06);
/// the rest goes to the closest preceding peer, or where there is none to the smallest one above
/// (10.3).
///
/// Going back over the link a message came from is legal when somebody asked for it: an own entry
/// was popped, the head was one of our opaque IDs, or the message is a response whose head is the
/// node at the other end. Anything else would bounce between two nodes until its TTL is gone.
///
/// Position  after verify (for injected messages after parse), before rewrite
/// Reads     PacketContext::header, message_code, option_flags, link_in, injected, inject_on_link
///           Destination List in the packet
///           @p routes, the generation pinned for this turn; @p links for opaque IDs
/// Writes    PacketContext::next_hop (unless inject_on_link), deliver, pop_bytes, push_node,
/// push_id Drops     ttl_exceeded, unsupported_option, no_route, not_connected, resource_not_last,
///           opaque_unknown, opaque_stale, route_loop, wildcard_forward
/// Cost      two binary searches of at most 12 steps in tables of 98 KB each
void route(Burst& burst, const wire::shm::RouteTable& routes, const LinkTable& links) noexcept;

}  // namespace dataplane
