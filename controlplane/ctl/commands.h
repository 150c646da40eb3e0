// SPDX-License-Identifier: Apache-2.0
// The subcommands of hopsealctl. Each adds itself to the CLI and runs in its callback.

#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace controlplane::ctl {

/// What every command shares. Filled by main before a callback runs.
struct Context {
  std::string config_file;        ///< --config
  std::string runtime_directory;  ///< --runtime-directory; from the config file when not given
  bool json = false;              ///< --json
  int exit_status = 0;            ///< what main returns

  /// runtime_directory/region and runtime_directory/control.sock. Throws CLI::RuntimeError after
  /// printing what to pass when neither option was given.
  [[nodiscard]] std::string region_path() const;
  [[nodiscard]] std::string admin_path() const;
};

void add_show(CLI::App& app, Context& context);  // show links|routes|signers|drops|...
void add_trace(CLI::App& app, Context& context);
void add_capture(CLI::App& app, Context& context);
void add_ping(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);  // lab init
void add_decode(CLI::App& app, Context& context);

}  // namespace controlplane::ctl
