// SPDX-License-Identifier: Apache-2.0
// Identities without public-key work: a simulated overlay has thousands of nodes, and what their
// signatures are worth is tested elsewhere. The "certificate" of a node is its Node-ID; everybody
// believes it. Message formats are the real ones.

#pragma once

#include "controlplane/overlay/settings.h"
#include "controlplane/trust/signer_directory.h"

namespace tests::simulation {

[[nodiscard]] controlplane::overlay::SigningName identity_of(const wire::reload::NodeId& id);

/// Accepts every certificate that identity_of() makes and nothing else.
[[nodiscard]] controlplane::trust::JudgeSigner believing_judge();

}  // namespace tests::simulation
