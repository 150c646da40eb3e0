// SPDX-License-Identifier: Apache-2.0
// docs/reference/node.toml says all there is to say, and says the truth.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <tuple>

#include "config/section.h"

namespace {

std::string reference_text() {
  std::ifstream file(REFERENCE_NODE_TOML);
  EXPECT_TRUE(file) << REFERENCE_NODE_TOML;
  return {std::istreambuf_iterator<char>(file), {}};
}

config::NodeConfig parsed(const std::string& text) {
  config::LoadResult result = config::parse_node_config(text, "node.toml");
  for (const config::ConfigError& error : result.errors) ADD_FAILURE() << error.text();
  return result.config.value_or(config::NodeConfig{});
}

/// Whether "a.b.c" is in the document; of an array of tables the first is looked into.
bool contains(const toml::table& document, const std::string& key) {
  const toml::node* node = &document;
  std::istringstream path(key);
  for (std::string part; std::getline(path, part, '.');) {
    if (const toml::array* const array = node->as_array()) node = array->get(0);
    const toml::table* const table = node == nullptr ? nullptr : node->as_table();
    node = table == nullptr ? nullptr : table->get(part);
    if (node == nullptr) return false;
  }
  return true;
}

TEST(ReferenceNodeToml, IsAcceptedAsItStands) { (void)parsed(reference_text()); }

TEST(ReferenceNodeToml, HasEveryKeyThereIs) {
  const std::string text = reference_text();
  const toml::parse_result document = toml::parse(std::string_view(text));
  ASSERT_TRUE(document);
  for (const std::string& key : config::known_keys()) {
    EXPECT_TRUE(contains(document.table(), key)) << key;
  }
}

TEST(ReferenceNodeToml, HasASentenceAboutEveryKeyOfTheNode) {
  std::istringstream lines(reference_text());
  std::string before;
  std::string section;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.starts_with('[')) section = line;
    const bool is_key = line.find(" = ") != std::string::npos && !line.starts_with('#');
    // The classes have the same keys; the first explains them, and its rates stand together.
    if (!is_key || section == "[class.client]" || section == "[class.untrusted]") continue;
    if (line.starts_with("rate.") && !line.starts_with("rate.liveness")) continue;
    EXPECT_TRUE(before.starts_with("# ")) << line;
  }
}

TEST(ReferenceNodeToml, ShowsTheDefaults) {
  const config::NodeConfig shown = parsed(reference_text());
  const config::NodeConfig defaults = parsed(R"([node]
name = "p1"
[overlay]
name = "overlay.example.org"
root_certificates = ["ca.pem"]
[[identity]]
name = "node"
certificate = "p1.pem"
key = "p1.key"
[[peer]]
name = "p2"
node_id = "00000000000000000000000000000002"
address = "192.0.2.2"
port = "p0"
[[dataplane.port]]
name = "p0"
device = "net_af_packet0,iface=eth1"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
)");
  // In two parts, because there is padding between them and behind them.
  using wire::shm::PolicyTable;
  const auto same = [&](std::size_t from, std::size_t end) {
    const auto* const a = reinterpret_cast<const char*>(&shown.overlay.policy);
    const auto* const b = reinterpret_cast<const char*>(&defaults.overlay.policy);
    return std::memcmp(a + from, b + from, end - from) == 0;
  };
  EXPECT_TRUE(same(0, offsetof(PolicyTable, zero) + sizeof(PolicyTable::zero)));
  EXPECT_TRUE(same(offsetof(PolicyTable, rekey_records),
                   offsetof(PolicyTable, classes) + sizeof(PolicyTable::classes)));
  EXPECT_EQ(shown.runtime_directory, defaults.runtime_directory);
  EXPECT_EQ(shown.is_peer, defaults.is_peer);
  EXPECT_EQ(shown.links.ciphers, defaults.links.ciphers);
  EXPECT_EQ(shown.overlay.configuration_sequence, defaults.overlay.configuration_sequence);
  EXPECT_EQ(shown.identities.at(0).send_certificate, defaults.identities.at(0).send_certificate);
  const config::Peer& peer = shown.peers.at(0);
  EXPECT_EQ(peer.address, defaults.peers.at(0).address);
  EXPECT_EQ(peer.protocol, defaults.peers.at(0).protocol);
  EXPECT_EQ(peer.link_class, defaults.peers.at(0).link_class);
  EXPECT_EQ(peer.is_peer, defaults.peers.at(0).is_peer);
  const config::Dataplane& a = shown.dataplane;
  const config::Dataplane& b = defaults.dataplane;
  EXPECT_EQ(std::tie(a.service_port, a.workers, a.cpus, a.poll, a.idle_sleep_us, a.memory,
                     a.memory_mib, a.mbufs, a.max_links, a.max_signers, a.known_signer_mib,
                     a.digest_cache_entries, a.kernel, a.eal),
            std::tie(b.service_port, b.workers, b.cpus, b.poll, b.idle_sleep_us, b.memory,
                     b.memory_mib, b.mbufs, b.max_links, b.max_signers, b.known_signer_mib,
                     b.digest_cache_entries, b.kernel, b.eal));
  EXPECT_EQ(a.ports.at(0).mtu, b.ports.at(0).mtu);
  EXPECT_EQ(a.ports.at(0).gateways.size(), b.ports.at(0).gateways.size());
}

}  // namespace
