// SPDX-License-Identifier: Apache-2.0
// The deliver stage: messages for this node go up to the control plane.

#pragma once

#include "dataplane/burst.h"
#include "wire/shm/region.h"

namespace dataplane {

/// Copies every packet that route marked for this node into a ring: liveness and topology messages
/// into the urgent one, the rest, and fragments whose message is not known, into the bulk one. So a
/// flood of stores does not keep the control plane from hearing pings.
///
/// Position  after rewrite, beside link_send
/// Reads     PacketContext::deliver, traffic_class, verified, link_in, link_generation, rx_tsc
/// Writes    @p rings urgent, bulk
/// Drops     deliver_too_large  more than kMaxPacketBytes
///           deliver_ring_full
/// Counts    delivered; the mbufs leave through Burst::deliver()
/// Cost      two copies of the record, one to build it and one into the ring
void deliver(Burst& burst, wire::shm::LcoreRings& rings,
             wire::shm::LcoreCounters& counters) noexcept;

}  // namespace dataplane
