// SPDX-License-Identifier: Apache-2.0
// hopsealctl adopt and show config: the configuration document that a running node follows.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using nlohmann::json;

/// No larger document fits into a ConfigUpdate of the largest message.
constexpr std::size_t kMostBytes = 65'535;

void print_nodes(const char* what, const json& nodes) {
  std::printf("%-22s %zu\n", what, nodes.size());
  for (const json& node : nodes) std::printf("%22s %s\n", "", node.get<std::string>().c_str());
}

void print_configuration(const Context& context, const json& answer) {
  if (context.json) return print(Document(answer));
  std::printf("%-22s %s\n", "overlay", answer.at("overlay").get<std::string>().c_str());
  std::printf("%-22s %u\n", "sequence", answer.at("sequence").get<unsigned>());
  const json& expires = answer.at("expires_unix_s");
  std::printf("%-22s %s\n", "expires",
              expires.is_null() ? "never" : utc(expires.get<std::uint64_t>()).c_str());
  print_nodes("bad nodes", answer.at("bad_nodes"));
  print_nodes("configuration signers", answer.at("configuration_signers"));
  print_nodes("kind signers", answer.at("kind_signers"));
  std::printf("%-22s %llu adopted, %llu refused; told %llu nodes\n", "since the start",
              answer.at("adopted").get<unsigned long long>(),
              answer.at("refused").get<unsigned long long>(),
              answer.at("told").get<unsigned long long>());
  const std::string not_kept = answer.at("not_kept").get<std::string>();
  if (!not_kept.empty()) std::printf("%-22s %s\n", "not written", not_kept.c_str());
}

}  // namespace

void show_configuration(const Context& context) {
  print_configuration(context, ask(context, "GET", "/v1/configuration"));
}

void add_adopt(CLI::App& app, Context& context) {
  const auto file = std::make_shared<std::string>();
  CLI::App* const adopt = app.add_subcommand(
      "adopt",
      "Give the node a newer configuration document, which it tells all others; hopsealctl overlay "
      "sign makes one");
  adopt->add_option("file", *file, "The signed document")->required()->check(CLI::ExistingFile);
  adopt->callback([file, &context] {
    std::ifstream stream(*file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    if (!stream.is_open() || stream.bad()) fail(*file + ": cannot be read");
    if (text.size() > kMostBytes) {
      fail(*file + ": " + std::to_string(text.size()) + " bytes; no message carries more than " +
           std::to_string(kMostBytes));
    }
    print_configuration(context, ask(context, "POST", "/v1/configuration", {{"document", text}}));
  });
}

}  // namespace controlplane::ctl
