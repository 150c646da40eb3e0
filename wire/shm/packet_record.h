// SPDX-License-Identifier: Apache-2.0
// Packets that cross between the processes: deliveries, handshakes and messages for virtual links
// up, injected messages, datagrams, records and messages of virtual links down.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/shm/commands.h"
#include "wire/shm/counters.h"
#include "wire/shm/layout.h"

namespace wire::shm {

enum class PacketKind : std::uint8_t {
  kDelivery,      ///< up: a message or fragment for this node
  kSigner,        ///< up: message of an unknown signer; bytes are the whole message, or where that
                  ///< does not fit (fragments put together) that with empty body and extensions
  kErrorAnswer,   ///< up: message dropped with a reason that has an RFC answer
  kInject,        ///< down: route it by its destination list
  kInjectOnLink,  ///< down: send it on link_slot whatever the destination list says (B-27)
  kHandshake,     ///< up, handshake ring: a UDP payload that begins with a DTLS record other than
                  ///< application data, as it came
  kDatagram,      ///< down: a UDP payload to be sent as it is between link_slot's endpoints
  kReply,         ///< down: a UDP payload to be sent as it is from local to remote by port, to the
                  ///< station that has mac; for addresses that no link has
  kRecord,      ///< down: plaintext to be sealed as one record of content_type on link_slot, under
                ///< the keys numbered `association`, with their next sequence number
  kVirtualIn,   ///< down: a message that came on virtual link link_slot; goes through all stages
  kVirtualOut,  ///< up, virtual ring: a message to be sent on virtual link link_slot
};

struct PacketRecord {
  PacketKind kind = PacketKind::kDelivery;
  std::uint8_t verified = 0;          ///< up: 1 when the signature was checked and good
  DropReason reason{};                ///< kErrorAnswer: why
  std::uint8_t generation = 0;        ///< of link_slot
  std::uint16_t link_slot = kNoLink;  ///< kHandshake: kNoLink when no link has these endpoints
  std::uint16_t length = 0;           ///< bytes used
  std::uint16_t port = 0;             ///< kHandshake: index of the port it came in by; kReply: see
                                      ///< there
  std::uint8_t content_type = 0;      ///< kRecord: 20 to 22; application data is the dataplane's
  std::uint8_t zero = 0;
  std::uint32_t association = 0;  ///< kRecord: see there
  std::uint64_t tsc = 0;          ///< when the dataplane took it
  Endpoint local;                 ///< kHandshake: where it was sent to
  Endpoint remote;                ///< kHandshake: where it claims to come from
  /// kHandshake: the station that sent the frame, itself or a router; zero when it has a link.
  std::array<std::uint8_t, 6> mac{};
  /// From the first byte of the forwarding header; of kHandshake, kDatagram, kReply and kRecord as
  /// said there.
  std::array<std::byte, kMaxPacketBytes> bytes;
};
static_assert(std::is_trivially_copyable_v<PacketRecord>);

}  // namespace wire::shm
