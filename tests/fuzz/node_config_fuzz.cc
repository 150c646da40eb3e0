// SPDX-License-Identifier: Apache-2.0
// node.toml as somebody mistyped it: it is read, or every error says where it is and what would do.
// In ASCII: outside it, toml++ 3.3 trips over its own tables of letters under UBSan.

#include <algorithm>
#include <string_view>

#include "config/node_config.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; }))
    return 0;
  const config::LoadResult read = config::parse_node_config(text, "etc/node.toml");
  FUZZ_CHECK(read.config.has_value() == read.errors.empty());
  for (const config::ConfigError& error : read.errors) {
    FUZZ_CHECK(error.file == "etc/node.toml" && !error.accepted.empty());
    FUZZ_CHECK(error.text().starts_with("etc/node.toml"));
    FUZZ_CHECK(error.line <= 1 + std::ranges::count(text, '\n'));
  }
  if (!read.config) return 0;
  const config::NodeConfig& node = *read.config;
  FUZZ_CHECK(!node.identities.empty() && node.peers.size() <= node.dataplane.max_links);
  for (const config::Peer& peer : node.peers) {
    const bool is_stream = peer.protocol == wire::shm::LinkProtocol::kVirtual;
    FUZZ_CHECK(peer.port.empty() == is_stream && peer.address.port != 0);
    const auto again = config::parse_endpoint(config::to_string(peer.address));
    FUZZ_CHECK(again == peer.address);
  }
  return 0;
}
