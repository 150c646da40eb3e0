// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/deliver.h"

#include <cstring>

namespace dataplane {

using wire::reload::TrafficClass;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

void deliver(Burst& burst, wire::shm::LcoreRings& rings,
             wire::shm::LcoreCounters& counters) noexcept {
  std::uint64_t delivered = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const PacketContext& context = burst.context(i);
    if (!context.deliver) continue;
    const std::span<const std::byte> message = bytes_of(burst.mbufs[i]);
    PacketRecord record;  // the bytes are not cleared: length says how many are meant
    if (message.size() > record.bytes.size()) {
      burst.drop(i, DropReason::kDeliverTooLarge);
      continue;
    }
    record.kind = PacketKind::kDelivery;
    record.verified = context.verified ? 1 : 0;
    record.generation = context.link_generation;
    record.link_slot = context.link_in;
    record.length = static_cast<std::uint16_t>(message.size());
    record.tsc = context.rx_tsc;
    std::memcpy(record.bytes.data(), message.data(), message.size());
    const bool is_urgent = context.traffic_class == TrafficClass::kLiveness ||
                           context.traffic_class == TrafficClass::kTopology;
    if (!(is_urgent ? rings.urgent : rings.bulk).push(record)) {
      burst.drop(i, DropReason::kDeliverRingFull);
      continue;
    }
    burst.deliver(i);
    ++delivered;
  }
  if (delivered != 0) counters.delivered.add(delivered);
}

}  // namespace dataplane
