// SPDX-License-Identifier: Apache-2.0
// The avx512ifma kernel around its lanes: jobs are sorted by the lanes they can share, hashed
// together, checked eight at a time, and whatever lanes cannot take goes to OpenSSL, as in the
// portable kernel.
//
// The arithmetic is in avx512ifma/, compiled with its own flags. This file is not: it may use the
// standard library.

#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "crypto/batch_verify.h"
#include "crypto/hash_batch.h"
#include "crypto/kernels/avx512ifma/ed25519.h"
#include "crypto/kernels/avx512ifma/p256.h"
#include "crypto/kernels/avx512ifma/rsa.h"
#include "crypto/kernels/kernel_list.h"
#include "crypto/kernels/p256_signature.h"

namespace crypto {
namespace {

constexpr std::uint32_t kLanes = 8;
constexpr std::size_t kMaxJobs = BatchVerifier::kMaxJobs;
constexpr std::size_t kLongestDigest = 64;
constexpr std::size_t kEd25519SignatureBytes = 64;
/// R and A, which Ed25519 hashes in front of the message.
constexpr std::size_t kEd25519PrefixBytes = 64;

/// Jobs of one kind can share a pass.
enum Kind : std::uint8_t {
  kEd25519Known,
  kEd25519Cold,
  kP256Known,
  kP256Cold,
  kRsa2048,
  kRsa3072,
  kRsa4096,
  kKinds
};

/// With fewer jobs of a kind than this OpenSSL is faster than one pass (docs/performance.md).
constexpr std::array<std::uint32_t, kKinds> kWorthwhile = {1, 1, 1, 2, 1, 1, 1};

struct JobList {
  std::uint32_t count = 0;
  std::array<std::uint8_t, kMaxJobs> job;  ///< indices into the call's jobs

  void add(std::size_t index) noexcept { job[count++] = static_cast<std::uint8_t>(index); }
  [[nodiscard]] std::span<const std::uint8_t> all() const noexcept { return {job.data(), count}; }
};

struct Scratch {
  void* portable = nullptr;
  std::unique_ptr<HashBatch> hash;

  std::array<JobList, kKinds> kinds;
  std::array<P256Signature, kMaxJobs> p256_signatures;  ///< by job
  std::array<HashBatch::Message, kMaxJobs> messages;
  alignas(64) std::byte digests[kMaxJobs][kLongestDigest];  ///< by job
  /// Messages in several parts, joined, one behind the other.
  alignas(64) std::byte joined[kMaxJobs * HashBatch::kMaxBytes];
  std::size_t joined_bytes = 0;

