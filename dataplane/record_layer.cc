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
using wire::dtls::kRecordHeaderBytes;
using wire::dtls::kRecordNumberAt;
using wire::dtls::kTagBytes;

constexpr std::size_t kMaxJobs = crypto::LinkCipher::kMaxJobs;
constexpr std::size_t kNumberBytes = 8;  // epoch and sequence
/// Keys whose IV is on its way while a record is prepared.
constexpr std::size_t kKeysAhead = 8;

// The same list twice, because crypto/ knows nothing of wire/.
static_assert(static_cast<int>(Aead::kAes128Gcm) == static_cast<int>(AeadCipher::kAes128Gcm));
static_assert(static_cast<int>(Aead::kAes256Gcm) == static_cast<int>(AeadCipher::kAes256Gcm));
static_assert(static_cast<int>(Aead::kChaCha20Poly1305) ==
              static_cast<int>(AeadCipher::kChaCha20Poly1305));
static_assert(kTagBytes == crypto::kAeadTagBytes);

Aead aead_of(const crypto::LinkKey& key) noexcept { return static_cast<Aead>(key.cipher()); }

/// Gives @p job the nonce and the additional data of a record whose header and explicit nonce are
/// in the buffer. The length in the additional data is the plaintext's (RFC 5246 section 6.2.3.3).
/// @pre key and bytes of @p job are set
void bind(const crypto::LinkKey& key, const std::byte* record, AeadJob& job) noexcept {
  const std::byte* const number = record + kRecordNumberAt;
  job.nonce = key.iv();
  if (key.cipher() == AeadCipher::kChaCha20Poly1305) {
    // RFC 7905 section 2: the number, padded on the left, over the IV.
    const std::uint64_t masked = wire::load_be64(&job.nonce[4]) ^ wire::load_be64(number);
    wire::store_be64(&job.nonce[4], masked);
  } else {
    // RFC 5288 section 3: salt, then what the sender chose. We choose the number.
    std::memcpy(&job.nonce[4], record + kRecordHeaderBytes, kNumberBytes);
  }
  std::memcpy(&job.aad[0], number, kNumberBytes);
  std::memcpy(&job.aad[8], record, 3);  // type and version
  wire::store_be16(&job.aad[11], static_cast<std::uint16_t>(job.bytes));
}

/// The records of one call that go to the cipher.
struct Batch {
  std::array<AeadJob, kMaxJobs> work;
  std::array<std::uint64_t, kMaxJobs> sequence;
  std::array<std::uint8_t, kMaxJobs> job;  ///< the one it came from
  std::size_t count = 0;

  [[nodiscard]] std::span<const AeadJob> jobs() const noexcept { return {work.data(), count}; }
};

OpenVerdict verdict_of(ReplayWindow::Place place) noexcept {
  return place == ReplayWindow::Place::kSeen ? OpenVerdict::kReplayed : OpenVerdict::kBehind;
}

/// Puts the record into @p batch, unless it can be refused without the cipher. kOpened: so far.
OpenVerdict prepare(std::span<std::byte> bytes, const RecordState& state, std::size_t index,
                    OpenedRecord& out, Batch& batch) noexcept {
  wire::dtls::RecordHeader header;
  if (!wire::dtls::parse_record(bytes, 0, header).ok()) return OpenVerdict::kMalformed;
  out.type = header.type;
  out.record_bytes = header.record_bytes();
  if (header.epoch != wire::dtls::kDataEpoch) return OpenVerdict::kWrongEpoch;
  const crypto::LinkKey& key = *state.read_key;
  const Aead aead = aead_of(key);
  const std::size_t overhead = wire::dtls::record_overhead(aead);
  if (out.record_bytes < overhead || out.record_bytes > overhead + wire::dtls::kMaxPlaintextBytes) {
    return OpenVerdict::kMalformed;
  }
  const ReplayWindow::Place place = state.received.place(header.sequence);
  if (place != ReplayWindow::Place::kNew) return verdict_of(place);
  AeadJob& work = batch.work[batch.count];
  work.key = &key;
  work.text = bytes.data() + wire::dtls::plaintext_offset(aead);
  work.bytes = out.record_bytes - overhead;
  bind(key, bytes.data(), work);
  batch.sequence[batch.count] = header.sequence;
  batch.job[batch.count] = static_cast<std::uint8_t>(index);
  ++batch.count;
  return OpenVerdict::kOpened;
}

/// The cipher has found the record authentic: takes it, unless a record of the same batch was the
/// same one or has moved the window past it.
void accept(RecordState& state, const AeadJob& work, std::uint64_t sequence,
            OpenedRecord& out) noexcept {
  const ReplayWindow::Place place = state.received.place(sequence);
  if (!state.received.note(sequence)) {
    out.verdict = verdict_of(place);
    return;
  }
  ++state.opened;
  state.opened_bytes += work.bytes;
  out.verdict = OpenVerdict::kOpened;
  out.plaintext = {work.text, work.bytes};
}

