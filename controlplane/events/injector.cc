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

bool Injector::push(const Outgoing& piece) {
  const std::uint32_t workers = region_.dataplane.status.worker_count.load();
  if (workers == 0) return false;
  // Pieces of one message keep their order: one transaction, one lcore.
  const std::size_t lcore =
      piece.transaction % std::min<std::size_t>(workers, wire::shm::kMaxLcores);
  PacketRecord& record = *record_;
  record.kind =
      piece.on_link == wire::shm::kNoLink ? PacketKind::kInject : PacketKind::kInjectOnLink;
  record.link_slot = piece.on_link;
  record.generation = piece.generation;
  record.length = static_cast<std::uint16_t>(piece.bytes.size());
  std::memcpy(record.bytes.data(), piece.bytes.data(), piece.bytes.size());
  return region_.rings.lcores[lcore].injected.push(record);
}

void Injector::send_piece(Outgoing piece) {
  if (backlog_.empty() && push(piece)) return;
  if (backlog_.size() >= kBacklog) {
    ++dropped_;
    return;
  }
  backlog_.push_back(std::move(piece));
}

void Injector::send(const Outgoing& message) {
  if (message.bytes.size() <= wire::shm::kMaxPacketBytes) {
    send_piece(message);
    return;
  }
  auto pieces = wire::reload::fragment_message(message.bytes, fragment_bytes_);
  if (pieces.empty()) ++dropped_;
  for (wire::reload::Bytes& piece : pieces) {
    send_piece({std::move(piece), message.on_link, message.generation, message.transaction});
  }
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
