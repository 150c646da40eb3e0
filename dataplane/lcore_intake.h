// SPDX-License-Identifier: Apache-2.0
// Where a worker's packets come from besides its RX queues.

#pragma once

#include <cstdint>

#include "dataplane/lcore_context.h"

namespace dataplane {

/// Takes what the control plane sends down, at most kInjectedPerTurn records: messages it wants
/// sent go into @p burst, messages of virtual links into lcore.from_streams, both of which must be
/// empty; datagrams go to their links. A record that names a link which this worker does not own,
/// which speaks another protocol, or whose slot has another node by now, is dropped as link_down.
/// Counts injected.
void take_injected(LcoreContext& lcore, Burst& burst) noexcept;
inline constexpr unsigned kInjectedPerTurn = 32;

/// Takes up to a burst of what worker @p other gave, into given_link_receive, given_link_send and
/// given_neighbor, which must be empty; complete frames go straight to the TX queues. Counts
/// handed_in.
void take_given(LcoreContext& lcore, std::uint32_t other) noexcept;

/// Worker 0: gives ARP and ND packets to the resolver.
void meet_neighbors(LcoreContext& lcore, Burst& burst) noexcept;

}  // namespace dataplane
