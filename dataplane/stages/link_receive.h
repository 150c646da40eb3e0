// SPDX-License-Identifier: Apache-2.0
// The link_receive stage: the framing layer of a link, receiving side.

#pragma once

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/link_layer.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// Finds each packet's link, acknowledges data frames, feeds ack frames to the link's sender.
///
/// Every data frame is acknowledged at once (C-05), whatever its message turns out to be: an ack
/// says that the frame arrived, not that the message was good. The acks of a burst go out together.
/// A frame with a sequence number that was seen before is acknowledged, counted and passed on: only
/// admit can tell a copy from a sender that started over.
///
/// On a secure link, datagrams that begin with another record than application data are the control
/// plane's: they go up as they came, metered. So does a ClientHello from an address that no link
/// has.
///
/// Records of application data are opened together, with the link's newest keys and then with those
/// before. What comes before its keys waits for them a moment. Records behind the first one of a
/// datagram come again as datagrams of their own (LinkLayer::take_further).
///
/// Position  after demux, before parse; with several workers on the worker that owns the link
/// Reads     PacketContext::local, remote, payload_offset, payload_length
/// Writes    PacketContext::link_in, link_generation, link_class, frame_sequence; the mbuf is
///           trimmed to the RELOAD message
/// Absorbs   ack frames
/// Drops     unknown_link, link_protocol, bad_frame, bad_ack, record_malformed, record_epoch,
///           record_replayed, record_forged, record_early, handshake_rate, handshake_ring_full
/// Counts    punted, acks_received, acks_sent, generated (acks); LinkStatus of the link
/// Cost      one comparison of 40 bytes per packet; an ack frame of about 60 bytes per data frame
void link_receive(Burst& burst, LinkLayer& links, const wire::shm::PolicyTable& policy,
                  std::uint64_t now_tsc) noexcept;

}  // namespace dataplane
