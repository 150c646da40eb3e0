// SPDX-License-Identifier: Apache-2.0
// Ctrl-C for commands that must put something back before they end.

#pragma once

namespace controlplane::ctl {

/// From now on SIGINT and SIGTERM only set a flag.
void catch_interrupts();
[[nodiscard]] bool interrupted() noexcept;

}  // namespace controlplane::ctl
