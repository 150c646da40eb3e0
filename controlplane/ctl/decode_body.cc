// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_body.h"

#include <string>

#include "controlplane/ctl/decode_fields.h"
#include "controlplane/ctl/hex_text.h"
#include "wire/reload/body_reader.h"
#include "wire/reload/chord_bodies.h"
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
      return parse_empty_body(body);
    case MessageCode::kRouteQueryReq:
      return route_query_request_fields(body, json);
    case MessageCode::kRouteQueryAns:
      return route_query_answer_fields(body, json);
    case MessageCode::kProbeReq:
      return probe_request_fields(body, json);
    case MessageCode::kProbeAns:
      return probe_answer_fields(body, json);
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
