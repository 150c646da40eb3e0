// SPDX-License-Identifier: Apache-2.0
// Bringing an ethdev port up and down.

#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <string>

#include "config/node_config.h"
#include "dataplane/port_table.h"

namespace dataplane {

/// Attaches @p wanted.device unless the EAL has it already, configures its queues, starts it and
/// fills @p port. Returns what went wrong, in words for the operator; empty when all is well.
///
/// Queues: RX as many as the device was made with, or as there are @p workers where it makes them
/// on demand, with RSS where it has that; TX one per worker as far as it goes.
[[nodiscard]] std::string open_port(const config::Port& wanted, std::uint32_t workers,
                                    rte_mempool* pool, Port& port);

/// Stops and detaches. Frames the PMD still holds go back to their pool.
void close_port(const config::Port& wanted, const Port& port) noexcept;

}  // namespace dataplane
