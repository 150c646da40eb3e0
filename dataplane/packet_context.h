// SPDX-License-Identifier: Apache-2.0
// What the stages know about one packet. Lives in the mbuf's private area, so it crosses to another
// lcore with the mbuf. Each field names the stage that writes it.

#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/reload/forwarding_header.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"
#include "wire/shm/commands.h"
#include "wire/shm/counters.h"
#include "wire/shm/layout.h"

namespace dataplane {

struct SignerEntry;

/// Where an mbuf that another lcore gave goes on.
enum class Resume : std::uint8_t {
  kLinkReceive,  ///< frame of a link another lcore owns, as demux leaves it
  kNeighbor,     ///< ARP or ND packet for worker 0, as received
  kLinkSend,
  kTransmit,  ///< complete Ethernet frame for port_out, whose TX queue another lcore owns
};

struct PacketContext {
  // receive: reset_context() writes these for every packet, whatever its origin. The doors read
  // them, so they hold at every stage.
  std::uint64_t rx_tsc;
  rte_mbuf* capture;       ///< copy of the frame as it came, when a capture wants it; else null
  std::uint16_t link_in;   ///< link_receive: slot; kNoLink before, and for injected messages
  std::uint16_t port;      ///< receive: index of the port it came in by
  std::uint16_t port_out;  ///< with Resume::kTransmit
  std::uint8_t link_generation;
  bool traced;      ///< admit: sampled
  bool verified;    ///< verify: signature checked and good
  bool injected;    ///< originated by our control plane: no Via entry, TTL as it is
  bool unledgered;  ///< a frame of our own making (ack, ARP, retransmission, further piece
                    ///< of a message): counted as generated, outside the ledger
  Resume resume;

  // ethernet: addresses as seen from this node
  wire::shm::Endpoint local;
  wire::shm::Endpoint remote;
  std::uint16_t payload_offset;  ///< UDP payload, from the start of mbuf data
  std::uint16_t payload_length;

  // link_receive. After it mbuf data starts at the RELOAD token and ends with the message; what
  // stood in front is headroom.
  wire::shm::LinkClass link_class;
  std::uint32_t frame_sequence;

  // parse: offsets from mbuf data, as received. rewrite moves the front of the message and updates
  // the header's lengths, not its TTL and not the offsets.
  wire::reload::ForwardingHeader header;
  std::uint16_t contents_offset;  ///< 0 when this is a fragment: contents not parsed
  std::uint16_t contents_length;
  std::uint16_t identity_offset;  ///< encoded SignerIdentity
  std::uint16_t identity_length;
  std::uint16_t signature_offset;
  std::uint16_t signature_length;
  std::uint16_t certificates_offset;
  std::uint16_t certificates_length;
  std::uint16_t message_code;  ///< 0 in a fragment
  wire::reload::SignatureScheme scheme;
  wire::reload::TrafficClass traffic_class;  ///< of a fragment: kBulk until its message is known
  std::uint8_t option_flags;                 ///< flags of all options together

  bool inject_on_link;                     ///< next_hop was given with the record
  wire::reload::NodeId trace_destination;  ///< Tracer::sample, valid when traced

  const SignerEntry* signer;  ///< admit, release_for_verify: this turn only; null when not known

  // Queues and sets that own the packet. piece_next: fragments of one message, in the order they
  // came, hang behind the first while verify holds them; piece_count is how many hang there.
  rte_mbuf* queue_next;
  rte_mbuf* piece_next;
  std::uint16_t piece_count;
  bool condemned;  ///< verify: dropped while held, for condemned_for
  wire::shm::DropReason condemned_for;
  wire::shm::DropReason early_as;  ///< link_receive: of a held record, when no keys come for it

  // route
  bool deliver;             ///< for this node: deliver takes it, link_send does not
  std::uint16_t next_hop;   ///< link slot
  std::uint16_t pop_bytes;  ///< destination bytes to take from the front
  std::uint8_t push_node;   ///< 1: push_id goes in front of the rest (an opaque ID expanded)
  wire::reload::NodeId push_id;

  // link_send
  std::uint64_t queued_tsc;  ///< also hold tables: when the queue that owns the packet took it
  /// Of a frame kept for retransmission on a secure link: number of the association it is sealed
  /// with, data then begins at the Ethernet header; 0: data is the frame in the clear.
  std::uint32_t sealed_by;
};
static_assert(sizeof(PacketContext) <= 256);

[[nodiscard]] inline PacketContext& context_of(rte_mbuf* mbuf) noexcept {
  return *static_cast<PacketContext*>(rte_mbuf_to_priv(mbuf));
}

/// Makes the first fields hold for a packet that comes from nowhere else: received, injected or
/// made here. The rest is written by the stage that owns it before anybody reads it.
inline void reset_context(PacketContext& context, std::uint64_t now_tsc) noexcept {
  context.rx_tsc = now_tsc;
  context.capture = nullptr;
  context.link_in = wire::shm::kNoLink;
  context.port = 0;
  context.port_out = 0;
  context.link_generation = 0;
  context.traced = false;
  context.verified = false;
  context.injected = false;
  context.unledgered = false;
  context.resume = Resume::kLinkReceive;
}

/// Everything from mbuf data on, as bytes.
[[nodiscard]] inline std::span<std::byte> bytes_of(rte_mbuf* mbuf) noexcept {
  return {rte_pktmbuf_mtod(mbuf, std::byte*), mbuf->data_len};
}

}  // namespace dataplane
