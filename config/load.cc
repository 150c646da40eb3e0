// SPDX-License-Identifier: Apache-2.0
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/section.h"

namespace config {
namespace {

void read_node(Section& root, NodeConfig& config) {
  constexpr std::array<std::pair<std::string_view, bool>, 2> kRoles = {
      {{"peer", true}, {"client", false}}};
  Section section = root.table("node");
  config.name = section.required_text("name", "a name for this node, such as \"p1\"");
  if (!config.name.empty() && !is_plain_name(config.name)) {
    section.error("name", "accepted are letters, digits and dashes, at most 63");
  }
  config.runtime_directory = section.text("runtime_directory", "/run/hopseal/" + config.name);
  constexpr std::size_t kMostPath = sizeof(sockaddr_un{}.sun_path) - 1;
  if (config.runtime_directory.empty() || config.admin_path().size() > kMostPath) {
    section.error("runtime_directory",
                  "accepted is a directory whose path is short enough for a "
                  "socket in it: control.sock must fit 107 bytes");
  }
  config.is_peer = section.choice("role", kRoles, true);
  section.finish();
}

void read_identities(Section& root, NodeConfig& config) {
  for (Section& section : root.tables("identity")) {
    Identity identity;
    identity.name = section.required_text("name", "a name for this identity, such as \"node\"");
    identity.certificate = section.path("certificate");
    identity.key = section.path("key");
    identity.send_certificate = section.boolean("send_certificate", true);
    if (identity.certificate.empty()) {
      section.error("certificate", "required: a PEM file with the certificate");
    }
    if (identity.key.empty()) section.error("key", "required: a PEM file with the private key");
    for (const Identity& earlier : config.identities) {
      if (earlier.name == identity.name && !identity.name.empty()) {
        section.error("name", "another identity already has this name");
      }
    }
    section.finish();
    config.identities.push_back(std::move(identity));
  }
  if (!root.has("identity")) {
    root.error("identity", "required: at least one [[identity]]; the first is the node's own");
  }
}

void read_document(Document& document, const toml::table& table, NodeConfig& config) {
  Section root(document, &table, "", 0);
  read_node(root, config);
  read_overlay(root, config);
  read_links(root, config);
  read_identities(root, config);
  read_dataplane(root, config);
  read_peers(root, config);
  root.finish();
}

LoadResult parse(std::string_view text, const std::string& name, bool check_files) {
  Document document;
  document.file = name;
  document.directory = std::filesystem::path(name).parent_path().string();
  document.check_files = check_files;

  LoadResult result;
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& fault = parsed.error();
    ConfigError error;
    error.file = name;
    error.line = fault.source().begin.line;
    error.accepted = "not TOML: " + std::string(fault.description());
    result.errors.push_back(std::move(error));
    return result;
  }
  NodeConfig config;
  config.file = name;
  read_document(document, parsed.table(), config);
  result.errors = std::move(document.errors);
  std::stable_sort(result.errors.begin(), result.errors.end(),
                   [](const ConfigError& a, const ConfigError& b) { return a.line < b.line; });
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

}  // namespace

std::string NodeConfig::region_path() const { return runtime_directory + "/region"; }
std::string NodeConfig::admin_path() const { return runtime_directory + "/control.sock"; }

std::string ConfigError::text() const {
  std::string text = file;
  if (line != 0) text += ":" + std::to_string(line);
  text += ": ";
  if (!key.empty()) text += key;
  if (!value.empty()) text += " = " + value;
  if (!key.empty()) text += ": ";
  return text + accepted;
}

LoadResult load_node_config(const std::string& path) noexcept {
  std::error_code unused;
  const bool directory = std::filesystem::is_directory(path, unused);
  std::ifstream file(path);
  if (!file || directory) {
    const int fault = directory ? EISDIR : errno;
    LoadResult result;
    ConfigError error;
    error.file = path;
    error.accepted = std::string("cannot be read: ") + std::strerror(fault);
    result.errors.push_back(std::move(error));
    return result;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str(), path, true);
}

LoadResult parse_node_config(std::string_view text, const std::string& name) noexcept {
  return parse(text, name, false);
}

std::vector<std::string> known_keys() {
  // One of each kind, so that every reader runs once; what it finds wrong is of no interest.
  const toml::parse_result parsed =
      toml::parse(std::string_view("[[identity]]\n[[peer]]\n[[dataplane.port]]\n"));
  Document document;
  NodeConfig config;
  read_document(document, parsed.table(), config);
  return {document.known_keys.begin(), document.known_keys.end()};
}

}  // namespace config
