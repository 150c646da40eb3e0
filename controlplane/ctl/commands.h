// SPDX-License-Identifier: Apache-2.0
// The subcommands of hopsealctl. Each adds itself to the CLI and runs in its callback.

#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "config/node_config.h"

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
  /// The file of --config, which must have been given. Throws as above when it is refused.
  [[nodiscard]] const config::NodeConfig& config() const;
  /// The name that --config gives to the peer with this Node-ID, or "".
  [[nodiscard]] std::string peer_name(const wire::reload::NodeId& id) const;

 private:
  mutable std::shared_ptr<const config::NodeConfig> loaded_;
};

/// Prints "hopsealctl: <text>" and ends the program with status 1 by a CLI::RuntimeError. The text
/// says what to do.
[[noreturn]] void fail(const std::string& text);

void add_show(CLI::App& app, Context& context);  // show links|routes|signers|drops|...
void add_trace(CLI::App& app, Context& context);
void add_capture(CLI::App& app, Context& context);
void add_ping(CLI::App& app, Context& context);
void add_rekey(CLI::App& app, Context& context);
void add_membership(CLI::App& app, Context& context);  // join, leave, drain
void add_probe(CLI::App& app, Context& context);
void add_route(CLI::App& app, Context& context);
void add_adopt(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);      // lab init
void add_overlay(CLI::App& app, Context& context);  // overlay init|check|show|sign
void add_overlay_draw(CLI::App& overlay, Context& context);
void add_decode(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);

}  // namespace controlplane::ctl
