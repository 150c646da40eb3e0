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

void print_neighbors(const nlohmann::json& overlay) {
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

}  // namespace

void show_overlay(const Context& context) {
  const nlohmann::json overlay = ask(context, "GET", "/v1/overlay");
  if (context.json) return print(overlay);
  if (is_static(overlay)) return;
  std::printf("%s in %s: %s, %s links\n\n", overlay.at("node_id").get<std::string>().c_str(),
              overlay.at("overlay").get<std::string>().c_str(),
              overlay.at("membership").get<std::string>().c_str(),
              overlay.at("links").dump().c_str());
  print_neighbors(overlay);
}

void show_neighbors(const Context& context) {
  const nlohmann::json overlay = ask(context, "GET", "/v1/overlay");
  if (context.json) {
    const auto none = nlohmann::json::array();
    return print({{"predecessors", overlay.value("predecessors", none)},
                  {"successors", overlay.value("successors", none)}});
  }
  if (!is_static(overlay)) print_neighbors(overlay);
}

void show_transactions(const Context& context) {
  const nlohmann::json answer = ask(context, "GET", "/v1/transactions");
  if (context.json) return print(answer);
  const auto number = [&answer](const char* key) {
    return grouped(answer.at(key).get<std::uint64_t>());
  };
  std::printf("%s open of %s, each sent up to %s times, the first time again after %s ms.\n",
              number("open").c_str(), number("limit").c_str(), number("sends").c_str(),
              number("timer_ms").c_str());
  TextTable table({{"ping", TextTable::Align::kRight},
                   {"to send", TextTable::Align::kRight},
                   {"sent", TextTable::Align::kRight},
                   {"open", TextTable::Align::kRight}});
  std::uint64_t row = 0;
  for (const nlohmann::json& ping : answer.at("pings")) {
    const auto cell = [&ping](const char* key) {
      return grouped(ping.at(key).get<std::uint64_t>());
    };
    table.add({std::to_string(++row), cell("count"), cell("sent"), cell("open")});
  }
  if (!table.empty()) table.print();
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
