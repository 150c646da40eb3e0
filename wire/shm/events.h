// SPDX-License-Identifier: Apache-2.0
// Records dataplane -> control plane, one ring per lcore. Events are unreliable: a full ring loses
// them and counts events_lost; whoever reads must survive that.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/reload/ids.h"
#include "wire/shm/counters.h"
#include "wire/shm/layout.h"

namespace wire::shm {

enum class EventKind : std::uint8_t {
  /// A neighbour that should know better sent what it must not. With reason record_forged somebody
  /// sent bytes in its name: UDP sources can be forged, so that speaks for an attack and not
  /// against
  /// the neighbour.
  kEvidence,
  kLinkUp,             ///< first ack, or acks resumed after a failure
  kLinkFailed,         ///< no acks for an RTO and a third retransmission (C-19)
  kAssociationWanted,  ///< a kDtls link has no keys and something to send, or its keys near a
                       ///< limit;
                       ///< at most one a second and link
};

inline constexpr std::size_t kEvidenceSampleBytes = 256;

struct Event {
  EventKind kind = EventKind::kEvidence;
  DropReason reason{};
  std::uint16_t link_slot = kNoLink;
  std::uint8_t generation = 0;
  std::uint8_t lcore = 0;
  std::uint16_t sample_length = 0;
  /// kEvidence: how many since the last record of this link and reason. kAssociationWanted: the
  /// number of the association near its limit, 0 when there is none.
  std::uint64_t count = 0;
  std::uint64_t transaction_id = 0;
  std::uint64_t tsc = 0;
  std::array<std::byte, kEvidenceSampleBytes> sample{};  ///< first bytes of one such message
};
static_assert(std::is_trivially_copyable_v<Event>);

}  // namespace wire::shm
