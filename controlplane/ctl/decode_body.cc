// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_body.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "controlplane/ctl/decode_fields.h"
#include "controlplane/ctl/hex_text.h"
#include "wire/reload/attach.h"
#include "wire/reload/body_reader.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/config_update.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/message_builder.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace controlplane::ctl {

namespace {

using namespace wire::reload;
using Json = nlohmann::ordered_json;
using ByteSpan = std::span<const std::byte>;

Json nodes_json(std::span<const NodeId> ids) {
  Json json = Json::array();
  for (const NodeId& id : ids) json.push_back(to_hex(id.bytes));
  return json;
}

ParseError ping_request_fields(ByteSpan body, Json& json) {
  const ParseError fault = parse_ping_request(body);
  if (fault.ok()) json["padding_length"] = body.size() - 2;
  return fault;
}

ParseError ping_answer_fields(ByteSpan body, Json& json) {
  PingAnswer answer;
  const ParseError fault = parse_ping_answer(body, answer);
  if (!fault.ok()) return fault;
  json["response_id"] = hex_number(answer.response_id, 16);
  json["time"] = answer.time_ms;
  return {};
}

ParseError error_fields(ByteSpan body, Json& json) {
  ErrorResponse error;
  const ParseError fault = parse_error_response(body, error);
  if (!fault.ok()) return fault;
  json["error_code"] = named(error.error_code, error_code_name(error.error_code));
  json["error_info"] = text_or_hex(error.error_info);
  return {};
}

ParseError join_request_fields(ByteSpan body, Json& json) {
  JoinReq request;
  const ParseError fault = parse_join_request(body, request);
  if (!fault.ok()) return fault;
  json["joining_peer_id"] = to_hex(request.joining_peer_id.bytes);
  json["overlay_specific_data"] = to_hex(request.overlay_specific_data);
  return {};
}

ParseError join_answer_fields(ByteSpan body, Json& json) {
  JoinAns answer;
  const ParseError fault = parse_join_answer(body, answer);
  if (fault.ok()) json["overlay_specific_data"] = to_hex(answer.overlay_specific_data);
  return fault;
}

ParseError leave_request_fields(ByteSpan body, Json& json) {
  LeaveReq request;
  ParseError fault = parse_leave_request(body, request);
  if (!fault.ok()) return fault;
  const ByteSpan data = request.overlay_specific_data;
  ChordLeaveData leave;
  if (!data.empty()) {  // as of a client, which has no neighbors to tell of
    fault =
        parse_chord_leave_data(data, leave, static_cast<std::uint32_t>(body.size() - data.size()));
    if (!fault.ok()) return fault;
  }
  json["leaving_peer_id"] = to_hex(request.leaving_peer_id.bytes);
  json["overlay_specific_data"] = to_hex(data);
  if (data.empty()) return {};
  const bool from_succ = leave.type == ChordLeaveType::kFromSucc;
  json["chord_leave_data"] = {
      {"type", named(static_cast<unsigned>(leave.type), from_succ ? "from_succ" : "from_pred")},
      {from_succ ? "successors" : "predecessors", nodes_json(leave.peers)}};
  return {};
}

const char* update_type_name(ChordUpdateType type) {
  switch (type) {
    case ChordUpdateType::kPeerReady:
      return "peer_ready";
    case ChordUpdateType::kNeighbors:
      return "neighbors";
    case ChordUpdateType::kFull:
      return "full";
    case ChordUpdateType::kInvalid:
      break;
  }
  return nullptr;
}

ParseError update_request_fields(ByteSpan body, Json& json) {
  ChordUpdate update;
  const ParseError fault = parse_chord_update(body, update);
  if (!fault.ok()) return fault;
  json["uptime"] = update.uptime_s;
  json["type"] = named(static_cast<unsigned>(update.type), update_type_name(update.type));
  if (update.type != ChordUpdateType::kPeerReady) {
    json["predecessors"] = nodes_json(update.predecessors);
    json["successors"] = nodes_json(update.successors);
  }
  if (update.type == ChordUpdateType::kFull) {
    json["fingers"] = nodes_json(update.fingers);
    json["fingers_ascend"] = update.fingers_ascend();
  }
  return {};
}

ParseError route_query_request_fields(ByteSpan body, Json& json) {
  RouteQueryReq request;
  const ParseError fault = parse_route_query_request(body, request);
  if (!fault.ok()) return fault;
  json["send_update"] = request.send_update;
  json["destination"] = destination_json(request.destination);
  json["overlay_specific_data"] = to_hex(request.overlay_specific_data);
  return {};
}

ParseError route_query_answer_fields(ByteSpan body, Json& json) {
  ChordRouteQueryAns answer;
  const ParseError fault = parse_chord_route_query_answer(body, answer);
  if (fault.ok()) json["next_peer"] = to_hex(answer.next_peer.bytes);
  return fault;
}

ParseError probe_request_fields(ByteSpan body, Json& json) {
  ProbeReq request;
  const ParseError fault = parse_probe_request(body, request);
  if (!fault.ok()) return fault;
  json["requested_info"] = Json::array();
  for (const ProbeInformationType type : request.requested_info) {
    json["requested_info"].push_back(
        named(static_cast<unsigned>(type), probe_information_name(type)));
  }
  return {};
}

ParseError probe_answer_fields(ByteSpan body, Json& json) {
  ProbeAns answer;
  const ParseError fault = parse_probe_answer(body, answer);
  if (!fault.ok()) return fault;
  json["probe_info"] = Json::array();
  for (const ProbeInformation& item : answer.probe_info) {
    const char* const name = probe_information_name(item.type);
    Json entry{{"type", named(static_cast<unsigned>(item.type), name)}};
    entry["value"] = name == nullptr ? Json(to_hex(item.unknown_value)) : Json(item.value);
    json["probe_info"].push_back(entry);
  }
  return {};
}

Json address_json(const IpAddressPort& address) {
  if (address.type == AddressType::kInvalid) {
    return {{"type", named(address.wire_type, nullptr)}, {"data", to_hex(address.encoded)}};
  }
  const bool ipv4 = address.type == AddressType::kIpv4;
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)inet_ntop(ipv4 ? AF_INET : AF_INET6, address.address.data(), text.data(), text.size());
  return {{"type", named(address.wire_type, ipv4 ? "ipv4_address" : "ipv6_address")},
          {"addr", text.data()},
          {"port", address.port}};
}

