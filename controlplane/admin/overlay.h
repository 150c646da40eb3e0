// SPDX-License-Identifier: Apache-2.0
// This node's place in its overlay, for the admin API. Nodes with a static topology have none.

#pragma once

#include <string>

#include "controlplane/admin/http_server.h"
#include "controlplane/control_plane.h"

namespace controlplane::admin {

/// GET /v1/overlay: membership, neighbours, fingers.
[[nodiscard]] HttpResponse describe_overlay(const ControlPlane& plane, const overlay::Now& now);

/// POST /v1/membership {"wish": "first"|"join"|"leave"}: what the node is to do; it answers at
/// once, /v1/overlay says how far that is.
[[nodiscard]] HttpResponse change_membership(ControlPlane& plane, const std::string& body);

}  // namespace controlplane::admin
