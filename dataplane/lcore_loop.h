// SPDX-License-Identifier: Apache-2.0
// The loop of a worker lcore: run to completion, from RX to TX, one burst at a time.

#pragma once

#include <atomic>

#include "dataplane/lcore_context.h"

namespace dataplane {

/// One turn: what the ports, the other lcores, the control plane and the hold tables have, taken
/// through all stages to its door. Returns packets worked on; 0 is an idle turn. Holds no pointer
/// into a shared table when it returns.
unsigned run_turn(LcoreContext& lcore) noexcept;

/// Turns until @p stop is set; rests when idle.
void run_lcore(LcoreContext& lcore, const std::atomic<bool>& stop) noexcept;

/// After the last turn of every worker, on any one thread: drops as `shutdown` what this lcore
/// holds and what others gave it. The ledger is even afterwards.
void empty_lcore(LcoreContext& lcore) noexcept;

}  // namespace dataplane
