// SPDX-License-Identifier: Apache-2.0
// What the operator's API says of secure links, and the wish for new keys.

#pragma once

#include <string>

#include "controlplane/admin/http_server.h"
#include "controlplane/control_plane.h"

namespace controlplane::admin {

/// GET /v1/links: a row for each link of the configuration.
[[nodiscard]] HttpResponse describe_links(const ControlPlane& plane, const overlay::Now& now);

/// POST /v1/rekey {"peer": name or Node-ID}, or {} for all: asks for new handshakes on the secure
/// links meant; a TLS link is called if it has no connection. Answers with their slots and the
/// numbers of the keys they have until then.
[[nodiscard]] HttpResponse ask_for_keys(ControlPlane& plane, const std::string& body);

}  // namespace controlplane::admin
