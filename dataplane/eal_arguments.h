// SPDX-License-Identifier: Apache-2.0
// What the EAL is started with, derived from node.toml.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/node_config.h"

namespace dataplane {

/// What of the machine the arguments depend on; tests pass their own.
struct Machine {
  std::vector<std::uint32_t> cpus;  ///< this process may run on
  std::uint64_t free_hugepage_bytes = 0;
};
[[nodiscard]] Machine this_machine();

/// The argument vector for rte_eal_init, program name first.
///
/// Lcore 0 is the main lcore, lcore i + 1 is worker i. Without dataplane.cpus no thread is pinned:
/// every lcore may run on every CPU of @p machine. Ports are not among the arguments, because a
/// virtual device that fails to start does not fail rte_eal_init; open_port() adds them afterwards.
///
/// @param extra  EAL arguments from the command line; they come last, so they win
[[nodiscard]] std::vector<std::string> eal_arguments(const config::NodeConfig& config,
                                                     const Machine& machine,
                                                     std::span<const std::string> extra);

/// "0000:3b:00.1" and the like: a device on the PCI bus.
[[nodiscard]] bool is_pci_address(const std::string& device) noexcept;

}  // namespace dataplane
