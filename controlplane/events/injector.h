// SPDX-License-Identifier: Apache-2.0
// Puts what the control plane sends into the rings of the lcores: messages the core originates,
// datagrams and records of secure links.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "controlplane/links/io.h"
#include "controlplane/overlay/io.h"
#include "wire/shm/region.h"

namespace controlplane::events {

/// A full ring is not waited for: up to kBacklog pieces stay here, more are dropped and counted.
/// Requests recover by their retransmission, answers by the repeated request, handshakes by the
/// next flight.
class Injector {
 public:
  static constexpr std::size_t kBacklog = 4096;

  /// @param mtu  IP bytes of the narrowest port: longer messages than a ring record are cut for it
  Injector(wire::shm::NodeRegion& region, std::size_t mtu);

  void send(const overlay::Outgoing& message);
  /// PacketKind::kDatagram, to the lcore that owns the link.
  /// @pre bytes.size() <= wire::shm::kMaxPacketBytes, as of a datagram that fits any link
  void send_datagram(const overlay::Ingress& link, std::span<const std::byte> bytes);
  /// PacketKind::kReply. The same precondition.
  void send_reply(const links::Stranger& to, std::span<const std::byte> bytes);
  /// PacketKind::kVirtualIn, to the lcore that owns the link: a message or fragment that came in a
  /// stream.
  void send_from_stream(const overlay::Ingress& link, std::span<const std::byte> message);
  /// PacketKind::kRecord, to the lcore that owns the link. The same precondition.
  void send_record(const overlay::Ingress& link, std::uint32_t association,
                   std::uint8_t content_type, std::span<const std::byte> bytes);

  /// Pushes what waits. Returns how many records were pushed.
  std::size_t turn();
  [[nodiscard]] std::size_t backlog() const noexcept { return backlog_.size(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  /// A ring record to be.
  struct Piece {
    wire::shm::PacketKind kind = wire::shm::PacketKind::kInject;
    std::uint8_t content_type = 0;
    overlay::Ingress link;
    links::Stranger to;  ///< of a reply
    std::uint32_t association = 0;
    std::uint64_t lane = 0;  ///< pieces of one lane keep their order: lcore = lane % workers
    wire::reload::Bytes bytes;
  };
  [[nodiscard]] bool push(const Piece& piece);
  void send_piece(Piece piece);
  /// In one piece, or in fragments where one record does not hold it.
  void send_message(Piece piece, std::span<const std::byte> message);

  wire::shm::NodeRegion& region_;
  std::size_t fragment_bytes_;
  std::unique_ptr<wire::shm::PacketRecord> record_;
  std::deque<Piece> backlog_;
  std::uint64_t dropped_ = 0;
};

}  // namespace controlplane::events