Json candidate_json(const IceCandidate& candidate) {
  Json json{{"addr_port", address_json(candidate.addr_port)}};
  json["overlay_link"] = named(static_cast<unsigned>(candidate.overlay_link),
                               overlay_link_name(candidate.overlay_link));
  json["foundation"] = text_or_hex(candidate.foundation);
  json["priority"] = candidate.priority;
  json["type"] = named(static_cast<unsigned>(candidate.type), cand_type_name(candidate.type));
  if (candidate.type != CandType::kHost) {
    json["rel_addr_port"] = address_json(candidate.rel_addr_port);
  }
  json["extensions"] = Json::array();
  IceExtension extension;
  for (ByteSpan rest = candidate.extensions; !rest.empty();) {
    if (!read_ice_extension(rest, extension).ok()) break;
    json["extensions"].push_back(
        {{"name", text_or_hex(extension.name)}, {"value", text_or_hex(extension.value)}});
    rest = rest.subspan(extension.encoded.size());
  }
  return json;
}

Json candidates_json(std::span<const IceCandidate> candidates) {
  Json json = Json::array();
  for (const IceCandidate& candidate : candidates) json.push_back(candidate_json(candidate));
  return json;
}

/// Well formed is not yet right: what a receiver would find fault with is named, and no
/// malformation.
ParseError attach_fields(ByteSpan body, AttachSide side, Json& json) {
  AttachReqAns attach;
  const ParseError fault = parse_attach(body, attach);
  if (!fault.ok()) return fault;
  json["ufrag"] = text_or_hex(attach.ufrag);
  json["password"] = text_or_hex(attach.password);
  json["role"] = text_or_hex(attach.role);
  json["candidates"] = candidates_json(attach.candidates);
  json["send_update"] = attach.send_update;
  json["problem"] = attach_problem_name(check_attach(attach, side));
  return {};
}

ParseError app_attach_fields(ByteSpan body, Json& json) {
  AppAttachReqAns attach;
  const ParseError fault = parse_app_attach(body, attach);
  if (!fault.ok()) return fault;
  json["ufrag"] = text_or_hex(attach.ufrag);
  json["password"] = text_or_hex(attach.password);
  json["application"] = attach.application;
  json["role"] = text_or_hex(attach.role);
  json["candidates"] = candidates_json(attach.candidates);
  return {};
}

ParseError config_update_request_fields(ByteSpan body, Json& json) {
  ConfigUpdateReq request;
  const ParseError fault = parse_config_update_request(body, request);
  if (!fault.ok()) return fault;
  json["type"] = named(static_cast<unsigned>(request.type), config_update_type_name(request.type));
  if (request.type == ConfigUpdateType::kConfig) {
    json["config_data"] = text_or_hex(request.config_data);
  } else if (request.type == ConfigUpdateType::kKind) {
    json["kinds"] = Json::array();
    for (const ByteSpan kind : request.kinds) json["kinds"].push_back(text_or_hex(kind));
  } else {
    json["content"] = to_hex(request.unknown_content);
  }
  return {};
}

ParseError add_fields(MessageCode code, ByteSpan body, Json& json) {
  switch (code) {
    case MessageCode::kPingReq:
      return ping_request_fields(body, json);
    case MessageCode::kPingAns:
      return ping_answer_fields(body, json);
    case MessageCode::kError:
      return error_fields(body, json);
    case MessageCode::kJoinReq:
      return join_request_fields(body, json);
    case MessageCode::kJoinAns:
      return join_answer_fields(body, json);
    case MessageCode::kLeaveReq:
      return leave_request_fields(body, json);
    case MessageCode::kUpdateReq:
      return update_request_fields(body, json);
    case MessageCode::kLeaveAns:
    case MessageCode::kUpdateAns:
    case MessageCode::kConfigUpdateAns:
      return parse_empty_body(body);
    case MessageCode::kRouteQueryReq:
      return route_query_request_fields(body, json);
    case MessageCode::kRouteQueryAns:
      return route_query_answer_fields(body, json);
    case MessageCode::kProbeReq:
      return probe_request_fields(body, json);
    case MessageCode::kProbeAns:
      return probe_answer_fields(body, json);
    case MessageCode::kAttachReq:
      return attach_fields(body, AttachSide::kOffer, json);
    case MessageCode::kAttachAns:
      return attach_fields(body, AttachSide::kAnswer, json);
    case MessageCode::kAppAttachReq:
    case MessageCode::kAppAttachAns:
      return app_attach_fields(body, json);
    case MessageCode::kConfigUpdateReq:
      return config_update_request_fields(body, json);
    default:
      return {};
  }
}

}  // namespace

Json body_json(const MessageContents& contents, ParseError& fault) {
  Json json{{"length", contents.body.size()}, {"hex", to_hex(contents.body)}};
  fault = add_fields(MessageCode{contents.message_code}, contents.body, json);
  return json;
}

}  // namespace controlplane::ctl
