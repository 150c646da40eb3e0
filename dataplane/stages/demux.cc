// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/demux.h"

#include "wire/byte_order.h"
#include "wire/reload/link_framing.h"

namespace dataplane {
namespace {

enum class Protocol : std::uint8_t { kUnknown, kNotServed, kServed };

constexpr auto kProtocols = [] {
  std::array<Protocol, 256> of{};
  for (unsigned first = 0; first <= 3; ++first) of[first] = Protocol::kNotServed;
  for (unsigned first = 20; first <= 63; ++first) of[first] = Protocol::kServed;
  for (unsigned first = 64; first <= 79; ++first) of[first] = Protocol::kNotServed;
  of[wire::reload::kDataFrameType] = Protocol::kServed;
  of[wire::reload::kAckFrameType] = Protocol::kServed;
  return of;
}();

/// A frame that comes in on a worker that does not own its link goes to the one that does: sender
/// and receiver state of a link have one writer. What belongs to no link stays here.
void send_to_owners(Burst& burst, const DemuxState& state,
                    wire::shm::LcoreCounters& counters) noexcept {
  std::array<const wire::shm::Endpoint*, kBurstSize> pairs;
  std::array<const LinkEntry*, kBurstSize> entries;
  std::array<std::uint8_t, kBurstSize> slot, wanted;
  unsigned count = 0;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    pairs[count] = &burst.context(i).local;
    slot[count++] = static_cast<std::uint8_t>(i);
  }
  state.links->by_address({pairs.data(), count}, {entries.data(), count});
  for (unsigned k = 0; k < count; ++k) {
    wanted[slot[k]] =
        entries[k] == nullptr ? static_cast<std::uint8_t>(state.worker) : entries[k]->owner;
  }
  hand_over(burst, wanted, Resume::kLinkReceive, state.worker, *state.hand_off, counters);
}

}  // namespace

void demux(Burst& burst, DemuxState& state, wire::shm::LcoreCounters& counters) noexcept {
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const PacketContext& context = burst.context(i);
    Protocol protocol = Protocol::kUnknown;
    if (context.payload_length != 0) {
      protocol = kProtocols[wire::load_u8(&bytes_of(burst.mbufs[i])[context.payload_offset])];
    }
    if (protocol == Protocol::kServed) [[likely]]
      continue;
    burst.drop(i, protocol == Protocol::kNotServed ? DropReason::kDemuxNotServed
                                                   : DropReason::kDemuxUnknown);
  }
  if (state.hand_off->workers() > 1 && burst.live != 0) send_to_owners(burst, state, counters);
}

}  // namespace dataplane
