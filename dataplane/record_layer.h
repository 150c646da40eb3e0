// SPDX-License-Identifier: Apache-2.0
// Opens and seals the DTLS 1.2 records of links, a burst at a time and in place (RFC 6347 section
// 4.1; AES-GCM: RFC 5288; ChaCha20-Poly1305: RFC 7905; C-31, C-33).
//
// Bytes in, bytes out: no mbuf, no EAL, no clock. Keys are made off the packet path and never
// change; what changes with each record is RecordState, which the worker that owns the link keeps.
// Nothing here allocates, locks or logs.
//
//   RecordKeys    2 KB   any number of readers; retired through Quiescence
//   RecordState   128 B  one worker

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/link_cipher.h"
#include "dataplane/replay_window.h"
#include "wire/dtls/record.h"
#include "wire/shm/association.h"

namespace dataplane {

/// The keys of one association. Secret: wiped when it goes.
struct RecordKeys {
  crypto::LinkKey write;
  crypto::LinkKey read;

  /// From what the control plane handed over; the caller wipes @p from. @p cipher is only asked for
  /// the expansion: any thread. False when the record names no cipher we know.
  [[nodiscard]] bool expand(const crypto::LinkCipher& cipher,
                            const wire::shm::AssociationRecord& from) noexcept;
};

/// What one association has done so far, a cache line for each direction.
struct alignas(wire::shm::kCacheLine) RecordState {
  // Opening.
  const crypto::LinkKey* read_key = nullptr;
  ReplayWindow received;
  std::uint64_t opened = 0;        ///< records
  std::uint64_t opened_bytes = 0;  ///< of plaintext

  // Sealing.
  alignas(wire::shm::kCacheLine) const crypto::LinkKey* write_key = nullptr;
  std::uint64_t write_sequence = 0;  ///< of the next record; wire::dtls::kMaxSequence is never used
  std::uint64_t sealed = 0;          ///< records
  std::uint64_t sealed_bytes = 0;    ///< of plaintext

  /// Records that did not authenticate with this read key (RFC 9147 section 4.5.3 wants the number
  /// for each key). While two associations are alive, records of the other one count too: evidence
  /// is OpenVerdict::kBadTag, not this.
  std::uint64_t failed_opens = 0;

  RecordState() noexcept = default;
  /// @p keys must outlive it. @p first_sequence is AssociationRecord::write_sequence.
  RecordState(const RecordKeys& keys, std::uint64_t first_sequence) noexcept
      : read_key(&keys.read), write_key(&keys.write), write_sequence(first_sequence) {}

  /// Brings the state's lines into the cache; keys are prefetched by the calls below.
  void prefetch_for_open() const noexcept { __builtin_prefetch(this, 1); }
  void prefetch_for_seal() const noexcept { __builtin_prefetch(&write_key, 1); }
};
static_assert(sizeof(RecordState) == 2 * wire::shm::kCacheLine);

/// Records one key may protect before confidentiality wears thin, and forgeries it may see before
/// integrity does (RFC 9147 section 4.5.3, RFC 8446 section 5.5: 2^24.5 records of 16 KB for GCM).
inline constexpr std::uint64_t kGcmRecordLimit = 23'726'566;
inline constexpr std::uint64_t kForgeryLimit = std::uint64_t{1} << 36U;

/// Records that may still be protected with the association's keys, by us and by the peer: the
/// smaller number. The owner asks for new keys well before 0; at 0 sealing goes on (a SHOULD NOT)
/// until the sequence numbers end.
[[nodiscard]] inline std::uint64_t records_left(const RecordState& state) noexcept {
  const std::uint64_t limit = state.write_key->cipher() == crypto::AeadCipher::kChaCha20Poly1305
                                  ? wire::dtls::kMaxSequence
                                  : kGcmRecordLimit;
  return limit - std::min(limit, std::max(state.write_sequence, state.received.next()));
}
/// At 0 the owner drops the association.
[[nodiscard]] inline std::uint64_t forgeries_left(const RecordState& state) noexcept {
  return kForgeryLimit - std::min(kForgeryLimit, state.failed_opens);
}

/// When two associations refuse a record for different reasons, the first in this list stands: a
/// number that one of them has seen says more than the other one's bad tag.
enum class OpenVerdict : std::uint8_t {
  kOpened,
  kReplayed,    ///< its number came before
  kBehind,      ///< its number lies behind the replay window
  kBadTag,      ///< not sealed with the keys
  kWrongEpoch,  ///< not wire::dtls::kDataEpoch
  kMalformed,   ///< no record, or too short or too long for its cipher
};
inline constexpr const char* kOpenVerdictNames[] = {"opened",  "replayed",    "behind",
                                                    "bad_tag", "wrong_epoch", "malformed"};

struct OpenJob {
  /// Begins with a record; more records may follow it. Borrowed until the call returns.
  std::span<std::byte> bytes;
  RecordState* newest;  ///< tried first
  RecordState* older;   ///< tried next, for as long as it is alive; or nullptr
};

struct OpenedRecord {
  OpenVerdict verdict = OpenVerdict::kMalformed;
  wire::dtls::ContentType type{};  ///< valid when record_bytes is not 0
  bool by_older = false;           ///< the verdict is OpenJob::older's
  /// Of the whole record, so where the next one in the datagram begins. 0: nobody knows, since this
  /// is none.
  std::size_t record_bytes = 0;
  std::span<std::byte> plaintext;  ///< kOpened: lies within OpenJob::bytes, may be empty
};

/// Opens the first record of each job. out[i] belongs to jobs[i].
///
/// Only kOpened hands out plaintext; with kReplayed and kBehind it may lie in the buffer, which is
/// to be dropped. With every other verdict the bytes are as they came. Numbers are noted after
/// authentication only, so a forgery moves no window; of two copies in one call the first is
/// opened.
///
/// Which content types may come is for the caller to say.
///
/// @pre jobs.size() == out.size() <= crypto::LinkCipher::kMaxJobs
void open_records(crypto::LinkCipher& cipher, std::span<const OpenJob> jobs,
                  std::span<OpenedRecord> out) noexcept;

enum class SealVerdict : std::uint8_t {
  kSealed,
  kExhausted,  ///< the association has no sequence number left
  kBadSize,    ///< smaller than the overhead, or more plaintext than a record may have
  kFailed,     ///< the library refused the job; the number is spent
};
inline constexpr const char* kSealVerdictNames[] = {"sealed", "exhausted", "bad_size", "failed"};

struct SealJob {
  RecordState* state;
  wire::dtls::ContentType type;
  /// The whole record: wire::dtls::plaintext_offset() bytes of room, the plaintext, and kTagBytes
  /// of room. Borrowed until the call returns.
  std::span<std::byte> record;
};

/// Seals each job with the next sequence number of its association, in the order of the jobs, and
/// writes header, explicit nonce and tag around the plaintext. The record of a verdict other than
/// kSealed must not be sent: kFailed may have left anything in it, the others have left it alone.
///
/// @pre jobs.size() == out.size() <= crypto::LinkCipher::kMaxJobs
void seal_records(crypto::LinkCipher& cipher, std::span<const SealJob> jobs,
                  std::span<SealVerdict> out) noexcept;

}  // namespace dataplane
