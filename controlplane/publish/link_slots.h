// SPDX-License-Identifier: Apache-2.0
// Which slot and generation each configured peer's link has (requirements B-29 to B-31).

#pragma once

#include <span>
#include <vector>

#include "config/node_config.h"
#include "controlplane/overlay/io.h"
#include "wire/shm/commands.h"
#include "wire/shm/link_status.h"

namespace controlplane::publish {

/// One record per peer, in the order of the configuration.
///
/// Opaque IDs in messages that are under way name slot and generation, so a peer the dataplane
/// already has keeps both. Another peer gets the slot of its position in the file, or else the
/// lowest free one; the generation is random in a slot that was empty and one up in a slot that had
/// another node.
///
/// @param status  what the dataplane says of its links; all absent when it has not started
/// @pre   the configuration passed its own checks: ports exist and carry the peers' families
[[nodiscard]] std::vector<wire::shm::LinkRecord> assign_links(
    const config::NodeConfig& config, std::span<const wire::shm::LinkStatus> status,
    const overlay::RandomSource& random);

}  // namespace controlplane::publish
