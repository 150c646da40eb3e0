// SPDX-License-Identifier: Apache-2.0

#include "controlplane/events/injector.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/reload/link_framing.h"

namespace controlplane::events {

using overlay::Outgoing;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

namespace {

/// IPv6 and UDP headers, framing, and 32 bytes for the Via List to grow (D-06).
constexpr std::size_t kReserved = 40 + 8 + wire::reload::kDataFrameOverhead + 32;

}  // namespace

Injector::Injector(wire::shm::NodeRegion& region, std::size_t mtu)
    : region_(region),
      fragment_bytes_(mtu - kReserved),
      record_(std::make_unique<PacketRecord>()) {}

bool Injector::push(const Piece& piece) {
  const std::uint32_t workers = region_.dataplane.status.worker_count.load();
  if (workers == 0) return false;
  const std::size_t lcore = piece.lane % std::min<std::size_t>(workers, wire::shm::kMaxLcores);
  PacketRecord& record = *record_;
  record.kind = piece.kind;
  record.link_slot = piece.link.slot;
  record.generation = piece.link.generation;
  record.association = piece.association;
  record.content_type = piece.content_type;
  record.local = piece.to.endpoints.local;
  record.remote = piece.to.endpoints.remote;
  record.port = piece.to.port;
  record.mac = piece.to.mac;
  record.length = static_cast<std::uint16_t>(piece.bytes.size());
  std::memcpy(record.bytes.data(), piece.bytes.data(), piece.bytes.size());
  return region_.rings.lcores[lcore].injected.push(record);
}

void Injector::send_piece(Piece piece) {
  if (piece.bytes.size() > wire::shm::kMaxPacketBytes || backlog_.size() >= kBacklog) {
    ++dropped_;
    return;
  }
  if (backlog_.empty() && push(piece)) return;
  backlog_.push_back(std::move(piece));
}

void Injector::send(const Outgoing& message) {
  Piece piece;
  piece.kind =
      message.on_link == wire::shm::kNoLink ? PacketKind::kInject : PacketKind::kInjectOnLink;
  piece.link = {message.on_link, message.generation};
  piece.lane = message.transaction;
  send_message(std::move(piece), message.bytes);
}

void Injector::send_message(Piece piece, std::span<const std::byte> message) {
  if (message.size() <= wire::shm::kMaxPacketBytes) {
    piece.bytes.assign(message.begin(), message.end());
    return send_piece(std::move(piece));
  }
  auto pieces = wire::reload::fragment_message(message, fragment_bytes_);
  if (pieces.empty()) ++dropped_;
  for (wire::reload::Bytes& bytes : pieces) {
    piece.bytes = std::move(bytes);
    send_piece(piece);
  }
}

void Injector::send_from_stream(const overlay::Ingress& link, std::span<const std::byte> message) {
  Piece piece;
  piece.kind = PacketKind::kVirtualIn;
  piece.link = link;
  piece.lane = link.slot;
  send_message(std::move(piece), message);
}

void Injector::send_datagram(const overlay::Ingress& link, std::span<const std::byte> bytes) {
  Piece piece;
  piece.kind = PacketKind::kDatagram;
  piece.link = link;
  piece.lane = link.slot;
  piece.bytes.assign(bytes.begin(), bytes.end());
  send_piece(std::move(piece));
}

void Injector::send_reply(const links::Stranger& to, std::span<const std::byte> bytes) {
  Piece piece;
  piece.kind = PacketKind::kReply;
  piece.to = to;
  piece.lane = to.endpoints.remote.port;
  piece.bytes.assign(bytes.begin(), bytes.end());
  send_piece(std::move(piece));
}

void Injector::send_record(const overlay::Ingress& link, std::uint32_t association,
                           std::uint8_t content_type, std::span<const std::byte> bytes) {
  Piece piece;
  piece.kind = PacketKind::kRecord;
  piece.content_type = content_type;
  piece.link = link;
  piece.association = association;
  piece.lane = link.slot;
  piece.bytes.assign(bytes.begin(), bytes.end());
  send_piece(std::move(piece));
}

std::size_t Injector::turn() {
  std::size_t pushed = 0;
  while (!backlog_.empty() && push(backlog_.front())) {
    backlog_.pop_front();
    ++pushed;
  }
  return pushed;
}

}  // namespace controlplane::events
