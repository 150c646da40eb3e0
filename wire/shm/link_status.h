// SPDX-License-Identifier: Apache-2.0
// What each link is doing, one entry per slot, written by the lcore that owns the link.

#pragma once

#include <atomic>
#include <cstdint>

#include "wire/shm/commands.h"
#include "wire/shm/counters.h"

namespace wire::shm {

/// kKeyless: a secure link without keys, or with keys that have no record number left.
enum class LinkState : std::uint8_t { kAbsent, kResolving, kIdle, kUp, kFailed, kKeyless };
inline constexpr const char* kLinkStateNames[] = {"absent", "resolving", "idle",
                                                  "up",     "failed",    "keyless"};

struct alignas(kCacheLine) LinkStatus {
  /// Odd while the identity fields change, even otherwise; readers retry (seqlock).
  std::atomic<std::uint32_t> identity_version{0};
  std::atomic<std::uint8_t> state{0};  ///< LinkState
  std::uint8_t owner = 0;              ///< worker lcore index
  /// Aead of `association`. kDtls links only, as all that is said of associations and records.
  std::atomic<std::uint8_t> aead{0};
  std::uint8_t zero = 0;
  std::atomic<std::uint32_t> association{0};  ///< that seals what is sent; 0: none
  std::uint32_t zero2 = 0;
  LinkRecord identity;

  Counter messages_in, messages_out, bytes_in, bytes_out;  ///< data frames, message bytes
  Counter acks_in, acks_out, retransmitted, lost;          ///< lost: given up after 5 sends
  Counter duplicates_in;  ///< data frames whose sequence number had been seen
  Counter queue_drops;
  Counter bad_signatures;  ///< that arrived on this link
  Counter drops_in;        ///< messages from this link dropped for any reason
  Counter srtt_us, rttvar_us, rto_us, cwnd, in_flight, queued;  ///< gauges
  Counter last_ack_tsc;
  Counter records_in, records_out;  ///< application data opened and sealed
  Counter replays;                  ///< records whose number had been seen or was too old
  Counter bad_records;              ///< failed authentication under all keys of the link
  Counter rekeys;                   ///< associations installed after the first
  Counter installed_tsc;            ///< gauge: when `association` was taken into use
};

/// Changes the identity fields. For the one lcore that writes this entry.
void write_identity(LinkStatus& status, const LinkRecord& identity) noexcept;
/// Copies the identity fields as they stood at one moment. False when a writer was killed while it
/// changed them; then nothing is known of the link until the dataplane starts again.
[[nodiscard]] bool read_identity(const LinkStatus& status, LinkRecord& identity) noexcept;

}  // namespace wire::shm
