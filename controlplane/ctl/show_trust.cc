// SPDX-License-Identifier: Apache-2.0
// What the control plane knows of signers and neighbours; only it can tell.

#include <algorithm>
#include <cstdio>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

std::string text_or(const nlohmann::json& entry, const char* key, const char* otherwise) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace

void show_signers(const Context& context) {
  const nlohmann::json json = ask(context, "GET", "/v1/signers");
  if (context.json) return print(json);
  TextTable table(
      {{"signer", {}}, {"state", {}}, {"algorithm", {}}, {"certificate ends", {}}, {"note", {}}});
  for (const nlohmann::json& signer : json.at("signers")) {
    const auto expires = signer.value("expires_unix_s", std::uint64_t{0});
    std::string note = text_or(signer, "why", "");
    if (signer.value("configured", false)) note = "from node.toml";
    table.add({text_or(signer, "node_id", text_or(signer, "key", "?").substr(0, 32).c_str()),
               text_or(signer, "state", "?"), text_or(signer, "algorithm", "-"), utc(expires),
               note});
  }
  if (table.empty()) {
    std::printf("No signer has been seen yet.\n");
  } else {
    table.print();
  }
  const NodeView view(context);
  std::printf("\nKnown signers: %s.\n", known_signers_text(view.region().dataplane.status).c_str());
}

void show_evidence(const Context& context) {
  const nlohmann::json json = ask(context, "GET", "/v1/evidence");
  if (context.json) return print(json);
  TextTable table({{"count", TextTable::Align::kRight},
                   {"neighbour", {}},
                   {"Node-ID", {}},
                   {"link", TextTable::Align::kRight},
                   {"class", {}},
                   {"reason", {}},
                   {"first", {}},
                   {"last", {}},
                   {"a transaction of it", {}}});
  for (const nlohmann::json& entry : json.at("evidence")) {
    constexpr std::uint64_t kMsPerSecond = 1000;
    table.add({grouped(entry.value("count", std::uint64_t{0})), text_or(entry, "name", "-"),
               text_or(entry, "peer", "no longer a link"), std::to_string(entry.value("link", 0)),
               text_or(entry, "class", "-"), text_or(entry, "reason", "?"),
               utc(entry.value("first_unix_ms", std::uint64_t{0}) / kMsPerSecond),
               utc(entry.value("last_unix_ms", std::uint64_t{0}) / kMsPerSecond),
               text_or(entry, "transaction_id", "-")});
  }
  if (table.empty()) {
    std::printf("No evidence against anybody.\n");
    return;
  }
  table.print();
  const auto& list = json.at("evidence");
  if (std::any_of(list.begin(), list.end(),
                  [](const nlohmann::json& entry) { return !entry.value("accuses", true); })) {
    std::printf(
        "\nrecord_forged accuses nobody: somebody on the path, or with a forged source address, "
        "sends records in the neighbour's name.\n");
  }
}

}  // namespace controlplane::ctl
