// SPDX-License-Identifier: Apache-2.0
// hopsealctl join and leave: this node becomes a peer of its overlay, or stops being one.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/interrupts.h"
#include "controlplane/ctl/show.h"

namespace controlplane::ctl {
namespace {

struct MembershipOptions {
  bool first = false;
  double wait_s = 60;
};

constexpr auto kPollPause = std::chrono::milliseconds(100);

/// Waits until the node is what was wished.
void change(Context& context, const char* wish, std::initializer_list<std::string_view> goals,
            double wait_s) {
  (void)ask(context, "POST", "/v1/membership", {{"wish", wish}});
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double>(wait_s));
  catch_interrupts();
  std::string membership;
  const auto is_done = [&] { return std::ranges::find(goals, membership) != goals.end(); };
  for (;;) {
    membership = ask(context, "GET", "/v1/overlay").at("membership").get<std::string>();
    if (is_done() || interrupted() || std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(kPollPause);
  }
  const bool done = is_done();
  context.exit_status = done ? 0 : 1;
  if (context.json) return print({{"membership", membership}, {"done", done}});
  std::printf("%s%s\n", membership.c_str(),
              done ? "" : ": not done yet; the node goes on, see hopsealctl show overlay");
}

void add_wait(CLI::App& command, MembershipOptions& options) {
  command.add_option("--wait", options.wait_s, "Seconds to wait until it is done")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
}

}  // namespace

void add_membership(CLI::App& app, Context& context) {
  const auto options = std::make_shared<MembershipOptions>();
  CLI::App* const join = app.add_subcommand(
      "join",
      "Become a peer of the overlay, or a client if that is the node's role, by way of a bootstrap "
      "node; ends when it is one");
  join->add_flag("--first", options->first,
                 "Take the whole ring instead: for the first node of an overlay. A second one that "
                 "does this begins another ring");
  add_wait(*join, *options);
  join->callback([options, &context] {
    change(context, options->first ? "first" : "join", {"member", "client"}, options->wait_s);
  });
  CLI::App* const leave = app.add_subcommand(
      "leave", "Leave the overlay in good order: all peers are told; ends when they know");
  add_wait(*leave, *options);
  leave->callback([options, &context] { change(context, "leave", {"left"}, options->wait_s); });
}

}  // namespace controlplane::ctl
