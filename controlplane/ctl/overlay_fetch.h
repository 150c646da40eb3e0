// SPDX-License-Identifier: Apache-2.0
// A subcommand of `hopsealctl overlay`.

#pragma once

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

/// Adds `fetch` to the command `overlay`.
void add_overlay_fetch(CLI::App& overlay, Context& context);

}  // namespace controlplane::ctl
