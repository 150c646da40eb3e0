// SPDX-License-Identifier: Apache-2.0

#include "controlplane/events/event_pump.h"

#include <algorithm>
#include <span>

namespace controlplane::events {

using wire::shm::PacketKind;
using wire::shm::PacketRecord;

namespace {

void take_packet(const PacketRecord& record, const EventPump::UseInput& use) {
  // Another process wrote the record: its length is not to be believed.
  const auto bytes =
      std::span(record.bytes).first(std::min<std::size_t>(record.length, record.bytes.size()));
  const overlay::Ingress from{record.link_slot, record.generation};
  const bool verified = record.verified != 0;
  switch (record.kind) {
    case PacketKind::kDelivery:
      use(overlay::Delivery{bytes, from, verified});
      break;
    case PacketKind::kSigner:
      use(overlay::UnknownSigner{bytes, from});
      break;
    case PacketKind::kErrorAnswer:
      use(overlay::Refusal{bytes, from, verified, record.reason});
      break;
    case PacketKind::kInject:
    case PacketKind::kInjectOnLink:
    case PacketKind::kDatagram:
    case PacketKind::kReply:
    case PacketKind::kRecord:
    case PacketKind::kVirtualIn:
      break;  // these go down, never up
    case PacketKind::kHandshake:
    case PacketKind::kVirtualOut:
      break;  // these have rings of their own
  }
}

template <class Ring>
std::size_t take_records(Ring& ring, PacketKind kind, std::size_t most,
                         const EventPump::UseRecord& use) {
  return ring.consume(most, [&](const PacketRecord& record) {
    if (record.kind == kind && record.length <= record.bytes.size()) use(record);
  });
}

}  // namespace

std::size_t EventPump::turn(const UseInput& use) {
  std::size_t taken = 0;
  const auto packets = [&](const PacketRecord& record) { take_packet(record, use); };
  for (auto& lcore : rings_.lcores) taken += lcore.urgent.consume(kUrgentPerTurn, packets);
  for (auto& lcore : rings_.lcores) taken += lcore.bulk.consume(kBulkPerTurn, packets);
  for (auto& lcore : rings_.lcores) {
    taken +=
        lcore.events.consume(kEventsPerTurn, [&](const wire::shm::Event& event) { use(event); });
  }
  return taken;
}

std::size_t EventPump::turn_handshakes(const UseRecord& use) {
  std::size_t taken = 0;
  for (auto& lcore : rings_.lcores) {
    taken += take_records(lcore.handshake, PacketKind::kHandshake, kHandshakesPerTurn, use);
  }
  return taken;
}

std::size_t EventPump::turn_streams(const UseRecord& use) {
  std::size_t taken = 0;
  for (auto& lcore : rings_.lcores) {
    taken += take_records(lcore.virtual_out, PacketKind::kVirtualOut, kStreamPerTurn, use);
  }
  return taken;
}

}  // namespace controlplane::events
