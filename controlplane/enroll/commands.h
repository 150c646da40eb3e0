// SPDX-License-Identifier: Apache-2.0
// The subcommands of hopseal-enroll.

#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "config/enroll_config.h"
#include "controlplane/enroll/store.h"

namespace controlplane::enroll {

struct Context {
  std::string config_file;
  bool json = false;
  int exit_status = 0;

  /// The checked configuration. Prints what is wrong and throws CLI::RuntimeError(2) otherwise.
  [[nodiscard]] config::EnrollConfig config() const;
};

/// Prints "hopseal-enroll: <text>" and ends the program with status 1.
[[noreturn]] void fail(const std::string& text);

void add_serve(CLI::App& app, Context& context);  // serve, check
void add_user(CLI::App& app, Context& context);
void add_certificate(CLI::App& app, Context& context);  // certificate list|revoke, audit

/// "2026-11-28T02:10:32Z"
[[nodiscard]] std::string utc_text(std::int64_t unix_s);

}  // namespace controlplane::enroll
