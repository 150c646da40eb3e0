// SPDX-License-Identifier: Apache-2.0
#include "dataplane/lcore_upkeep.h"

#include <time.h>

#include "dataplane/lcore_loop.h"
#include "dataplane/stages/drop.h"

namespace dataplane {
namespace {

using wire::shm::DropReason;
using wire::shm::Stage;

/// Sets the gauges. Only when nothing of this lcore is on its way: all its packets are counted out
/// at a door or are among those held.
void settle_ledger(LcoreContext& l) noexcept {
  l.counters.held.set(l.links->held() + l.verify->held());
  l.counters.unaccounted.set(static_cast<std::uint64_t>(wire::shm::ledger_difference(l.counters)));
}

void run_timers(LcoreContext& l) noexcept {
  l.next_housekeeping_tsc = l.turn.tsc + l.around.tsc_hz / 1'000'000 * kHousekeepingUs;
  l.links->housekeep(*l.policy, l.turn.tsc);
  if (l.resolver) l.resolver->tick(l.turn.tsc);
  l.tracer.refresh();
  l.capture.refresh();
  l.verify->publish(l.counters);
}

}  // namespace

void begin_turn(LcoreContext& l) noexcept {
  l.worked = 0;
  l.turn.tsc = l.clock.start();
  if (l.turn.tsc >= l.next_wall_clock_tsc) {
    l.next_wall_clock_tsc = l.turn.tsc + l.around.tsc_hz / 4;
    l.turn.unix_s = static_cast<std::uint64_t>(::time(nullptr));
  }
  l.routes = &l.route_reader.pin();
  l.policy = &l.policy_reader.pin();
  l.links->begin_turn(l.turn.tsc);
}

unsigned end_turn(LcoreContext& l) noexcept {
  l.links->serve_ready(*l.policy, l.turn.tsc);
  const bool due = l.turn.tsc >= l.next_housekeeping_tsc;
  if (due) {
    run_timers(l);
    l.clock.lap(Stage::kHousekeeping, 0);
  }
  l.links->flush_records();
  if (const unsigned sent = l.transmit.flush(); sent != 0) l.clock.lap(Stage::kTransmit, sent);
  if (const unsigned freed = l.doors.flush(); freed != 0) l.clock.lap(Stage::kDrop, freed);
  if (due) settle_ledger(l);
  if (l.worked != 0) l.counters.busy_cycles.add(l.clock.last() - l.turn.tsc);
  l.around.quiescence.report(l.worker);
  return l.worked;
}

void empty_lcore(LcoreContext& l) noexcept {
  begin_turn(l);
  condemn_all(*l.verify, DropReason::kShutdown);
  while (release_for_route(l.burst, *l.verify) != 0) {
    for (std::uint64_t left = l.burst.live; left != 0; left &= left - 1) {
      l.burst.drop(static_cast<unsigned>(std::countr_zero(left)), DropReason::kShutdown);
    }
    drop(l.burst, l.doors);
  }
  l.links->close_all(DropReason::kShutdown);
  l.transmit.flush();
  for (std::uint32_t other = 0; other < l.around.workers; ++other) {
    if (other == l.worker) continue;
    std::array<rte_mbuf*, kBurstSize> mbufs;
    while (const unsigned count = l.around.hand_off.take(l.worker, other, mbufs)) {
      for (unsigned i = 0; i < count; ++i) {
        l.counters.handed_in.add(context_of(mbufs[i]).unledgered ? 0 : 1);
        l.doors.drop(mbufs[i], DropReason::kShutdown);
      }
    }
  }
  l.doors.flush();
  l.verify->publish(l.counters);
  settle_ledger(l);
  l.around.quiescence.report(l.worker);
}

}  // namespace dataplane
