// SPDX-License-Identifier: Apache-2.0
// hopsealctl join, leave and drain: this node becomes a peer of its overlay, or stops being one.

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
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"

namespace controlplane::ctl {
namespace {

struct MembershipOptions {
  bool first = false;
  double wait_s = 60;
};

constexpr auto kPollPause = std::chrono::milliseconds(100);

std::chrono::steady_clock::time_point deadline_in(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(seconds));
}

/// Waits until the node is what was wished.
void change(Context& context, const char* wish, std::initializer_list<std::string_view> goals,
            double wait_s) {
  (void)ask(context, "POST", "/v1/membership", {{"wish", wish}});
  const auto end = deadline_in(wait_s);
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

/// Nothing waits in the dataplane, and no request of the node is open.
bool is_idle(const Context& context) {
  const NodeView view(context);
  std::uint64_t held = 0;
  for (std::size_t lcore = 0; lcore < view.lcore_count(); ++lcore) {
    held += view.region().dataplane.counters[lcore].held.get();
  }
  return held == 0 && ask(context, "GET", "/v1/transactions").at("open") == 0;
}

/// Leaves, and waits until the node can be stopped without anything being lost.
void drain(Context& context, double wait_s) {
  const nlohmann::json before = ask(context, "GET", "/v1/overlay");
  if (before.at("topology") == "static") {
    fail(
        "drain: the topology of this node is static; its peers route through it as long as it "
        "runs");
  }
  const std::string membership = before.at("membership").get<std::string>();
  const bool is_out = membership == "left" || membership == "outside";
  if (!is_out && membership != "leaving") {
    (void)ask(context, "POST", "/v1/membership", {{"wish", "leave"}});
  }
  const auto end = deadline_in(wait_s);
  catch_interrupts();
  bool done = false;
  std::string now = membership;
  for (;;) {
    now = ask(context, "GET", "/v1/overlay").at("membership").get<std::string>();
    done = (now == "left" || now == "outside") && is_idle(context);
    if (done || interrupted() || std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(kPollPause);
  }
  context.exit_status = done ? 0 : 1;
  if (context.json) return print({{"membership", now}, {"drained", done}});
  std::printf("%s\n", done ? "drained: the node can be stopped"
                           : (now + ": not drained yet; the node goes on").c_str());
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
  CLI::App* const drain_command = app.add_subcommand(
      "drain", "Leave, and wait until nothing of this node's is under way: then stop it");
  add_wait(*drain_command, *options);
  drain_command->callback([options, &context] { drain(context, options->wait_s); });
  leave->callback([options, &context] { change(context, "leave", {"left"}, options->wait_s); });
}

}  // namespace controlplane::ctl
