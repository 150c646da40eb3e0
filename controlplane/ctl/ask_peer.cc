// SPDX-License-Identifier: Apache-2.0
// And hopsealctl probe, which is little more than that.

#include "controlplane/ctl/ask_peer.h"

#include <cstdio>
#include <memory>
#include <string>

#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {

using nlohmann::json;

json ask_peer(const Context& context, const json& query) {
  json answer;
  const auto take = [&answer](std::string_view line) {
    answer = json::parse(line, nullptr, false);
    return true;
  };
  try {
    const AdminReply reply =
        AdminClient(context.admin_path()).stream("POST", "/v1/query", query.dump(), take);
    if (!reply.ok()) fail(reply.error());
  } catch (const AdminError& error) {
    fail(error.what());
  }
  if (!answer.is_object()) fail("the control plane broke off before there was an answer");
  return answer;
}

std::string excuse(const json& answer) {
  const std::string status = answer.value("status", "");
  const std::string text = answer.value("text", "");
  if (status == "timeout") {
    return "no answer within " + std::to_string(answer.value("rtt_us", std::uint64_t{0}) / 1000) +
           " ms";
  }
  if (status == "error") {
    return answer.value("error", "") + " from " + answer.value("responder", "") +
           (text.empty() ? "" : ": " + text);
  }
  if (status == "malformed")
    return "an answer from " + answer.value("responder", "") + " that cannot be read";
  return "not sent: " + text;
}

namespace {

struct ProbeOptions {
  std::string node;
  double timeout_s = 15;
};

void print_probe(const json& answer) {
  const auto row = [](const char* name, const std::string& value) {
    std::printf("%-12s %s\n", name, value.c_str());
  };
  row("node", answer.value("responder", ""));
  if (answer.contains("uptime_s")) row("up", duration(answer.at("uptime_s").get<double>()));
  if (answer.contains("responsible_ppb")) {
    std::array<char, 48> share{};
    std::snprintf(share.data(), share.size(), "%.7f %% of the ring",
                  answer.at("responsible_ppb").get<double>() / 1e7);
    row("responsible", share.data());
  }
  if (answer.contains("num_resources")) {
    row("resources", grouped(answer.at("num_resources").get<std::uint64_t>()));
  }
  row("answered", "in " + grouped(answer.value("rtt_us", std::uint64_t{0})) + " us");
}

void probe(Context& context, const ProbeOptions& options) {
  const json answer =
      ask_peer(context, {{"method", "probe"},
                         {"of", options.node},
                         {"timeout_ms", static_cast<std::uint64_t>(options.timeout_s * 1000)}});
  const bool is_answered = answer.value("status", "") == "ok";
  context.exit_status = is_answered ? 0 : 1;
  if (context.json) return print(answer);
  if (!is_answered) fail(excuse(answer));
  print_probe(answer);
}

}  // namespace

void add_probe(CLI::App& app, Context& context) {
  const auto options = std::make_shared<ProbeOptions>();
  CLI::App* const command = app.add_subcommand(
      "probe", "Ask a node of the overlay how long it is up, for how much, and what it stores");
  command
      ->add_option("node", options->node,
                   "Node-ID (32 hex digits), a peer's name, or resource:<hex>: who is responsible")
      ->required();
  command->add_option("--timeout,-W", options->timeout_s, "Seconds to wait for the answer")
      ->check(CLI::Range(0.001, 600.0))
      ->capture_default_str();
  command->callback([options, &context] { probe(context, *options); });
}

}  // namespace controlplane::ctl
