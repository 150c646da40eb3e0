// SPDX-License-Identifier: Apache-2.0
// The subcommand of hopsealctl that makes members.

#pragma once

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

void add_enroll(CLI::App& app, Context& context);

}  // namespace controlplane::ctl
