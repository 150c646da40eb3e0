// SPDX-License-Identifier: Apache-2.0
// The demux stage: which protocol a datagram on the service port speaks, and whose it is.

#pragma once

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/hand_off.h"
#include "dataplane/keyed_tables.h"

namespace dataplane {

/// What demux works with on one worker. Borrowed from its LcoreContext.
struct DemuxState {
  std::uint32_t worker = 0;
  const LinkTable* links = nullptr;
  HandOff* hand_off = nullptr;
};

/// Reads the first byte as RFC 7983 section 7 does, and hands frames of links that another worker
/// owns to that worker.
///
///   0..3 STUN, 64..79 TURN channel   not served by this build
///   20..63     DTLS; which of it a link takes is link_receive's business
///   128, 129   framed data and ack of a lab link (RFC 6940 section 6.6.2), which lies in the range
///              of RTP and RTCP: no media ever comes to the service port
///
/// Position  after ethernet, before link_receive
/// Reads     PacketContext::local, remote, payload_offset, payload_length
/// Writes    nothing
/// Drops     kDemuxUnknown, kDemuxNotServed, kHandOffFull
/// Cost      one byte per packet; with several workers one batched link lookup
void demux(Burst& burst, DemuxState& state, wire::shm::LcoreCounters& counters) noexcept;

}  // namespace dataplane
