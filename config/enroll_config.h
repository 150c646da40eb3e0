// SPDX-License-Identifier: Apache-2.0
// enroll.toml: what an overlay's enrollment server is.
//
// docs/reference/enroll.toml is the documented default: every key, its unit, its default, its
// danger. An error names file, line, key, value and what would be accepted.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node_config.h"

namespace config {

struct EnrollConfig {
  std::string file;     ///< where it was read from
  std::string overlay;  ///< DNS name

  // [authority]
  std::string ca_certificate;  ///< PEM file
  std::string ca_key;          ///< PEM file, for its owner only
  std::uint32_t validity_days = 30;
  std::uint32_t backdate_minutes = 5;
  std::uint32_t revocation_list_hours = 24;
  std::uint32_t node_ids_per_user = 1;  ///< cap of users that are added without one

  std::string store;  ///< "sqlite:/absolute/path" or "postgresql://..."

  // [server]
  wire::shm::Endpoint listen;
  std::string tls_certificate;  ///< PEM file, the server's first, then intermediates
  std::string tls_key;          ///< PEM file
  std::string enroll_path = "/enroll";
  std::string document;      ///< file of the overlay's configuration document; empty: none
  std::string admin_socket;  ///< path of a Unix socket

  // [password]: scrypt, RFC 7914
  std::uint32_t scrypt_log2_n = 15;
  std::uint32_t scrypt_r = 8;
  std::uint32_t scrypt_p = 3;
  std::uint32_t shortest_password = 10;  ///< bytes

  // [limits]
  std::uint32_t max_connections = 1024;
  std::uint32_t connections_per_source = 32;
  std::uint32_t request_timeout_s = 15;
  std::uint32_t source_per_hour = 120;
  std::uint32_t source_burst = 20;
  std::uint32_t failures_per_hour = 20;
  std::uint32_t failures_burst = 5;
  std::uint32_t rate_entries = 65536;
  std::uint32_t workers = 2;
  std::uint32_t queue = 64;
  std::uint32_t challenge_at = 16;
  std::uint32_t challenge_wait_s = 3;
};

struct EnrollLoadResult {
  std::optional<EnrollConfig> config;
  std::vector<ConfigError> errors;  ///< empty exactly when config is set
};
/// As load_node_config() and parse_node_config() do for nodes.
[[nodiscard]] EnrollLoadResult load_enroll_config(const std::string& path) noexcept;
[[nodiscard]] EnrollLoadResult parse_enroll_config(std::string_view text,
                                                   const std::string& name) noexcept;
/// Every section and key there is, such as "limits.queue", sorted.
[[nodiscard]] std::vector<std::string> known_enroll_keys();

}  // namespace config
