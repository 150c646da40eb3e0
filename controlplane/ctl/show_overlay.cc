// SPDX-License-Identifier: Apache-2.0
// What the overlay's algorithm knows; only the control plane can tell.

#include <cstdio>
#include <string>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

void add_side(TextTable& table, const nlohmann::json& side, const char* name) {
  unsigned distance = 0;
  for (const nlohmann::json& neighbor : side) {
    const auto age = neighbor.find("table_age_s");
    const auto slot = neighbor.find("slot");
    table.add(
        {name + std::string(" ") + std::to_string(++distance),
         neighbor.at("node_id").get<std::string>(), slot == neighbor.end() ? "-" : slot->dump(),
         neighbor.at("ready").get<bool>() ? "yes" : "not yet",
         age == neighbor.end() ? "-" : std::to_string(static_cast<long>(age->get<double>()))});
  }
}

bool is_static(const nlohmann::json& overlay) {
  if (overlay.at("topology") != "static") return false;
  std::printf("The topology of this node is static: see hopsealctl show links.\n");
  return true;
}

}  // namespace

void show_overlay(const Context& context) {
  const nlohmann::json overlay = ask(context, "GET", "/v1/overlay");
  if (context.json) return print(overlay);
  if (is_static(overlay)) return;
  std::printf("%s in %s: %s, %s links\n\n", overlay.at("node_id").get<std::string>().c_str(),
              overlay.at("overlay").get<std::string>().c_str(),
              overlay.at("membership").get<std::string>().c_str(),
              overlay.at("links").dump().c_str());
  TextTable table({{"neighbour", {}},
                   {"Node-ID", {}},
                   {"link", TextTable::Align::kRight},
                   {"routed through", {}},
                   {"heard s ago", TextTable::Align::kRight}});
  add_side(table, overlay.at("predecessors"), "predecessor");
  add_side(table, overlay.at("successors"), "successor");
  if (table.empty()) {
    std::printf("No neighbours.\n");
  } else {
    table.print();
  }
}

void show_fingers(const Context& context) {
  const nlohmann::json overlay = ask(context, "GET", "/v1/overlay");
  if (context.json) return print(overlay.value("fingers", nlohmann::json::array()));
  if (is_static(overlay)) return;
  TextTable table(
      {{"finger", TextTable::Align::kRight}, {"begins at", {}}, {"Node-ID", {}}, {"note", {}}});
  for (const nlohmann::json& finger : overlay.at("fingers")) {
    const nlohmann::json& peer = finger.at("node_id");
    const bool stands_in = peer.is_string() && !finger.at("valid").get<bool>();
    table.add({finger.at("index").dump(), finger.at("start").get<std::string>(),
               peer.is_string() ? peer.get<std::string>() : "-",
               stands_in ? "stands in for a lost one" : ""});
  }
  if (table.empty()) {
    std::printf("No fingers.\n");
  } else {
    table.print();
  }
}

}  // namespace controlplane::ctl
