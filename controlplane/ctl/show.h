// SPDX-License-Identifier: Apache-2.0
// What `hopsealctl show` can show. Each function prints one table, or one JSON document.

#pragma once

#include <nlohmann/json.hpp>

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

/// JSON keeps the order of the table.
using Document = nlohmann::ordered_json;

struct ShowOptions {
  bool all = false;  ///< rows that are zero too
};

void show_status(const Context& context);
void show_links(const Context& context, const ShowOptions& options);
void show_routes(const Context& context);
void show_drops(const Context& context, const ShowOptions& options);
void show_lcores(const Context& context, const ShowOptions& options);
void show_stages(const Context& context, const ShowOptions& options);
void show_signers(const Context& context);
void show_evidence(const Context& context);

/// Prints @p document on one line.
void print(const Document& document);

}  // namespace controlplane::ctl
