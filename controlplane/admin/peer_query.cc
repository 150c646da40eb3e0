// SPDX-License-Identifier: Apache-2.0
#include "controlplane/admin/peer_query.h"

#include <array>
#include <nlohmann/json.hpp>

#include "controlplane/admin/request_body.h"
#include "controlplane/admin/request_result.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/destination.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace controlplane::admin {

using wire::reload::Bytes;
using wire::reload::MessageCode;
using wire::reload::ProbeInformationType;

namespace {

/// The entry under @p key; empty with @p why.
Bytes read_entry(const nlohmann::json& body, const char* key, const config::NodeConfig& config,
                 std::string& why) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string()) {
    why = std::string(key) +
          ": accepted are a Node-ID (32 hex digits), a peer's name and resource:<hex>";
    return {};
  }
  Bytes entry = encode_destination(found->get<std::string>(), config, why);
  if (entry.empty()) why.replace(0, why.find(" = "), key);
  return entry;
}

bool add_probe(Json& line, std::span<const std::byte> body) {
  wire::reload::ProbeAns answer;
  if (!wire::reload::parse_probe_answer(body, answer).ok()) return false;
  const auto add = [&](const char* key, ProbeInformationType type) {
    if (const auto value = answer.find(type)) line[key] = *value;
  };
  add("responsible_ppb", ProbeInformationType::kResponsibleSet);
  add("num_resources", ProbeInformationType::kNumResources);
  add("uptime_s", ProbeInformationType::kUptime);
  return true;
}

bool add_next_peer(Json& line, std::span<const std::byte> body) {
  wire::reload::ChordRouteQueryAns answer;
  if (!wire::reload::parse_chord_route_query_answer(body, answer).ok()) return false;
  line["next_peer"] = config::to_string(answer.next_peer);
  return true;
}

}  // namespace

std::optional<PeerQuery> parse_query(std::string_view json, const config::NodeConfig& config,
                                     std::string& why) {
  static constexpr std::array<std::string_view, 4> kKeys = {"method", "of", "destination",
                                                            "timeout_ms"};
  const nlohmann::json body = parse_object(json, kKeys, why);
  if (body.is_null()) return std::nullopt;
  const auto method = body.find("method");
  const bool is_probe = method != body.end() && *method == "probe";
  if (!is_probe && (method == body.end() || *method != "route_query")) {
    why = "method: accepted are probe and route_query";
    return std::nullopt;
  }
  PeerQuery query;
  std::uint64_t timeout_ms = 0;
  query.request.destination_list = read_entry(body, "of", config, why);
  if (query.request.destination_list.empty() ||
      !read_number(body, "timeout_ms", 1, kMaxTimeoutMs, timeout_ms, why)) {
    return std::nullopt;
  }
  query.request.lifetime_ns = timeout_ms * overlay::kMillisecond;
  if (is_probe) {
    if (body.contains("destination")) {
      why = "destination: belongs to route_query; a probe asks the node in \"of\" about itself";
      return std::nullopt;
    }
    query.request.code = MessageCode::kProbeReq;
    query.request.body = wire::reload::probe_request_body(
        {{ProbeInformationType::kResponsibleSet, ProbeInformationType::kNumResources,
          ProbeInformationType::kUptime}});
    return query;
  }
  const Bytes destination = read_entry(body, "destination", config, why);
  if (destination.empty()) return std::nullopt;
  wire::reload::RouteQueryReq route_query;
  if (!wire::reload::read_destination(destination, route_query.destination).ok()) {
    why = "destination: no node has the Node-ID zero";
    return std::nullopt;
  }
  query.method = PeerQuery::Method::kRouteQuery;
  query.request.code = MessageCode::kRouteQueryReq;
  query.request.body = wire::reload::route_query_request_body(route_query);
  return query;
}

std::string describe_answer(PeerQuery::Method method, const overlay::RequestResult& result) {
  Json line;
  add_result(line, result);
  if (result.outcome == overlay::Outcome::kAnswered) {
    const bool is_read = method == PeerQuery::Method::kProbe ? add_probe(line, result.body)
                                                             : add_next_peer(line, result.body);
    if (!is_read) line["status"] = "malformed";
  }
  return one_line(line);
}

}  // namespace controlplane::admin
