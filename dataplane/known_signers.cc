// SPDX-License-Identifier: Apache-2.0
#include "dataplane/known_signers.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <utility>

namespace dataplane {

namespace {

bool has_tables(const crypto::KernelTable& kernel) {
  constexpr std::array<crypto::Algorithm, crypto::kAlgorithmCount> kAll = {
      crypto::Algorithm::kRsaPkcs1Sha256, crypto::Algorithm::kEcdsaP256Sha256,
      crypto::Algorithm::kEd25519};
  return std::ranges::any_of(
      kAll, [&](crypto::Algorithm algorithm) { return kernel.table_bytes(algorithm) != 0; });
}

}  // namespace

struct KnownSigners::Memory {
  explicit Memory(std::size_t bytes) : size(bytes) {
    if (bytes == 0) return;
    // With plain pages the EAL has a fixed piece of memory, meant for packets.
    if (rte_eal_has_hugepages() != 0)
      at = rte_malloc("known_signers", size, crypto::kTableAlignment);
    is_huge = at != nullptr;
    if (is_huge) return;
    at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
      at = nullptr;
      return;
    }
    // Advice only: huge pages spare most of the TLB misses, and tables are no news in a core dump.
    ::madvise(at, size, MADV_HUGEPAGE);
    ::madvise(at, size, MADV_DONTDUMP);
  }
  ~Memory() {
    if (is_huge) {
      rte_free(at);
    } else if (at != nullptr) {
      ::munmap(at, size);
    }
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  void* at = nullptr;
  std::size_t size;
  bool is_huge = false;
};

KnownSigners::KnownSigners(std::unique_ptr<Memory> memory) noexcept : memory_(std::move(memory)) {}
KnownSigners::~KnownSigners() = default;

std::unique_ptr<KnownSigners> KnownSigners::create(const Setup& setup) {
  const std::size_t bytes = has_tables(setup.kernel) ? setup.bytes : 0;
  auto memory = std::make_unique<Memory>(bytes);
  if (bytes != 0 && memory->at == nullptr) return nullptr;
  const std::span tables(static_cast<std::byte*>(memory->at), bytes);
  std::unique_ptr<KnownSigners> known(new KnownSigners(std::move(memory)));
  // A name for each signer in the table, and for each that is on its way out.
  known->pool_ = std::make_unique<crypto::KeyTablePool>(
      crypto::KeyTablePool::Setup{.kernel = setup.kernel,
                                  .memory = tables,
                                  .max_signers = bytes == 0 ? 0 : 2 * setup.max_signers,
                                  .readers = setup.workers,
                                  .grace = setup.quiescence});
  return known;
}

bool KnownSigners::turn(std::uint64_t now_ns, std::uint64_t budget_us) {
  const std::uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1'000'000 * budget_us;
  do {
    if (!pool_->step(now_ns / 1'000'000)) return false;
  } while (rte_rdtsc() < end);
  return true;
}

void KnownSigners::publish(wire::shm::DataplaneStatus& status) const noexcept {
  const crypto::KeyTableStatistics& now = pool_->statistics();
  const auto set = [](std::atomic<std::uint64_t>& to, std::uint64_t value) {
    to.store(value, std::memory_order_relaxed);
  };
  set(status.table_bytes, now.capacity_bytes);
  set(status.table_bytes_used, now.used_bytes);
  set(status.tables, now.tables);
  set(status.table_builds, now.builds);
  set(status.table_evictions, now.evictions);
  set(status.table_builds_abandoned, now.abandoned);
  status.table_huge_pages.store(memory_->is_huge ? 1 : 0, std::memory_order_relaxed);
}

}  // namespace dataplane
