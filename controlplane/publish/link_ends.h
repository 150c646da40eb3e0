// SPDX-License-Identifier: Apache-2.0
// Which of this node's own addresses a link begins at.

#pragma once

#include <optional>
#include <vector>

#include "config/node_config.h"
#include "controlplane/overlay/io.h"
#include "wire/shm/commands.h"

namespace controlplane::publish {

/// A DTLS link to @p remote but for slot, generation, class and peer: by the port that has its
/// network, or else by the first one with a gateway for its family. nullopt when there is neither.
[[nodiscard]] std::optional<wire::shm::LinkRecord> link_to(const config::Dataplane& dataplane,
                                                           const wire::shm::Endpoint& remote);

/// The same for a link that begins at @p local; nullopt when no port has that address.
[[nodiscard]] std::optional<wire::shm::LinkRecord> link_between(const config::Dataplane& dataplane,
                                                                const wire::shm::Endpoint& local,
                                                                const wire::shm::Endpoint& remote);

/// Where this node's dataplane can be called: every address of its ports, with the service port.
[[nodiscard]] std::vector<overlay::LinkAddress> own_addresses(const config::Dataplane& dataplane);

}  // namespace controlplane::publish
