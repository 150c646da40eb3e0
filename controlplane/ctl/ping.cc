// SPDX-License-Identifier: Apache-2.0
// hopsealctl ping: signed Ping requests through the overlay, timed end to end.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {

namespace {

struct Options {
  std::string destination;
  std::string identity;
  std::uint64_t count = 4;
  double interval_s = 1.0;
  double rate = 0;
  std::uint64_t padding = 0;
  double timeout_s = 0;
  bool quiet = false;
};

double milliseconds(const nlohmann::json& line, const char* key) {
  return static_cast<double>(line.value(key, std::uint64_t{0})) / 1000.0;
}

std::string text(const nlohmann::json& line, const char* key) { return line.value(key, ""); }

void print_result(const nlohmann::json& line) {
  const auto sequence = static_cast<unsigned long long>(line.value("sequence", std::uint64_t{0}));
  const auto sends = line.value("sends", 0U);
  const std::string status = text(line, "status");
  const std::string again = sends > 1 ? " sends=" + std::to_string(sends) : std::string();
  if (status == "ok") {
    std::printf("answer from %s: seq=%llu time=%.3f ms%s\n", text(line, "responder").c_str(),
                sequence, milliseconds(line, "rtt_us"), again.c_str());
  } else if (status == "error") {
    std::printf("error from %s: seq=%llu %s: %s\n", text(line, "responder").c_str(), sequence,
                text(line, "error").c_str(), text(line, "text").c_str());
  } else if (status == "timeout") {
    std::printf("no answer: seq=%llu after %.0f ms and %u sends\n", sequence,
                milliseconds(line, "rtt_us"), sends);
  } else {
    std::printf("not sent: seq=%llu: %s\n", sequence, text(line, "text").c_str());
  }
}

void print_summary(const Options& options, const nlohmann::json& line) {
  const auto count = [&](const char* key) {
    return static_cast<unsigned long long>(line.value(key, std::uint64_t{0}));
  };
  const unsigned long long sent = count("sent");
  const unsigned long long answered = count("answered");
  const double lost =
      sent == 0 ? 0.0 : 100.0 * static_cast<double>(sent - answered) / static_cast<double>(sent);
  std::printf("\n--- %s ---\n", options.destination.c_str());
  std::printf("%llu sent, %llu answered, %llu errors, %llu without answer, %.1f%% unanswered\n",
              sent, answered, count("failed"), count("timeouts"), lost);
  if (answered != 0) {
    std::printf("round trip ms: min %.3f  mean %.3f  p50 %.3f  p90 %.3f  p99 %.3f  max %.3f\n",
                milliseconds(line, "min_us"), milliseconds(line, "mean_us"),
                milliseconds(line, "p50_us"), milliseconds(line, "p90_us"),
                milliseconds(line, "p99_us"), milliseconds(line, "max_us"));
  }
}

nlohmann::json request_body(const Options& options) {
  nlohmann::json body{{"destination", options.destination},
                      {"count", options.count},
                      {"padding", options.padding},
                      {"quiet", options.quiet}};
  const double interval_s = options.rate > 0 ? 1.0 / options.rate : options.interval_s;
  body["interval_us"] = static_cast<std::uint64_t>(interval_s * 1e6);
  if (options.timeout_s > 0) {
    body["timeout_ms"] = static_cast<std::uint64_t>(options.timeout_s * 1e3);
  }
  if (!options.identity.empty()) body["identity"] = options.identity;
  // Several entries are a source route.
  if (options.destination.find(',') != std::string::npos) {
    nlohmann::json list = nlohmann::json::array();
    std::string_view rest = options.destination;
    for (auto comma = rest.find(',');; comma = rest.find(',')) {
      list.push_back(std::string(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    body.erase("destination");
    body["destination_list"] = list;
  }
  return body;
}

void run(const Options& options, Context& context) {
  bool all_answered = false;
  const auto show = [&](std::string_view line) {
    if (context.json) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    }
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("summary", false)) {
      all_answered = json.value("answered", std::uint64_t{0}) == options.count;
      if (!context.json) print_summary(options, json);
    } else if (json.is_object() && !context.json) {
      print_result(json);
    }
    std::fflush(stdout);
    return true;
  };
  try {
    const AdminReply reply = AdminClient(context.admin_path())
                                 .stream("POST", "/v1/ping", request_body(options).dump(), show);
    if (!reply.ok()) std::fprintf(stderr, "hopsealctl ping: %s\n", reply.error().c_str());
  } catch (const AdminError& error) {
    std::fprintf(stderr, "hopsealctl ping: %s\n", error.what());
  }
  context.exit_status = all_answered ? 0 : 1;
}

}  // namespace

void add_ping(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("ping", "Send signed Pings and time their answers.");
  auto options = std::make_shared<Options>();
  command
      ->add_option("destination", options->destination,
                   "Node-ID (32 hex digits), a peer's name, wildcard, resource:<hex>, or a "
                   "comma-separated list of these")
      ->required();
  command->add_option("--count,-c", options->count, "how many")->check(CLI::Range(1, 10'000'000));
  command->add_option("--interval,-i", options->interval_s, "seconds between two")
      ->check(CLI::Range(0.0001, 3600.0));
  command->add_option("--rate,-r", options->rate, "requests a second, instead of an interval")
      ->check(CLI::Range(0.001, 10000.0));
  command->add_option("--padding,-s", options->padding, "bytes of padding in each")
      ->check(CLI::Range(0, 65535));
  command->add_option("--identity,-I", options->identity, "sign as this [[identity]]");
  command
      ->add_option("--timeout,-W", options->timeout_s,
                   "seconds to wait for each; default five reliability timers")
      ->check(CLI::Range(0.001, 600.0));
  command->add_flag("--quiet,-q", options->quiet, "print the summary only");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace controlplane::ctl
