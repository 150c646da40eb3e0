// SPDX-License-Identifier: Apache-2.0
#include "dataplane/record_layer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace dataplane {
namespace {

using crypto::AeadCipher;
using crypto::AeadJob;
using wire::dtls::Aead;
using wire::dtls::ContentType;
using wire::dtls::kRecordHeaderBytes;
using wire::dtls::kTagBytes;

constexpr std::size_t kMaxJobs = crypto::LinkCipher::kMaxJobs;
constexpr std::size_t kNumberBytes = 8;  // epoch and sequence
constexpr std::size_t kSaltBytes = 4;
constexpr std::uint64_t kEpoch = std::uint64_t{wire::dtls::kDataEpoch} << 48U;
/// Keys whose IV is on its way while a record is prepared.
constexpr std::size_t kKeysAhead = 8;

// The same list twice, because crypto/ knows nothing of wire/.
static_assert(static_cast<int>(Aead::kAes128Gcm) == static_cast<int>(AeadCipher::kAes128Gcm));
static_assert(static_cast<int>(Aead::kAes256Gcm) == static_cast<int>(AeadCipher::kAes256Gcm));
static_assert(static_cast<int>(Aead::kChaCha20Poly1305) ==
              static_cast<int>(AeadCipher::kChaCha20Poly1305));
static_assert(kTagBytes == crypto::kAeadTagBytes);

Aead aead_of(const crypto::LinkKey& key) noexcept { return static_cast<Aead>(key.cipher()); }

/// Gives @p job the nonce and the additional data of a record. The length in the additional data is
/// the plaintext's (RFC 5246 section 6.2.3.3). Built from registers and stored in whole words: what
/// was just written in other pieces would be loaded from the cache instead of the store buffer.
/// @param number          epoch and sequence
/// @param explicit_nonce  where the eight bytes lie, unless the cipher has none
/// @param bytes           of plaintext
/// @pre the key of @p job is set
[[gnu::always_inline]] inline void bind(std::uint64_t number, ContentType type,
                                        const std::byte* explicit_nonce, std::size_t bytes,
                                        AeadJob& job) noexcept {
  const crypto::LinkKey& key = *job.key;
  std::memcpy(&job.nonce[0], &key.iv()[0], kSaltBytes);
  if (key.cipher() == AeadCipher::kChaCha20Poly1305) {
    // RFC 7905 section 2: the number, padded on the left, over the IV.
    wire::store_be64(&job.nonce[kSaltBytes], wire::load_be64(&key.iv()[kSaltBytes]) ^ number);
  } else {
    // RFC 5288 section 3: salt, then what the sender chose. We choose the number.
    std::memcpy(&job.nonce[kSaltBytes], explicit_nonce, kNumberBytes);
  }
  // The later store overlaps the earlier one with the same bytes.
  wire::store_be64(&job.aad[5], number << 40U |
                                    std::uint64_t{static_cast<std::uint8_t>(type)} << 32U |
                                    std::uint64_t{wire::dtls::kVersion12} << 16U | bytes);
  wire::store_be64(&job.aad[0], number);
}

/// The records of one call that go to the cipher; how many is a local variable of who fills it.
/// What lies in memory has to be loaded again after each byte that is stored, which may have
/// changed it: the loops below copy a job before they write.
struct Batch {
  std::array<AeadJob, kMaxJobs> work;
  std::array<std::uint64_t, kMaxJobs> sequence;
  std::array<std::uint8_t, kMaxJobs> job;  ///< the one it came from
};

OpenVerdict verdict_of(ReplayWindow::Place place) noexcept {
  return place == ReplayWindow::Place::kSeen ? OpenVerdict::kReplayed : OpenVerdict::kBehind;
}

/// Makes @p work of a record, and gives its number, unless it can be refused without the cipher.
/// kOpened: so far.
OpenVerdict prepare(std::span<std::byte> record, const RecordState& state, OpenedRecord& out,
                    AeadJob& work, std::uint64_t& sequence) noexcept {
  wire::dtls::RecordHeader header;
  if (!wire::dtls::parse_record(record, 0, header).ok()) return OpenVerdict::kMalformed;
  out.type = header.type;
  out.record_bytes = header.record_bytes();
  if (header.epoch != wire::dtls::kDataEpoch) return OpenVerdict::kWrongEpoch;
  const crypto::LinkKey& key = *state.read_key;
  const Aead aead = aead_of(key);
  const std::size_t overhead = wire::dtls::record_overhead(aead);
  const std::size_t plaintext_bytes = header.record_bytes() - overhead;  // huge when too short
  if (plaintext_bytes > wire::dtls::kMaxPlaintextBytes) return OpenVerdict::kMalformed;
  const ReplayWindow::Place place = state.received.place(header.sequence);
  if (place != ReplayWindow::Place::kNew) return verdict_of(place);
  work.key = &key;
  work.text = record.data() + wire::dtls::plaintext_offset(aead);
  work.bytes = plaintext_bytes;
  bind(kEpoch | header.sequence, header.type, record.data() + kRecordHeaderBytes, plaintext_bytes,
       work);
  sequence = header.sequence;
  return OpenVerdict::kOpened;
}

/// Opens each job with its newest association. Returns the jobs whose records are nobody's so far.
std::uint64_t attempt(crypto::LinkCipher& cipher, std::span<const OpenJob> jobs,
                      std::span<OpenedRecord> out) noexcept {
  for (const OpenJob& job : jobs) job.newest->prefetch_for_open();
  Batch batch;
  AeadJob* work = batch.work.data();
  std::size_t count = 0;
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i + kKeysAhead < jobs.size()) jobs[i + kKeysAhead].newest->read_key->prefetch_iv();
    out[i] = {};
    const OpenVerdict verdict =
        prepare(jobs[i].bytes, *jobs[i].newest, out[i], *work, batch.sequence[count]);
    out[i].verdict = verdict;
    if (verdict != OpenVerdict::kOpened) [[unlikely]] {
      refused |= std::uint64_t{1} << i;
      continue;
    }
    batch.job[count++] = static_cast<std::uint8_t>(i);
    ++work;
  }
  const std::uint64_t authentic = cipher.open(std::span(batch.work).first(count));
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = batch.job[k];
    RecordState& state = *jobs[i].newest;
    if ((authentic >> k & 1U) == 0) [[unlikely]] {
      ++state.failed_opens;
      out[i].verdict = OpenVerdict::kBadTag;
      refused |= std::uint64_t{1} << i;
      continue;
    }
    // A record of the same batch may have been the same one, or have moved the window past it.
    const ReplayWindow::Place place = state.received.note(batch.sequence[k]);
    if (place != ReplayWindow::Place::kNew) [[unlikely]] {
      out[i].verdict = verdict_of(place);
      continue;
    }
    ++state.opened;
    state.opened_bytes += batch.work[k].bytes;
    out[i].plaintext = {batch.work[k].text, batch.work[k].bytes};
  }
  return refused;
}