/// Opens the jobs whose bits are set in @p which with one of their candidates. Returns those that
/// another association may still open.
template <RecordState* OpenJob::*candidate>
std::uint64_t attempt(crypto::LinkCipher& cipher, std::span<const OpenJob> jobs,
                      std::uint64_t which, std::span<OpenedRecord> out) noexcept {
  Batch batch;
  std::uint64_t open = which;
  for (std::uint64_t left = which; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    if (i + kKeysAhead < jobs.size()) {
      const RecordState* const later = jobs[i + kKeysAhead].*candidate;
      if (later != nullptr) later->read_key->prefetch_iv();
    }
    const OpenVerdict verdict = prepare(jobs[i].bytes, *(jobs[i].*candidate), i, out[i], batch);
    if (verdict != OpenVerdict::kOpened) out[i].verdict = std::min(out[i].verdict, verdict);
  }
  const std::uint64_t authentic = cipher.open(batch.jobs());
  for (std::size_t k = 0; k < batch.count; ++k) {
    const std::size_t i = batch.job[k];
    RecordState& state = *(jobs[i].*candidate);
    if ((authentic >> k & 1U) == 0) {
      ++state.failed_opens;
      out[i].verdict = std::min(out[i].verdict, OpenVerdict::kBadTag);
      continue;
    }
    out[i].by_older = candidate == &OpenJob::older;
    accept(state, batch.work[k], batch.sequence[k], out[i]);
    open &= ~(std::uint64_t{1} << i);
  }
  return open;
}

constexpr std::uint64_t first_bits(std::size_t count) noexcept {
  return count == 0 ? 0 : ~std::uint64_t{0} >> (64U - count);
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
  for (const OpenJob& job : jobs) job.newest->prefetch_for_open();
  for (OpenedRecord& record : out) {
    record = {.verdict = OpenVerdict::kMalformed,
              .type = wire::dtls::ContentType::kApplicationData,
              .by_older = false,
              .record_bytes = 0,
              .plaintext = {}};
  }
  std::uint64_t open = attempt<&OpenJob::newest>(cipher, jobs, first_bits(jobs.size()), out);
  for (std::uint64_t left = open; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    if (jobs[i].older == nullptr) open &= ~(left & -left);
  }
  if (open != 0) (void)attempt<&OpenJob::older>(cipher, jobs, open, out);
}

void seal_records(crypto::LinkCipher& cipher, std::span<const SealJob> jobs,
                  std::span<SealVerdict> out) noexcept {
  assert(jobs.size() <= kMaxJobs && jobs.size() == out.size());
  for (const SealJob& job : jobs) job.state->prefetch_for_seal();
  Batch batch;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i + kKeysAhead < jobs.size()) jobs[i + kKeysAhead].state->write_key->prefetch_iv();
    const SealJob& job = jobs[i];
    RecordState& state = *job.state;
    const crypto::LinkKey& key = *state.write_key;
    const Aead aead = aead_of(key);
    const std::size_t overhead = wire::dtls::record_overhead(aead);
    if (job.record.size() < overhead ||
        job.record.size() > overhead + wire::dtls::kMaxPlaintextBytes) {
      out[i] = SealVerdict::kBadSize;
      continue;
    }
    if (state.write_sequence >= wire::dtls::kMaxSequence) {
      out[i] = SealVerdict::kExhausted;
      continue;
    }
    const std::uint64_t sequence = state.write_sequence++;
    wire::dtls::write_record_header(
        {.type = job.type,
         .epoch = wire::dtls::kDataEpoch,
         .sequence = sequence,
         .length = static_cast<std::uint16_t>(job.record.size() - kRecordHeaderBytes)},
        job.record.first<kRecordHeaderBytes>());
    if (wire::dtls::explicit_nonce_bytes(aead) != 0) {
      std::memcpy(&job.record[kRecordHeaderBytes], &job.record[kRecordNumberAt], kNumberBytes);
    }
    AeadJob& work = batch.work[batch.count];
    work.key = &key;
    work.text = job.record.data() + wire::dtls::plaintext_offset(aead);
    work.bytes = job.record.size() - overhead;
    bind(key, job.record.data(), work);
    batch.job[batch.count++] = static_cast<std::uint8_t>(i);
  }
  const std::uint64_t sealed = cipher.seal(batch.jobs());
  for (std::size_t k = 0; k < batch.count; ++k) {
    const std::size_t i = batch.job[k];
    if ((sealed >> k & 1U) == 0) {
      out[i] = SealVerdict::kFailed;
      continue;
    }
    out[i] = SealVerdict::kSealed;
    ++jobs[i].state->sealed;
    jobs[i].state->sealed_bytes += batch.work[k].bytes;
  }
}

}  // namespace dataplane
