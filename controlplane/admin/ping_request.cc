// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/ping_request.h"

#include <array>
#include <nlohmann/json.hpp>

#include "controlplane/admin/request_body.h"
#include "wire/reload/destination.h"

namespace controlplane::admin {

using wire::reload::Bytes;

namespace {

constexpr std::size_t kMaxPadding = 65535;  // a 16-bit length

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

std::optional<PingOptions> parse_ping(std::string_view json, const config::NodeConfig& config,
                                      std::span<const overlay::SigningName> names,
                                      std::string& why) {
  static constexpr std::array<std::string_view, 8> kKeys = {
      "destination", "destination_list", "identity",   "count",
      "interval_us", "padding",          "timeout_ms", "quiet"};
  const nlohmann::json body = parse_object(json, kKeys, why);
  if (body.is_null()) return std::nullopt;
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
