// SPDX-License-Identifier: Apache-2.0
// What ThreadSanitizer must be told of DPDK. The libraries carry no instrumentation: when two
// threads pass an mbuf through a ring inside them, the sanitizer sees all they do to the mbuf and
// nothing of the ring that keeps them in order. Without the sanitizer everything here is empty.

#pragma once

#include <rte_mempool.h>

#include "dataplane/port_table.h"

#ifdef HOPSEAL_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace dataplane::under_tsan {

#ifdef HOPSEAL_TSAN
/// Whoever takes @p object next sees all that was done before; taken() is the other half.
inline void given(void* object) noexcept { __tsan_release(object); }
inline void taken(void* object) noexcept { __tsan_acquire(object); }

/// Objects that go back to @p pool, or to one of its kind, on one thread and come out on another.
void watch(rte_mempool* pool) noexcept;
/// Frames between a port and a thread at the other end of it (net_ring). After the port started.
void watch(const Port& port) noexcept;
#else
inline void given(void*) noexcept {}
inline void taken(void*) noexcept {}
inline void watch(rte_mempool*) noexcept {}
inline void watch(const Port&) noexcept {}
#endif

}  // namespace dataplane::under_tsan
