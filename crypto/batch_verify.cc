// SPDX-License-Identifier: Apache-2.0
#include "crypto/batch_verify.h"

#include <cassert>
#include <new>
#include <utility>

#include "crypto/kernels/select.h"

namespace crypto {

struct BatchVerifier::Scratch {
  explicit Scratch(const KernelTable& table) : kernel(table), memory(table.make_scratch()) {
    if (memory == nullptr) throw std::bad_alloc();
  }
  ~Scratch() { kernel.free_scratch(memory); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const KernelTable& kernel;
  void* memory;
  BatchStatistics statistics;
};

namespace {

bool is_too_long(const VerifyJob& job) noexcept {
  std::size_t left = kMaxSignedBytes;
  for (const auto& part : job.signed_parts) {
    if (part.size() > left) return true;
    left -= part.size();
  }
  return false;
}

}  // namespace

BatchVerifier::BatchVerifier(const KernelTable& kernel)
    : scratch_(std::make_unique<Scratch>(kernel)) {
  assert(runs_here(kernel));
}
BatchVerifier::~BatchVerifier() = default;
BatchVerifier::BatchVerifier(BatchVerifier&&) noexcept = default;
BatchVerifier& BatchVerifier::operator=(BatchVerifier&&) noexcept = default;

void BatchVerifier::verify(std::span<const VerifyJob> jobs, std::span<Verdict> verdicts) noexcept {
  assert(jobs.size() <= kMaxJobs && verdicts.size() == jobs.size());
  const KernelTable& kernel = scratch_->kernel;
  // Too long jobs are answered here, so that no kernel can differ about them. What lies between
  // them goes to the kernel in one piece: normally everything.
  std::size_t begin = 0;
  while (begin < jobs.size()) {
    if (is_too_long(jobs[begin])) {
      verdicts[begin++] = Verdict::kTooLong;
      continue;
    }
    std::size_t end = begin + 1;
    while (end < jobs.size() && !is_too_long(jobs[end])) ++end;
    kernel.verify(scratch_->memory, &jobs[begin], end - begin, &verdicts[begin],
                  scratch_->statistics);
    begin = end;
  }
}

const KernelTable& BatchVerifier::kernel() const noexcept { return scratch_->kernel; }
const BatchStatistics& BatchVerifier::statistics() const noexcept { return scratch_->statistics; }

}  // namespace crypto
