// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/counters.h"

namespace wire::shm {

std::int64_t ledger_difference(const LcoreCounters& counters) noexcept {
  const std::uint64_t in =
      counters.received.get() + counters.injected.get() + counters.handed_in.get();
  std::uint64_t out = counters.transmitted.get() + counters.delivered.get() +
                      counters.punted.get() + counters.absorbed.get() + counters.handed_out.get() +
                      counters.held.get();
  for (const Counter& drop : counters.drops) out += drop.get();
  return static_cast<std::int64_t>(in - out);
}

}  // namespace wire::shm