/// Another attempt for the jobs in @p refused that have an older association.
void attempt_older(crypto::LinkCipher& cipher, std::span<const OpenJob> jobs, std::uint64_t refused,
                   std::span<OpenedRecord> out) noexcept {
  std::array<OpenJob, kMaxJobs> again;
  std::array<OpenedRecord, kMaxJobs> second;
  std::array<std::uint8_t, kMaxJobs> from;
  std::size_t count = 0;
  for (std::uint64_t left = refused; left != 0; left &= left - 1) {
    const auto i = static_cast<std::uint8_t>(std::countr_zero(left));
    if (jobs[i].older == nullptr) continue;
    again[count] = {jobs[i].bytes, jobs[i].older, nullptr};
    from[count++] = i;
  }
  if (count == 0) return;
  (void)attempt(cipher, std::span(again).first(count), std::span(second).first(count));
  for (std::size_t k = 0; k < count; ++k) {
    if (second[k].verdict >= out[from[k]].verdict) continue;
    out[from[k]] = second[k];
    out[from[k]].by_older = true;
  }
}

}  // namespace

bool RecordKeys::expand(const crypto::LinkCipher& cipher,
                        const wire::shm::AssociationRecord& from) noexcept {
  const auto one = [&](const wire::shm::DirectionKeys& keys, crypto::LinkKey& out) {
    return cipher.expand(static_cast<AeadCipher>(from.aead),
                         std::span(keys.key).first(wire::dtls::key_bytes(from.aead)),
                         std::span(keys.iv).first(wire::dtls::iv_bytes(from.aead)), out);
  };
  return one(from.write, write) && one(from.read, read);
}

