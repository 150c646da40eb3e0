// SPDX-License-Identifier: Apache-2.0
// What `hopsealctl show` can show. Each function prints one table, or one JSON document.

#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "controlplane/ctl/commands.h"
#include "wire/shm/region.h"

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
void show_verify(const Context& context);
void show_signers(const Context& context);
void show_evidence(const Context& context);
void show_overlay(const Context& context);
void show_neighbors(const Context& context);
void show_fingers(const Context& context);
void show_transactions(const Context& context);
void show_certificates(const Context& context);
void show_configuration(const Context& context);

/// Prints @p document on one line.
void print(const Document& document);
/// "12 with tables, 1.5 of 63.9 MiB in huge pages; 14 built, 2 evicted"
[[nodiscard]] std::string known_signers_text(const wire::shm::DataplaneStatus& status);

}  // namespace controlplane::ctl
