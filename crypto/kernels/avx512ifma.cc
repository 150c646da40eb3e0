// SPDX-License-Identifier: Apache-2.0
// The avx512ifma kernel around its lanes: jobs are sorted by the lanes they can share, hashed
// together, checked eight at a time, and whatever lanes cannot take goes to OpenSSL, as in the
// portable kernel.
//
// The arithmetic is in avx512ifma/, compiled with its own flags. This file is not: it may use the
// standard library.

#include <array>
#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "crypto/batch_verify.h"
#include "crypto/hash_batch.h"
#include "crypto/kernels/avx512ifma/rsa.h"
#include "crypto/kernels/kernel_list.h"

namespace crypto {
namespace {

constexpr std::uint32_t kLanes = 8;
constexpr std::size_t kMaxJobs = BatchVerifier::kMaxJobs;
constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kLongestDigest = 64;

/// Jobs of one kind can share a pass.
enum Kind : std::uint8_t { kRsa2048, kRsa3072, kRsa4096, kKinds };

/// With fewer jobs of a kind than this OpenSSL is faster than one pass (docs/performance.md).
constexpr std::array<std::uint32_t, kKinds> kWorthwhile = {2, 2, 2};

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

/// The kind of a job that lanes can take, or kKinds.
Kind kind_of(const VerifyJob& job) noexcept {
  const std::size_t bytes = signed_bytes(job);
  switch (job.key->algorithm()) {
    case Algorithm::kRsaPkcs1Sha256: {
      const RsaKey* const key = job.key->rsa();
      if (key == nullptr || job.signature.size() != key->bytes || bytes > HashBatch::kMaxBytes) {
        return kKinds;
      }
      return static_cast<Kind>(kRsa2048 + key->limbs / kRsaFoldLimbs - 2);
    }
    case Algorithm::kEcdsaP256Sha256:
    case Algorithm::kEd25519:
      return kKinds;
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

void count_passes(BatchStatistics& statistics, std::uint32_t jobs) noexcept {
  statistics.occupancy[kLanes - 1] += jobs / kLanes;
  if (jobs % kLanes != 0) ++statistics.occupancy[jobs % kLanes - 1];
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

  void answer(const JobList& list, const bool* valid) noexcept {
    for (std::uint32_t i = 0; i < list.count; ++i) {
      verdicts[list.job[i]] = valid[i] ? Verdict::kValid : Verdict::kBadSignature;
    }
  }

  void hash_sha256(std::span<const Kind> kinds) noexcept {
    std::size_t count = 0;
    for (const Kind kind : kinds) {
      for (const std::uint8_t index : scratch.kinds[kind].all()) {
        scratch.messages[count++] = {in_one_piece(scratch, jobs[index]), scratch.digests[index]};
      }
    }
    scratch.hash->sha256(std::span(scratch.messages).first(count));
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
    count_passes(statistics, list.count);
    statistics.paths[static_cast<std::size_t>(Algorithm::kRsaPkcs1Sha256)].cold += list.count;
  }
};

void* make_scratch() {
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
    const Kind kind = kind_of(jobs[i]);
    if (kind == kKinds) {
      call.ask_openssl(i);
    } else {
      scratch.kinds[kind].add(i);
    }
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    JobList& list = scratch.kinds[kind];
    if (list.count >= kWorthwhile[kind]) continue;
    for (const std::uint8_t index : list.all()) call.ask_openssl(index);
    list.count = 0;
  }
  call.hash_sha256(std::array{kRsa2048, kRsa3072, kRsa4096});
  for (const Kind kind : {kRsa2048, kRsa3072, kRsa4096}) call.check_rsa(kind);
}

std::size_t table_bytes(Algorithm) { return 0; }
std::uint32_t table_slices(Algorithm) { return 0; }
bool takes_table(const PublicKey&) { return false; }
void build_slice(const PublicKey&, std::byte*, std::uint32_t) {}

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
