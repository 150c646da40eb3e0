// SPDX-License-Identifier: Apache-2.0
#include "config/enroll_config.h"

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

constexpr std::uint32_t kMostDays = 3650;
constexpr std::uint32_t kMostRate = 1'000'000'000;
constexpr std::uint64_t kMostScryptBytes = std::uint64_t{1} << 30U;

std::string required_path(Section& section, std::string_view key, std::string_view what) {
  std::string path = section.path(key);
  if (path.empty()) section.error(key, "required: " + std::string(what));
  return path;
}

void read_authority(Section& root, EnrollConfig& config) {
  Section section = root.table("authority");
  config.overlay = section.required_text("overlay", "the overlay's DNS name");
  if (!config.overlay.empty() && !is_dns_name(config.overlay)) {
    section.error("overlay", "accepted is a DNS name, such as \"overlay.example.org\"");
  }
  config.ca_certificate =
      required_path(section, "certificate", "a PEM file with the CA's certificate");
  config.ca_key = required_path(section, "key", "a PEM file with the CA's private key");
  config.validity_days =
      section.integer<std::uint32_t>("validity_days", 1, kMostDays, config.validity_days);
  config.backdate_minutes =
      section.integer<std::uint32_t>("backdate_minutes", 0, 1440, config.backdate_minutes);
  config.revocation_list_hours =
      section.integer<std::uint32_t>("revocation_list_hours", 1, 720, config.revocation_list_hours);
  config.node_ids_per_user =
      section.integer<std::uint32_t>("node_ids_per_user", 1, 64, config.node_ids_per_user);
  section.finish();
}

void read_store(Section& root, EnrollConfig& config, const std::string& directory) {
  constexpr std::string_view kSqlite = "sqlite:";
  Section section = root.table("store");
  config.store = section.text("url", "sqlite:/var/lib/hopseal-enroll/enroll.db");
  if (config.store.starts_with(kSqlite) && config.store.size() > kSqlite.size()) {
    const std::string path = config.store.substr(kSqlite.size());
    config.store = std::string(kSqlite) + (std::filesystem::path(directory) / path).string();
  } else if (!config.store.starts_with("postgresql://") &&
             !config.store.starts_with("postgres://")) {
    section.error("url", "accepted are \"sqlite:FILE\" and \"postgresql://...\"");
  }
  section.finish();
}

void read_server(Section& root, EnrollConfig& config) {
  constexpr std::size_t kMostSocketPath = sizeof(sockaddr_un{}.sun_path) - 1;
  constexpr std::uint16_t kHttps = 443;
  Section section = root.table("server");
  auto listen = parse_endpoint(section.text("listen", "[::]:443"));
  if (!listen) {
    section.error("listen", "accepted is an address with or without a port, such as \"[::]:443\"");
    listen.emplace();
  } else if (listen->port == 0) {
    listen->port = kHttps;
  }
  config.listen = *listen;
  config.tls_certificate =
      required_path(section, "certificate", "a PEM file with the server's certificate chain");
  config.tls_key = required_path(section, "key", "a PEM file with the server's private key");
  config.enroll_path = section.text("enroll_path", config.enroll_path);
  if (!config.enroll_path.starts_with('/') || config.enroll_path.size() > 200 ||
      config.enroll_path.starts_with("/.well-known/") || config.enroll_path == "/crl" ||
      std::ranges::any_of(config.enroll_path,
                          [](char c) { return c <= ' ' || c > '~' || c == '?' || c == '#'; })) {
    section.error("enroll_path",
                  "accepted is the path of a URL, such as \"/enroll\", but neither \"/crl\" nor "
                  "what begins with \"/.well-known/\"");
  }
  config.document = section.path("configuration_document");
  config.admin_socket = section.text("admin_socket", "/run/hopseal-enroll/control.sock");
  if (config.admin_socket.empty() || config.admin_socket.size() > kMostSocketPath) {
    section.error("admin_socket", "accepted is a path of 1 to 107 bytes");
  }
  section.finish();
}