  Scratch() : portable(kKernelPortable.make_scratch()), hash(HashBatch::create()) {}
  ~Scratch() {
    if (portable != nullptr) kKernelPortable.free_scratch(portable);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

std::size_t signed_bytes(const VerifyJob& job) noexcept {
  std::size_t bytes = 0;
  for (const auto& part : job.signed_parts) bytes += part.size();
  return bytes;
}

/// The kind of a job that lanes can take, or kKinds. Fills @p p256 for ECDSA.
Kind kind_of(const VerifyJob& job, P256Signature& p256) noexcept {
  if (signed_bytes(job) > HashBatch::kMaxBytes - kEd25519PrefixBytes) return kKinds;
  switch (job.key->algorithm()) {
    case Algorithm::kEd25519:
      if (job.key->ed25519() == nullptr || job.signature.size() != kEd25519SignatureBytes) {
        return kKinds;
      }
      return job.table != nullptr ? kEd25519Known : kEd25519Cold;
    case Algorithm::kEcdsaP256Sha256:
      if (job.key->p256() == nullptr || !decode_p256_signature(job.signature, p256)) return kKinds;
      return job.table != nullptr ? kP256Known : kP256Cold;
    case Algorithm::kRsaPkcs1Sha256: {
      const RsaKey* const key = job.key->rsa();
      if (key == nullptr || job.signature.size() != key->bytes) return kKinds;
      return static_cast<Kind>(kRsa2048 + key->limbs / kRsaFoldLimbs - 2);
    }
  }
  return kKinds;
}

/// The signed bytes in one piece: where they lie, or copied.
std::span<const std::byte> in_one_piece(Scratch& scratch, const VerifyJob& job) noexcept {
  std::byte* const begin = scratch.joined + scratch.joined_bytes;
  std::size_t length = 0;
  for (const auto& part : job.signed_parts) {
    if (part.empty()) continue;
    if (part.size() == signed_bytes(job)) return part;
    std::memcpy(begin + length, part.data(), part.size());
    length += part.size();
  }
  scratch.joined_bytes += length;
  return {begin, length};
}

/// R, A and the signed bytes.
std::span<const std::byte> ed25519_message(Scratch& scratch, const VerifyJob& job) noexcept {
  std::byte* const begin = scratch.joined + scratch.joined_bytes;
  std::memcpy(begin, job.signature.data(), 32);
  std::memcpy(begin + 32, job.key->ed25519_encoded().data(), 32);
  std::size_t length = kEd25519PrefixBytes;
  for (const auto& part : job.signed_parts) {
    if (part.empty()) continue;
    std::memcpy(begin + length, part.data(), part.size());
    length += part.size();
  }
  scratch.joined_bytes += length;
  return {begin, length};
}

/// What one call works on.
struct Call {
  Scratch& scratch;
  const VerifyJob* jobs;
  Verdict* verdicts;
  BatchStatistics& statistics;

  void ask_openssl(std::size_t index) noexcept {
    kKernelPortable.verify(scratch.portable, &jobs[index], 1, &verdicts[index], statistics);
  }

  /// @p undecided  of the checks OpenSSL is asked about afterwards, and counts
  void count(Algorithm algorithm, bool known, std::uint32_t checks,
             std::uint32_t undecided = 0) noexcept {
    PathCounts& paths = statistics.paths[static_cast<std::size_t>(algorithm)];
    (known ? paths.known : paths.cold) += checks - undecided;
    statistics.occupancy[kLanes - 1] += checks / kLanes;
    if (checks % kLanes != 0) ++statistics.occupancy[checks % kLanes - 1];
  }

  void answer(const JobList& list, const bool* valid) noexcept {
    for (std::uint32_t i = 0; i < list.count; ++i) {
      verdicts[list.job[i]] = valid[i] ? Verdict::kValid : Verdict::kBadSignature;
    }
  }

  /// A last pass of cold jobs with idle lanes takes a last pass of known ones along: it costs the
  /// same, and one pass less is made.
  void fill_lanes(Kind known, Kind cold) noexcept {
    JobList& from = scratch.kinds[known];
    JobList& to = scratch.kinds[cold];
    const std::uint32_t rest = from.count % kLanes;
    const std::uint32_t filled = to.count % kLanes;
    if (filled == 0 || filled + rest > kLanes) return;
    for (std::uint32_t i = 0; i < rest; ++i) to.add(from.job[--from.count]);
  }

  void hash_sha512() noexcept {
    std::size_t count = 0;
    for (const Kind kind : {kEd25519Known, kEd25519Cold}) {
      for (const std::uint8_t index : scratch.kinds[kind].all()) {
        scratch.messages[count++] = {ed25519_message(scratch, jobs[index]), scratch.digests[index]};
      }
    }
    scratch.hash->sha512(std::span(scratch.messages).first(count));
  }

  void hash_sha256() noexcept {
    std::size_t count = 0;
    for (const Kind kind : {kP256Known, kP256Cold, kRsa2048, kRsa3072, kRsa4096}) {
      for (const std::uint8_t index : scratch.kinds[kind].all()) {
        scratch.messages[count++] = {in_one_piece(scratch, jobs[index]), scratch.digests[index]};
      }
    }
    scratch.hash->sha256(std::span(scratch.messages).first(count));
  }

  void check_ed25519(Kind kind) noexcept {
    const JobList& list = scratch.kinds[kind];
    if (list.count == 0) return;
    std::array<avx512ifma::Ed25519Check, kMaxJobs> checks;
    std::array<bool, kMaxJobs> valid;
    for (std::uint32_t i = 0; i < list.count; ++i) {
      const VerifyJob& job = jobs[list.job[i]];
      checks[i] = {job.key->ed25519(), job.table, job.signature.data(),
                   scratch.digests[list.job[i]]};
    }
    const auto lanes =
        kind == kEd25519Known ? avx512ifma::ed25519_verify_known : avx512ifma::ed25519_verify_cold;
    lanes(checks.data(), list.count, valid.data());
    answer(list, valid.data());
    count(Algorithm::kEd25519, kind == kEd25519Known, list.count);
  }

  void check_p256(Kind kind) noexcept {
    const JobList& list = scratch.kinds[kind];
    if (list.count == 0) return;
    std::array<avx512ifma::P256Check, kMaxJobs> checks;
    std::array<bool, kMaxJobs> valid;
    for (std::uint32_t i = 0; i < list.count; ++i) {
      const std::uint8_t index = list.job[i];
      const P256Signature& signature = scratch.p256_signatures[index];
      checks[i] = {jobs[index].key->p256(), jobs[index].table, signature.r, signature.s,
                   scratch.digests[index]};
    }
    const auto lanes =
        kind == kP256Known ? avx512ifma::p256_verify_known : avx512ifma::p256_verify_cold;
    std::uint64_t undecided = lanes(checks.data(), list.count, valid.data());
    answer(list, valid.data());
    const auto asked = static_cast<std::uint32_t>(std::popcount(undecided));
    count(Algorithm::kEcdsaP256Sha256, kind == kP256Known, list.count, asked);
    for (; undecided != 0; undecided &= undecided - 1) {
      ask_openssl(list.job[static_cast<std::size_t>(std::countr_zero(undecided))]);
    }
  }

  void check_rsa(Kind kind) noexcept {
    const JobList& list = scratch.kinds[kind];
    if (list.count == 0) return;
    std::array<avx512ifma::RsaCheck, kMaxJobs> checks;
    std::array<bool, kMaxJobs> valid;
    for (std::uint32_t i = 0; i < list.count; ++i) {
      const VerifyJob& job = jobs[list.job[i]];
      checks[i] = {job.key->rsa(), job.signature.data(), scratch.digests[list.job[i]]};
    }
    avx512ifma::rsa_verify(checks.data(), list.count, valid.data());
    answer(list, valid.data());
    count(Algorithm::kRsaPkcs1Sha256, false, list.count);
  }
};

/// The tables of the base points are shared by all threads and stay. False: out of memory.
bool prepared() noexcept {
  static const bool kReady = avx512ifma::ed25519_prepare() && avx512ifma::p256_prepare();
  return kReady;
}

void* make_scratch() {
  if (!prepared()) return nullptr;
  std::unique_ptr<Scratch> scratch(new (std::nothrow) Scratch);
  if (scratch == nullptr || scratch->portable == nullptr || scratch->hash == nullptr) {
    return nullptr;
  }
  return scratch.release();
}

void free_scratch(void* memory) { delete static_cast<Scratch*>(memory); }

void verify(void* memory, const VerifyJob* jobs, std::size_t count, Verdict* verdicts,
            BatchStatistics& statistics) {
  assert(count <= kMaxJobs);
  auto& scratch = *static_cast<Scratch*>(memory);
  Call call{scratch, jobs, verdicts, statistics};
  for (JobList& list : scratch.kinds) list.count = 0;
  scratch.joined_bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Kind kind = kind_of(jobs[i], scratch.p256_signatures[i]);
    if (kind == kKinds) {
      call.ask_openssl(i);
    } else {
      scratch.kinds[kind].add(i);
    }
  }
  call.fill_lanes(kEd25519Known, kEd25519Cold);
  call.fill_lanes(kP256Known, kP256Cold);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    JobList& list = scratch.kinds[kind];
    if (list.count >= kWorthwhile[kind]) continue;
    for (const std::uint8_t index : list.all()) call.ask_openssl(index);
    list.count = 0;
  }
  call.hash_sha512();
  call.hash_sha256();
  for (const Kind kind : {kEd25519Known, kEd25519Cold}) call.check_ed25519(kind);
  for (const Kind kind : {kP256Known, kP256Cold}) call.check_p256(kind);
  for (const Kind kind : {kRsa2048, kRsa3072, kRsa4096}) call.check_rsa(kind);
}

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + kTableAlignment - 1) / kTableAlignment * kTableAlignment;
}

