// SPDX-License-Identifier: Apache-2.0
// The link_send stage: queues, window, framing and headers of the egress link.

#pragma once

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/link_layer.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// Sends each packet on the link in PacketContext::next_hop, or queues it there.
///
/// While the link's window is open and nothing waits, a message is framed and given to the TX queue
/// at once. Otherwise it waits in the queue of its class; classes are served strictly in the order
/// liveness, topology, media, bulk. Messages for
/// virtual links go up to the control plane, which frames and writes them. Packets of links that
/// another worker owns are handed to it with Resume::kLinkSend. At the end, queues whose window
/// opened since the last call are served.
///
/// Call it once per turn, with an empty burst when there is nothing to send.
///
/// Position  after rewrite and deliver, before TransmitQueues::flush()
/// Reads     PacketContext::next_hop, traffic_class, injected
/// Writes    PacketContext::queued_tsc; headers in front of the message
/// Takes     every live packet: the burst is empty afterwards
/// Drops     link_down, link_queue_full, link_queue_age, neighbor_unresolved, headroom_exhausted,
///           hand_off_full, no_association, sequence_exhausted, seal_failed, virtual_ring_full,
///           deliver_too_large
/// Counts    generated and retransmitted (retransmissions); LinkStatus of the link
/// Cost      a copy of 50 to 70 bytes and a sum over the message
void link_send(Burst& burst, LinkLayer& links, const wire::shm::PolicyTable& policy,
               std::uint64_t now_tsc) noexcept;

}  // namespace dataplane
