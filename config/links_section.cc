// SPDX-License-Identifier: Apache-2.0
// [links]: what all secure links of a node have in common.

#include <algorithm>

#include "config/section.h"

namespace config {
namespace {

using wire::dtls::Aead;
using wire::shm::PolicyTable;

constexpr std::uint64_t kMostRecords = std::uint64_t{1} << 40U;
constexpr std::uint32_t kMostMib = 0x7fffffff;
constexpr std::uint32_t kMonthS = 31 * 86'400;

std::vector<Aead> read_ciphers(Section& section) {
  const std::vector<Aead> all = {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305};
  static_assert(wire::dtls::kAeadCount == 3);
  std::vector<Aead> ciphers;
  for (const std::string& name : section.texts("ciphers")) {
    const auto known = std::ranges::find(all, name, [](Aead aead) {
      return wire::dtls::kAeadNames[static_cast<std::size_t>(aead)];
    });
    if (known == all.end() || std::ranges::find(ciphers, *known) != ciphers.end()) {
      section.error("ciphers",
                    "accepted are \"aes128-gcm\", \"aes256-gcm\" and \"chacha20-poly1305\", each "
                    "at most once");
      return all;
    }
    ciphers.push_back(*known);
  }
  return ciphers.empty() ? all : ciphers;
}

std::vector<wire::shm::Endpoint> read_listen(Section& section, const NodeConfig& config) {
  std::vector<wire::shm::Endpoint> listen;
  for (const std::string& text : section.texts("tls_listen")) {
    auto address = parse_endpoint(text);
    if (address && address->port == 0) address->port = config.dataplane.service_port;
    if (!address || std::ranges::find(listen, *address) != listen.end()) {
      section.error("tls_listen",
                    "accepted are addresses of this machine, each once, with or without a TCP "
                    "port, such as \"192.0.2.1:6084\" or \"[::]:6084\"");
      return {};
    }
    listen.push_back(*address);
  }
  return listen;
}

}  // namespace

void read_links(Section& root, NodeConfig& config) {
  Section section = root.table("links");
  PolicyTable& policy = config.overlay.policy;
  config.links.ciphers = read_ciphers(section);
  if (std::string file = section.path("shared_secret"); !file.empty()) {
    config.links.shared_secret = std::move(file);
  }
  config.links.tls_listen = read_listen(section, config);
  policy.rekey_records =
      section.integer<std::uint64_t>("rekey_records", 0, kMostRecords, policy.rekey_records);
  policy.rekey_mib = section.integer<std::uint32_t>("rekey_mib", 0, kMostMib, policy.rekey_mib);
  policy.rekey_s = section.integer<std::uint32_t>("rekey_s", 0, kMonthS, policy.rekey_s);
  policy.handshake_rate = read_rate(section, "handshake_rate", policy.handshake_rate);
  policy.unknown_handshake_rate =
      read_rate(section, "unknown_handshake_rate", policy.unknown_handshake_rate);
  section.finish();
}

}  // namespace config