std::size_t table_bytes(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEd25519:
      return round_up(avx512ifma::kEd25519TableBytes);
    case Algorithm::kEcdsaP256Sha256:
      return round_up(avx512ifma::kP256TableBytes);
    case Algorithm::kRsaPkcs1Sha256:
      return 0;
  }
  return 0;
}

std::uint32_t table_slices(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kEd25519:
      return avx512ifma::kEd25519TableSlices;
    case Algorithm::kEcdsaP256Sha256:
      return avx512ifma::kP256TableSlices;
    case Algorithm::kRsaPkcs1Sha256:
      return 0;
  }
  return 0;
}

bool takes_table(const PublicKey& key) {
  return (key.ed25519() != nullptr || key.p256() != nullptr) && prepared();
}

void build_slice(const PublicKey& key, std::byte* table, std::uint32_t slice) {
  if (key.ed25519() != nullptr) {
    avx512ifma::ed25519_build_slice(*key.ed25519(), table, slice);
  } else {
    avx512ifma::p256_build_slice(*key.p256(), table, slice);
  }
}

}  // namespace

const KernelTable kKernelAvx512Ifma = {
    .name = "avx512ifma",
    .required_features = kCpuAvx512 | kCpuAvx512Ifma | kCpuBmi2,
    .lanes = kLanes,
    .make_scratch = make_scratch,
    .free_scratch = free_scratch,
    .verify = verify,
    .table_bytes = table_bytes,
    .table_slices = table_slices,
    .takes_table = takes_table,
    .build_slice = build_slice,
};

}  // namespace crypto
