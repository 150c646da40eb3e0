// SPDX-License-Identifier: Apache-2.0
#include "controlplane/admin/request_body.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "wire/reload/destination.h"

namespace controlplane::admin {

using wire::reload::Bytes;

namespace {

std::optional<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    unsigned value = 0;
    const char* const end = text.data() + at + 2;
    const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace

nlohmann::json parse_object(std::string_view json, std::span<const std::string_view> known,
                            std::string& why) {
  auto body = nlohmann::json::parse(json, nullptr, false);
  if (!body.is_object()) {
    why = "the body is no JSON object";
    return nullptr;
  }
  for (const auto& [key, value] : body.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      why = "unknown key " + key;
      return nullptr;
    }
  }
  return body;
}

bool read_number(const nlohmann::json& body, const char* key, std::uint64_t least,
                 std::uint64_t most, std::uint64_t& out, std::string& why) {
  const auto found = body.find(key);
  if (found == body.end()) return true;
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    if (value >= least && value <= most) {
      out = value;
      return true;
    }
  }
  why = std::string(key) + " = " + found->dump() + ": accepted are " + std::to_string(least) +
        " to " + std::to_string(most);
  return false;
}

Bytes encode_destination(std::string_view text, const config::NodeConfig& config,
                         std::string& why) {
  constexpr std::string_view kResource = "resource:";
  constexpr std::string_view kOpaque = "opaque:";
  Bytes entry(wire::reload::kMaxResourceIdBytes + 8);
  std::size_t written = 0;
  std::optional<wire::reload::NodeId> node = config::parse_node_id(text);
  if (text == "wildcard") node = wire::reload::NodeId::wildcard();
  for (const config::Peer& peer : config.peers) {
    if (peer.name == text) node = peer.node_id;
  }
  if (node) {
    written = wire::reload::write_node_entry(*node, entry);
  } else if (text.starts_with(kResource)) {
    const auto bytes = parse_hex(text.substr(kResource.size()));
    if (bytes) written = wire::reload::write_resource_entry(*bytes, entry);
  } else if (text.starts_with(kOpaque)) {
    const auto bytes = parse_hex(text.substr(kOpaque.size()));
    if (bytes && !bytes->empty()) written = wire::reload::write_opaque_entry(*bytes, entry);
  }
  if (written == 0) {
    why = "destination = \"" + std::string(text) +
          "\": accepted are a Node-ID (32 hex digits), a peer's name, wildcard, resource:<hex> "
          "and opaque:<hex>";
  }
  entry.resize(written);
  return entry;
}

}  // namespace controlplane::admin
