// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/ping_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "wire/reload/destination.h"

namespace controlplane::admin {

using wire::reload::Bytes;

namespace {

constexpr std::size_t kMaxPadding = 65535;  // a 16-bit length
constexpr std::uint64_t kMaxTimeoutMs = 600'000;

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

/// Reads a whole number that may be absent.
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

bool read_list(const nlohmann::json& body, const config::NodeConfig& config, Bytes& out,
               std::string& why) {
  nlohmann::json entries = nlohmann::json::array();
  if (body.contains("destination")) entries.push_back(body["destination"]);
  if (body.contains("destination_list")) {
    if (!entries.empty()) {
      why = "give destination or destination_list, not both";
      return false;
    }
    entries = body["destination_list"];
  }
  if (!entries.is_array() || entries.empty()) {
    why =
        "destination is missing: a Node-ID (32 hex digits), a peer's name, wildcard or "
        "resource:<hex>";
    return false;
  }
  for (const auto& entry : entries) {
    if (!entry.is_string()) {
      why = "a destination is a string, not " + entry.dump();
      return false;
    }
    const Bytes encoded = encode_destination(entry.get<std::string>(), config, why);
    if (encoded.empty()) return false;
    out.insert(out.end(), encoded.begin(), encoded.end());
  }
  if (!wire::reload::check_destination_list(out, wire::reload::ListKind::kDestination).ok()) {
    why = "the Destination List is malformed: a resource may stand only at its end";
    return false;
  }
  return true;
}

bool read_identity(const nlohmann::json& body, std::span<const overlay::SigningName> names,
                   std::size_t& out, std::string& why) {
  const auto found = body.find("identity");
  if (found == body.end()) return true;
  std::string known;
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (found->is_string() && names[index].name == found->get<std::string>()) {
      out = index;
      return true;
    }
    known += (index == 0 ? "" : ", ") + names[index].name;
  }
  why = "identity = " + found->dump() + ": accepted are " + known;
  return false;
}

}  // namespace

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

std::optional<PingOptions> parse_ping(std::string_view json, const config::NodeConfig& config,
                                      std::span<const overlay::SigningName> names,
                                      std::string& why) {
  const auto body = nlohmann::json::parse(json, nullptr, false);
  if (!body.is_object()) {
    why = "the body is no JSON object";
    return std::nullopt;
  }
  static constexpr std::array kKeys = {"destination", "destination_list", "identity",   "count",
                                       "interval_us", "padding",          "timeout_ms", "quiet"};
  for (const auto& [key, value] : body.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      why = "unknown key " + key;
      return std::nullopt;
    }
  }
  PingOptions options;
  std::uint64_t interval_us = options.interval_ns / 1000;
  std::uint64_t padding = 0;
  std::uint64_t timeout_ms = 0;
  if (!read_list(body, config, options.destination_list, why) ||
      !read_identity(body, names, options.identity, why) ||
      !read_number(body, "count", 1, PingRun::kMaxCount, options.count, why) ||
      !read_number(body, "interval_us", PingRun::kMinIntervalNs / 1000, 3'600'000'000ULL,
                   interval_us, why) ||
      !read_number(body, "padding", 0, kMaxPadding, padding, why) ||
      !read_number(body, "timeout_ms", 1, kMaxTimeoutMs, timeout_ms, why)) {
    return std::nullopt;
  }
  if (const auto quiet = body.find("quiet"); quiet != body.end()) {
    if (!quiet->is_boolean()) {
      why = "quiet = " + quiet->dump() + ": accepted are true and false";
      return std::nullopt;
    }
    options.quiet = quiet->get<bool>();
  }
  options.interval_ns = interval_us * 1000;
  options.padding = static_cast<std::size_t>(padding);
  options.lifetime_ns = timeout_ms * overlay::kMillisecond;
  return options;
}

}  // namespace controlplane::admin
