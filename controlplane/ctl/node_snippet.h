// SPDX-License-Identifier: Apache-2.0
// What an enrolled node's node.toml says of its overlay and its identity.

#pragma once

#include <string>

#include "controlplane/configuration/document.h"
#include "controlplane/ctl/enrolled_files.h"

namespace controlplane::ctl {

/// The sections [overlay] and [[identity]]. With [node], [dataplane] and ports added it is a whole
/// node.toml (docs/reference/node.toml). Values of the document that node.toml does not take are
/// left out with a comment.
[[nodiscard]] std::string node_snippet(const EnrolledPaths& paths,
                                       const configuration::OverlayConfiguration& configuration);

}  // namespace controlplane::ctl
