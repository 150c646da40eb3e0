// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/show.h"

#include <cstdio>
#include <memory>

namespace controlplane::ctl {

void print(const Document& document) { std::printf("%s\n", document.dump().c_str()); }

void add_show(CLI::App& app, Context& context) {
  CLI::App* const show = app.add_subcommand("show", "Show one side of the node");
  show->require_subcommand(1);
  const auto options = std::make_shared<ShowOptions>();
  const auto add = [&](const char* name, const char* about, auto run) {
    CLI::App* const command = show->add_subcommand(name, about);
    command->callback([run, options, &context] { run(context, *options); });
    return command;
  };
  const auto with_all = [&](CLI::App* command, const char* about) {
    command->add_flag("-a,--all", options->all, about);
  };
  add("status", "Which processes run, headless or not, and sizes",
      [](const Context& node, const ShowOptions&) { show_status(node); });
  with_all(
      add("links",
          "Each link: state, traffic, round-trip time, window; its cipher, keys and handshakes",
          show_links),
      "Also links that are absent");
  add("routes", "Connection Table and Routing Table as published",
      [](const Context& node, const ShowOptions&) { show_routes(node); });
  with_all(add("drops", "What was dropped, by reason", show_drops), "Also reasons that are zero");
  with_all(add("lcores", "What each lcore counted, and its ledger", show_lcores),
           "Also counters that are zero");
  with_all(add("stages", "Packets and TSC cycles of each stage", show_stages),
           "Also stages nothing came to");
  add("verify", "Signature checks: policy, kernel, known signers, lanes",
      [](const Context& node, const ShowOptions&) { show_verify(node); });
  add("signers", "Signers whose certificates were checked or refused (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_signers(node); });
  add("evidence", "What neighbours did that they should not have (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_evidence(node); });
  add("transactions", "Open requests of this node, and running Pings (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_transactions(node); });
  add("certificates", "The certificates of --config: whose, how long, whether the roots vouch",
      [](const Context& node, const ShowOptions&) { show_certificates(node); });
  add("overlay", "Membership and Neighbor Table of CHORD-RELOAD (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_overlay(node); });
  add("neighbors", "Neighbor Table of CHORD-RELOAD alone (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_neighbors(node); });
  add("fingers", "Finger Table of CHORD-RELOAD (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_fingers(node); });
  add("config", "The configuration document in force (asks the control plane)",
      [](const Context& node, const ShowOptions&) { show_configuration(node); });
}

}  // namespace controlplane::ctl
