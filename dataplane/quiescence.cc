// SPDX-License-Identifier: Apache-2.0
#include "dataplane/quiescence.h"

#include <rte_malloc.h>

#include "wire/shm/layout.h"

namespace dataplane {

std::unique_ptr<Quiescence> Quiescence::create(std::uint32_t workers) {
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(wire::shm::kMaxLcores);
  auto* qsbr = static_cast<rte_rcu_qsbr*>(rte_zmalloc("quiescence", bytes, RTE_CACHE_LINE_SIZE));
  if (qsbr == nullptr) return nullptr;
  bool ready = rte_rcu_qsbr_init(qsbr, wire::shm::kMaxLcores) == 0;
  for (std::uint32_t worker = 0; ready && worker < workers; ++worker) {
    ready = rte_rcu_qsbr_thread_register(qsbr, worker) == 0;
  }
  if (!ready) {
    rte_free(qsbr);
    return nullptr;
  }
  return std::unique_ptr<Quiescence>(new Quiescence(qsbr));
}

Quiescence::~Quiescence() { rte_free(qsbr_); }

void Quiescence::online(std::uint32_t worker) noexcept {
  rte_rcu_qsbr_thread_online(qsbr_, worker);
}

void Quiescence::offline(std::uint32_t worker) noexcept {
  rte_rcu_qsbr_thread_offline(qsbr_, worker);
}

void Quiescence::report(std::uint32_t worker) noexcept { rte_rcu_qsbr_quiescent(qsbr_, worker); }

std::uint64_t Quiescence::start() noexcept { return rte_rcu_qsbr_start(qsbr_); }

bool Quiescence::passed(std::uint64_t token) noexcept {
  return rte_rcu_qsbr_check(qsbr_, token, false) == 1;
}

}  // namespace dataplane
