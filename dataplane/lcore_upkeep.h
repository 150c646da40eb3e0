// SPDX-License-Identifier: Apache-2.0
// What stands around the stages in every turn of a worker's loop.

#pragma once

#include "dataplane/lcore_context.h"

namespace dataplane {

/// Reads the clocks and pins the published tables for this turn.
void begin_turn(LcoreContext& lcore) noexcept;

/// Serves links whose window opened, runs the timers about every kHousekeepingUs, sends and frees
/// what the turn collected, settles the ledger, reports quiescence. Returns LcoreContext::worked.
unsigned end_turn(LcoreContext& lcore) noexcept;
inline constexpr std::uint64_t kHousekeepingUs = 1000;

}  // namespace dataplane
