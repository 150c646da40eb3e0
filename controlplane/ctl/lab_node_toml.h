// SPDX-License-Identifier: Apache-2.0
// The node.toml of a laboratory's node.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/ctl/lab_plan.h"

namespace controlplane::ctl {

inline constexpr std::uint16_t kLabServicePort = 6084;  ///< RFC 6940 section 14.2

/// @param identities  names; each has NAME.pem and NAME-key.pem beside node.toml, ca.pem is above
[[nodiscard]] std::string lab_node_toml(const LabRequest& request, const LabPlan& plan,
                                        std::size_t index,
                                        const std::vector<std::string>& identities,
                                        const std::string& runtime_directory);

}  // namespace controlplane::ctl
