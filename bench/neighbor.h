// SPDX-License-Identifier: Apache-2.0
// The second process of two_process_bench: sends data frames as fast as the port takes them and
// throws away what comes back.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/feeder.h"

namespace bench {

/// The frames of a run, from the node's process to the neighbour's.
void write_frames(const std::filesystem::path& path, const std::vector<Bytes>& frames);

struct NeighborSetting {
  std::string device;  ///< the other end of the node's port
  std::filesystem::path frames;
  bool own_transactions = false;  ///< another transaction ID for each message
};

/// Runs until SIGTERM, the death of the process that started it, or kNeighborPatienceS. Returns an
/// exit status. The EAL must be up.
int run_neighbor(const NeighborSetting& setting);

constexpr unsigned kNeighborPatienceS = 30;

}  // namespace bench
