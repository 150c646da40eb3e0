// SPDX-License-Identifier: Apache-2.0
// hopsealctl rekey: new keys for secure links, by new handshakes. The old keys serve until then.

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/interrupts.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

struct RekeyOptions {
  std::string peer;
  double wait_s = 10;
};

constexpr auto kPollPause = std::chrono::milliseconds(50);

/// Rows of /v1/links by slot.
std::map<int, nlohmann::json> links_by_slot(const Context& context) {
  std::map<int, nlohmann::json> rows;
  const nlohmann::json answer = ask(context, "GET", "/v1/links");
  for (const nlohmann::json& row : answer.at("links")) {
    rows[row.at("slot").get<int>()] = row;
  }
  return rows;
}

/// True when the link has other keys than when they were asked for.
bool has_new_keys(const nlohmann::json& asked, const nlohmann::json& now) {
  const auto association = now.value("association", std::uint64_t{0});
  return association != 0 && association != asked.at("association").get<std::uint64_t>();
}

void rekey(Context& context, const RekeyOptions& options) {
  nlohmann::json body = nlohmann::json::object();
  if (!options.peer.empty()) body["peer"] = options.peer;
  const nlohmann::json asked = ask(context, "POST", "/v1/rekey", body).at("asked");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double>(options.wait_s));
  catch_interrupts();
  std::map<int, nlohmann::json> rows;
  bool all_new = false;
  while (!all_new && !interrupted()) {
    rows = links_by_slot(context);
    all_new = true;
    for (const nlohmann::json& link : asked) {
      all_new = all_new && has_new_keys(link, rows[link.at("slot").get<int>()]);
    }
    if (all_new || std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(kPollPause);
  }
  Document report = Document::array();
  TextTable table({{"peer", {}},
                   {"keys before", TextTable::Align::kRight},
                   {"keys now", TextTable::Align::kRight},
                   {"cipher", {}},
                   {"note", {}}});
  for (const nlohmann::json& link : asked) {
    const nlohmann::json& now = rows[link.at("slot").get<int>()];
    const bool is_new = has_new_keys(link, now);
    const auto cipher = now.value("cipher", nlohmann::json());
    const auto failure = now.value("last_failure", nlohmann::json());
    std::string note;
    if (!is_new) {
      note = failure.is_object() ? failure.value("sentence", "") : "no new keys in time";
    }
    report.push_back({{"name", link.at("name")},
                      {"association_before", link.at("association")},
                      {"association", now.value("association", std::uint64_t{0})},
                      {"renewed", is_new}});
    table.add({link.at("name").get<std::string>(), link.at("association").dump(),
               std::to_string(now.value("association", std::uint64_t{0})),
               cipher.is_string() ? cipher.get<std::string>() : "-", note});
  }
  context.exit_status = all_new ? 0 : 1;
  if (context.json) return print({{"links", report}});
  table.print();
}

}  // namespace

void add_rekey(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "rekey", "Make new keys for one secure link, or for all; ends when they are there");
  const auto options = std::make_shared<RekeyOptions>();
  command->add_option("peer", options->peer, "A peer's name or Node-ID; without it all DTLS links")
      ->type_name("PEER");
  command->add_option("--wait", options->wait_s, "Seconds to wait for the new keys")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
  command->callback([options, &context] { rekey(context, *options); });
}

}  // namespace controlplane::ctl
