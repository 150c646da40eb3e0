// SPDX-License-Identifier: Apache-2.0
// The rewrite stage: the forwarding header as the next hop must see it.

#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/mbuf_queue.h"
#include "wire/dtls/record.h"
#include "wire/shm/policy_table.h"

namespace dataplane {

/// What link_send puts in front of a message: Ethernet 14, IPv6 40, UDP 8, frame 8.
inline constexpr std::uint16_t kLinkHeadroom = 70;
/// What a record of a secure link takes in front of its frame, and around it, at most.
inline constexpr std::uint16_t kRecordHeadroom =
    wire::dtls::plaintext_offset(wire::dtls::Aead::kAes128Gcm);
inline constexpr std::uint16_t kRecordOverhead = kRecordHeadroom + wire::dtls::kTagBytes;
/// Bytes of IP, UDP and framing headers around a message on a link of that address family.
[[nodiscard]] constexpr std::uint32_t link_overhead(std::uint8_t family) noexcept {
  return (family == 6 ? 40U : 20U) + 8U + 8U;
}
/// The largest message that goes over the link in one piece. A stream has no MTU: what fits a ring
/// record fits it.
[[nodiscard]] constexpr std::uint32_t message_room(const wire::shm::LinkRecord& link) noexcept {
  if (link.protocol == wire::shm::LinkProtocol::kVirtual) return wire::shm::kMaxPacketBytes;
  const std::uint32_t overhead =
      link_overhead(link.remote.family) +
      (link.protocol == wire::shm::LinkProtocol::kDtls ? kRecordOverhead : 0U);
  return link.mtu - std::min<std::uint32_t>(link.mtu, overhead);
}
/// Room that link_send wants in front of a message for the link.
[[nodiscard]] constexpr std::uint16_t link_headroom(const wire::shm::LinkRecord& link) noexcept {
  return link.protocol == wire::shm::LinkProtocol::kDtls ? kLinkHeadroom + kRecordHeadroom
                                                         : kLinkHeadroom;
}

/// Packets that wait for room in a burst because a message before them was cut into pieces. One per
/// worker. Not empty only between rewrite() and the last release_pieces() of the same turn.
struct RewriteState {
  rte_mempool* pool = nullptr;  ///< pieces are taken from here
  MbufQueue waiting;
  std::uint32_t waiting_messages = 0;  ///< of them in the ledger: not the further pieces
};

/// Edits the forwarding header of packets that go on to a link: pops what route popped, puts an
/// expanded opaque ID in its place, appends to the Via List (not for responses, B-21, and not for
/// our own messages), takes one from the TTL (not from our own messages, X-18).
///
/// Only the front moves: the 38 fixed bytes and the Via List shift by the net growth, into headroom
/// or back, and what follows the edited entries stays where it is.
///
///   before         |fixed|via............|pop.|rest of destinations|options|contents...
///   after   |fixed|via............|entry|push.|rest of destinations|options|contents...
///
/// The appended entry is the compact opaque ID of the link the message came from, or with
/// full_via_entries that link's Node-ID (B-17, B-29). A message for this node only has own entries
/// in front popped, so that the control plane finds the entry it was reached by at the head.
///
/// A message that exceeds the next link's MTU is cut into pieces of equal size, 32 bytes below
/// what fits (D-03..D-07, D-16); a fragment is cut again the same way. The first piece stays in the
/// burst; the others and all packets behind them wait in @p state, so that order is kept.
/// Limit: when the header and 256 bytes do not fit the MTU, the message is dropped; this node does
/// not fragment at the IP layer (D-05).
///
/// Position  after route, before deliver and link_send
/// Reads     PacketContext::header, message_code, link_in, link_generation, injected, and all route
///           wrote; @p links for the next hop's MTU and the Node-ID of the ingress link
/// Writes    packet bytes, PacketContext::header (lengths, not ttl: it stays as received),
///           unledgered of further pieces
/// Drops     headroom_exhausted, via_too_long, cannot_fragment, fragment_no_mbuf, no_route (the
/// next
///           link went since route)
/// Counts    forwarded (messages in transit), generated (extra pieces)
/// Cost      one short move and six stores per message; a copy per extra piece
void rewrite(Burst& burst, const wire::shm::PolicyTable& policy, const LinkTable& links,
             RewriteState& state, wire::shm::LcoreCounters& counters) noexcept;

/// Fills @p burst with what waits, oldest first, ready for link_send. Call after the burst of
/// rewrite() went to link_send, until it returns 0.
unsigned release_pieces(Burst& burst, RewriteState& state) noexcept;

}  // namespace dataplane