void open_records(crypto::LinkCipher& cipher, std::span<const OpenJob> jobs,
                  std::span<OpenedRecord> out) noexcept {
  assert(jobs.size() <= kMaxJobs && jobs.size() == out.size());
  const std::uint64_t refused = attempt(cipher, jobs, out);
  if (refused != 0) attempt_older(cipher, jobs, refused, out);
}

namespace {

/// Writes header and explicit nonce of the next record, and makes @p work of it. kSealed: so far.
SealVerdict prepare(std::span<std::byte> record, ContentType type, RecordState& state,
                    AeadJob& work) noexcept {
  const crypto::LinkKey& key = *state.write_key;
  const Aead aead = aead_of(key);
  const std::size_t overhead = wire::dtls::record_overhead(aead);
  const std::size_t plaintext_bytes = record.size() - overhead;  // huge when it is too small
  if (plaintext_bytes > wire::dtls::kMaxPlaintextBytes) return SealVerdict::kBadSize;
  const std::uint64_t sequence = state.write_sequence;
  if (sequence >= wire::dtls::kMaxSequence) return SealVerdict::kExhausted;
  state.write_sequence = sequence + 1;
  ++state.sealed;
  state.sealed_bytes += plaintext_bytes;
  wire::dtls::write_record_header(
      {.type = type,
       .epoch = wire::dtls::kDataEpoch,
       .sequence = sequence,
       .length = static_cast<std::uint16_t>(record.size() - kRecordHeaderBytes)},
      record.first<kRecordHeaderBytes>());
  std::byte* const behind_header = record.data() + kRecordHeaderBytes;
  if (wire::dtls::explicit_nonce_bytes(aead) != 0) {
    wire::store_be64(behind_header, kEpoch | sequence);
  }
  work.key = &key;
  work.text = record.data() + wire::dtls::plaintext_offset(aead);
  work.bytes = plaintext_bytes;
  bind(kEpoch | sequence, type, behind_header, plaintext_bytes, work);
  return SealVerdict::kSealed;
}

}  // namespace

void seal_records(crypto::LinkCipher& cipher, std::span<const SealJob> jobs,
                  std::span<SealVerdict> out) noexcept {
  assert(jobs.size() <= kMaxJobs && jobs.size() == out.size());
  for (const SealJob& job : jobs) job.state->prefetch_for_seal();
  Batch batch;
  AeadJob* work = batch.work.data();
  std::size_t count = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i + kKeysAhead < jobs.size()) jobs[i + kKeysAhead].state->write_key->prefetch_iv();
    const SealVerdict verdict = prepare(jobs[i].record, jobs[i].type, *jobs[i].state, *work);
    out[i] = verdict;
    if (verdict != SealVerdict::kSealed) [[unlikely]]
      continue;
    batch.job[count++] = static_cast<std::uint8_t>(i);
    ++work;
  }
  const std::uint64_t sealed = cipher.seal(std::span(batch.work).first(count));
  if (sealed == (count == kMaxJobs ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1))
      [[likely]] {
    return;
  }
  for (std::size_t k = 0; k < count; ++k) {
    if ((sealed >> k & 1U) != 0) continue;
    const std::size_t i = batch.job[k];
    out[i] = SealVerdict::kFailed;
    --jobs[i].state->sealed;
    jobs[i].state->sealed_bytes -= batch.work[k].bytes;
  }
}

}  // namespace dataplane
