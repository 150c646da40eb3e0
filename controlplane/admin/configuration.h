// SPDX-License-Identifier: Apache-2.0
// The configuration document a node follows, for the admin API.

#pragma once

#include <string>

#include "controlplane/admin/http_server.h"
#include "controlplane/control_plane.h"

namespace controlplane::admin {

/// GET /v1/configuration: sequence, expiration, bad nodes, signers. 404 when there is none.
[[nodiscard]] HttpResponse describe_configuration(const ControlPlane& plane);

/// POST /v1/configuration {"document": "<?xml ..."}: a newer one, which is judged like one that a
/// ConfigUpdate brings, and if it is good, told to all nodes this one has links to.
[[nodiscard]] HttpResponse adopt_configuration(ControlPlane& plane, const overlay::Now& now,
                                               const std::string& body);

}  // namespace controlplane::admin