void read_password(Section& root, EnrollConfig& config) {
  Section section = root.table("password");
  config.scrypt_log2_n =
      section.integer<std::uint32_t>("scrypt_log2_n", 10, 24, config.scrypt_log2_n);
  config.scrypt_r = section.integer<std::uint32_t>("scrypt_r", 1, 64, config.scrypt_r);
  config.scrypt_p = section.integer<std::uint32_t>("scrypt_p", 1, 64, config.scrypt_p);
  if ((std::uint64_t{128} * config.scrypt_r) << config.scrypt_log2_n > kMostScryptBytes) {
    section.error("scrypt_log2_n", "accepted is what needs 1 GiB at most: 128 * r * 2^log2_n");
  }
  config.shortest_password =
      section.integer<std::uint32_t>("shortest", 1, 1024, config.shortest_password);
  section.finish();
}

void read_limits(Section& root, EnrollConfig& config) {
  Section section = root.table("limits");
  const auto read = [&section](std::string_view key, std::uint32_t least, std::uint32_t most,
                               std::uint32_t& value) {
    value = section.integer<std::uint32_t>(key, least, most, value);
  };
  read("max_connections", 1, 65536, config.max_connections);
  read("connections_per_source", 1, 65536, config.connections_per_source);
  read("request_timeout_s", 1, 300, config.request_timeout_s);
  read("source_per_hour", 0, kMostRate, config.source_per_hour);
  read("source_burst", 1, kMostRate, config.source_burst);
  read("failures_per_hour", 0, kMostRate, config.failures_per_hour);
  read("failures_burst", 1, kMostRate, config.failures_burst);
  read("rate_entries", 8, 16'777'216, config.rate_entries);
  read("workers", 1, 64, config.workers);
  read("queue", 1, 65536, config.queue);
  read("challenge_at", 1, 65536, config.challenge_at);
  read("challenge_wait_s", 1, 60, config.challenge_wait_s);
  section.finish();
}

void read_document(Document& document, const toml::table& table, EnrollConfig& config) {
  Section root(document, &table, "", 0);
  read_authority(root, config);
  read_store(root, config, document.directory);
  read_server(root, config);
  read_password(root, config);
  read_limits(root, config);
  root.finish();
}

EnrollLoadResult parse(std::string_view text, const std::string& name, bool check_files) {
  Document document;
  document.file = name;
  document.directory = std::filesystem::path(name).parent_path().string();
  document.check_files = check_files;
  EnrollLoadResult result;
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& fault = parsed.error();
    result.errors.push_back({.file = name,
                             .line = fault.source().begin.line,
                             .key = "",
                             .value = "",
                             .accepted = "not TOML: " + std::string(fault.description())});
    return result;
  }
  EnrollConfig config;
  config.file = name;
  read_document(document, parsed.table(), config);
  result.errors = std::move(document.errors);
  std::ranges::stable_sort(result.errors, {}, &ConfigError::line);
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

}  // namespace

EnrollLoadResult load_enroll_config(const std::string& path) noexcept {
  std::error_code unused;
  const bool directory = std::filesystem::is_directory(path, unused);
  std::ifstream file(path);
  if (!file || directory) {
    EnrollLoadResult result;
    const int fault = directory ? EISDIR : errno;
    result.errors.push_back({.file = path,
                             .line = 0,
                             .key = "",
                             .value = "",
                             .accepted = std::string("cannot be read: ") + std::strerror(fault)});
    return result;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str(), path, true);
}

EnrollLoadResult parse_enroll_config(std::string_view text, const std::string& name) noexcept {
  return parse(text, name, false);
}

std::vector<std::string> known_enroll_keys() {
  const toml::parse_result parsed = toml::parse(std::string_view(""));
  Document document;
  EnrollConfig config;
  read_document(document, parsed.table(), config);
  return {document.known_keys.begin(), document.known_keys.end()};
}

}  // namespace config
