// SPDX-License-Identifier: Apache-2.0
#include "tests/support/method_bodies.h"

#include <algorithm>

#include "wire/reload/attach.h"
#include "wire/reload/body_reader.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/config_update.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/message_builder.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace tests {

namespace {

using namespace wire::reload;
using ByteSpan = std::span<const std::byte>;

/// The usual pair of functions.
template <class Body>
BodyRoundTrip round_trip(ByteSpan bytes, ParseError (*parse)(ByteSpan, Body&),
                         Bytes (*build)(const Body&)) {
  Body body;
  const ParseError fault = parse(bytes, body);
  if (!fault.ok()) return {fault, std::nullopt, false};
  return {fault, build(body), false};
}

BodyRoundTrip read_empty(ByteSpan bytes) {
  const ParseError fault = parse_empty_body(bytes);
  if (!fault.ok()) return {fault, std::nullopt, false};
  return {fault, Bytes(), false};
}

BodyRoundTrip read_ping_request(ByteSpan bytes) {
  const ParseError fault = parse_ping_request(bytes);
  return {fault, std::nullopt, false};  // the padding means nothing, and is not kept
}

BodyRoundTrip read_ping_answer(ByteSpan bytes) {
  PingAnswer answer;
  const ParseError fault = parse_ping_answer(bytes, answer);
  if (!fault.ok()) return {fault, std::nullopt, false};
  return {fault, ping_answer_body(answer.response_id, answer.time_ms), false};
}

BodyRoundTrip read_error(ByteSpan bytes) {
  ErrorResponse error;
  const ParseError fault = parse_error_response(bytes, error);
  if (!fault.ok()) return {fault, std::nullopt, false};
  return {fault, error_body(ErrorCode{error.error_code}, error.error_info), false};
}

/// With the data of CHORD-RELOAD inside, when there is any.
BodyRoundTrip read_leave_request(ByteSpan bytes) {
  LeaveReq request;
  ParseError fault = parse_leave_request(bytes, request);
  if (!fault.ok()) return {fault, std::nullopt, false};
  if (request.overlay_specific_data.empty()) return {fault, leave_request_body(request), false};
  ChordLeaveData leave;
  const auto data_at =
      static_cast<std::uint32_t>(request.overlay_specific_data.data() - bytes.data());
  fault = parse_chord_leave_data(request.overlay_specific_data, leave, data_at);
  if (!fault.ok()) return {fault, std::nullopt, false};
  const Bytes data = chord_leave_data(leave);
  return {fault, leave_request_body({request.leaving_peer_id, data}), false};
}

BodyRoundTrip read_update_request(ByteSpan bytes) {
  ChordUpdate update;
  const ParseError fault = parse_chord_update(bytes, update);
  if (!fault.ok()) return {fault, std::nullopt, false};
  return {fault, chord_update_body(update), !update.fingers_ascend()};
}

/// Of Attach and AppAttach. Candidates of the future are read and cannot be sent.
template <class Body>
BodyRoundTrip read_attach(ByteSpan bytes, ParseError (*parse)(ByteSpan, Body&),
                          Bytes (*build)(const Body&)) {
  Body body;
  const ParseError fault = parse(bytes, body);
  const bool sendable = std::all_of(body.candidates.begin(), body.candidates.end(),
                                    [](const IceCandidate& c) { return c.is_usable(); });
  if (!fault.ok() || !sendable) return {fault, std::nullopt, false};
  return {fault, build(body), false};
}

BodyRoundTrip read_config_update_request(ByteSpan bytes) {
  ConfigUpdateReq request;
  const ParseError fault = parse_config_update_request(bytes, request);
  const bool sendable = config_update_type_name(request.type) != nullptr;
  if (!fault.ok() || !sendable) return {fault, std::nullopt, false};
  return {fault, config_update_request_body(request), false};
}

}  // namespace

BodyRoundTrip read_body(std::uint16_t message_code, ByteSpan body) {
  switch (MessageCode{message_code}) {
    case MessageCode::kPingReq:
      return read_ping_request(body);
    case MessageCode::kPingAns:
      return read_ping_answer(body);
    case MessageCode::kError:
      return read_error(body);
    case MessageCode::kJoinReq:
      return round_trip<JoinReq>(body, parse_join_request, join_request_body);
    case MessageCode::kJoinAns:
      return round_trip<JoinAns>(body, parse_join_answer, join_answer_body);
    case MessageCode::kLeaveReq:
      return read_leave_request(body);
    case MessageCode::kUpdateReq:
      return read_update_request(body);
    case MessageCode::kLeaveAns:
    case MessageCode::kUpdateAns:
    case MessageCode::kConfigUpdateAns:
      return read_empty(body);
    case MessageCode::kRouteQueryReq:
      return round_trip<RouteQueryReq>(body, parse_route_query_request, route_query_request_body);
    case MessageCode::kRouteQueryAns:
      return round_trip<ChordRouteQueryAns>(body, parse_chord_route_query_answer,
                                            chord_route_query_answer_body);
    case MessageCode::kProbeReq:
      return round_trip<ProbeReq>(body, parse_probe_request, probe_request_body);
    case MessageCode::kProbeAns:
      return round_trip<ProbeAns>(body, parse_probe_answer, probe_answer_body);
    case MessageCode::kAttachReq:
    case MessageCode::kAttachAns:
      return read_attach<AttachReqAns>(body, parse_attach, attach_body);
    case MessageCode::kAppAttachReq:
    case MessageCode::kAppAttachAns:
      return read_attach<AppAttachReqAns>(body, parse_app_attach, app_attach_body);
    case MessageCode::kConfigUpdateReq:
      return read_config_update_request(body);
    default:
      return {};
  }
}

}  // namespace tests
