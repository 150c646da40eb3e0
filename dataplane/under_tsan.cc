// SPDX-License-Identifier: Apache-2.0
#include "dataplane/under_tsan.h"

#include <rte_ethdev.h>

#include <array>

// Reports of what the libraries do themselves would be of copies in rte_hash and the like, which
// atomics order that the sanitizer does not see either.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

namespace dataplane::under_tsan {
namespace {

struct PoolCalls {
  rte_mempool_enqueue_t enqueue = nullptr;
  rte_mempool_dequeue_t dequeue = nullptr;
};
std::array<PoolCalls, RTE_MEMPOOL_MAX_OPS_IDX> library;  // by rte_mempool::ops_index

int put(rte_mempool* pool, void* const* objects, unsigned count) {
  for (unsigned i = 0; i < count; ++i) given(objects[i]);
  return library[static_cast<unsigned>(pool->ops_index)].enqueue(pool, objects, count);
}

int get(rte_mempool* pool, void** objects, unsigned count) {
  const int error = library[static_cast<unsigned>(pool->ops_index)].dequeue(pool, objects, count);
  for (unsigned i = 0; error == 0 && i < count; ++i) taken(objects[i]);
  return error;
}

std::uint16_t received(std::uint16_t, std::uint16_t, rte_mbuf** mbufs, std::uint16_t count,
                       std::uint16_t, void*) {
  for (unsigned i = 0; i < count; ++i) taken(mbufs[i]);
  return count;
}

std::uint16_t sending(std::uint16_t, std::uint16_t, rte_mbuf** mbufs, std::uint16_t count, void*) {
  for (unsigned i = 0; i < count; ++i) given(mbufs[i]);
  return count;
}

}  // namespace

void watch(rte_mempool* pool) noexcept {
  rte_mempool_ops* const calls = rte_mempool_get_ops(pool->ops_index);
  if (calls->enqueue == put) return;
  library[static_cast<unsigned>(pool->ops_index)] = {calls->enqueue, calls->dequeue};
  calls->enqueue = put;
  calls->dequeue = get;
}

void watch(const Port& port) noexcept {
  for (std::uint16_t queue = 0; queue < port.rx_queues; ++queue) {
    rte_eth_add_rx_callback(port.id, queue, received, nullptr);
  }
  for (std::uint16_t queue = 0; queue < port.tx_queues; ++queue) {
    rte_eth_add_tx_callback(port.id, queue, sending, nullptr);
  }
}

}  // namespace dataplane::under_tsan
