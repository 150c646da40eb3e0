// SPDX-License-Identifier: Apache-2.0
// A thread that may run on any CPU. The EAL pins the main thread, and what it starts inherits that.

#pragma once

#include <pthread.h>
#include <sched.h>

#include <thread>
#include <utility>

namespace tests {

template <class Body>
[[nodiscard]] std::thread unpinned_thread(Body body) {
  return std::thread([run = std::move(body)]() mutable {
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
    pthread_setaffinity_np(pthread_self(), sizeof all, &all);
    run();
  });
}

}  // namespace tests
