// SPDX-License-Identifier: Apache-2.0
// The OpenMetrics text of one node: what its lcores, links and control plane count.

#pragma once

#include <string>

#include "controlplane/control_plane.h"

namespace controlplane::admin {

/// Reads the shared counters as they stand; costs some 100 us, on the control plane's thread.
[[nodiscard]] std::string open_metrics(const ControlPlane& plane);

}  // namespace controlplane::admin
