// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "controlplane/ctl/commands.h"

namespace controlplane::ctl {
namespace {

std::string in_runtime_directory(const Context& context, const std::string& name) {
  if (!context.runtime_directory.empty()) return context.runtime_directory + "/" + name;
  if (context.config_file.empty()) {
    fail("which node? Pass --config node.toml or --runtime-directory DIR before the command.");
  }
  return context.config().runtime_directory + "/" + name;
}

}  // namespace

void fail(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "hopsealctl: %s\n", text.c_str());
  throw CLI::RuntimeError(1);
}

std::string Context::region_path() const { return in_runtime_directory(*this, "region"); }
std::string Context::admin_path() const { return in_runtime_directory(*this, "control.sock"); }

const config::NodeConfig& Context::config() const {
  if (loaded_) return *loaded_;
  std::ifstream file(config_file);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    fail(config_file + " cannot be read: " + std::strerror(errno));
  }
  // As a text: whoever asks about a node need not see its key files.
  config::LoadResult result = config::parse_node_config(text.str(), config_file);
  if (!result.config) {
    for (const config::ConfigError& error : result.errors) {
      std::fprintf(stderr, "%s\n", error.text().c_str());
    }
    fail(config_file + " is refused; see above.");
  }
  loaded_ = std::make_shared<const config::NodeConfig>(std::move(*result.config));
  return *loaded_;
}

std::string Context::peer_name(const wire::reload::NodeId& id) const {
  if (config_file.empty()) return "";
  for (const config::Peer& peer : config().peers) {
    if (peer.node_id == id) return peer.name;
  }
  return "";
}

}  // namespace controlplane::ctl
