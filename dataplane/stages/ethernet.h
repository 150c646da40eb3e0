// SPDX-License-Identifier: Apache-2.0
// The ethernet stage: from Ethernet frames to UDP payloads for the service port.

#pragma once

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/doors.h"
#include "dataplane/hand_off.h"
#include "dataplane/neighbor_resolver.h"
#include "dataplane/port_table.h"
#include "dataplane/transmit_queues.h"

namespace dataplane {

/// What ethernet works with on one worker. Everything is borrowed from its LcoreContext.
struct EthernetState {
  std::uint32_t worker = 0;
  const PortTable* ports = nullptr;
  NeighborResolver* resolver = nullptr;  ///< worker 0; null elsewhere
  HandOff* hand_off = nullptr;
  TransmitQueues* transmit = nullptr;
  Doors* doors = nullptr;
};

/// Checks every frame down to its UDP payload. ARP and ND go to worker 0's resolver; ICMP and
/// ICMPv6 echo requests to one of the port's addresses are turned around in place.
///
/// Position  after receive, before demux
/// Reads     PacketContext::port
/// Writes    PacketContext::local, remote, payload_offset, payload_length
/// Drops     kEthernetTruncated, kEthernetNotForUs, kEthernetUnsupported, kIpBadChecksum,
///           kIpBadHeader, kIpFragment, kIcmpBadChecksum, kNeighborInvalid, kUdpBadChecksum,
///           kUdpBadLength, kUdpWrongPort, kHandOffFull
/// Cost      one pass over the UDP payload for its checksum, unless the port vouches for it
///
/// The checks stand in the order of the headers. Mbuf data stays as it was received.
void ethernet(Burst& burst, EthernetState& state, wire::shm::LcoreCounters& counters) noexcept;

}  // namespace dataplane
