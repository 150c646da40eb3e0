// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/join_leave.h"

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

Bytes join_request_body(const JoinReq& request) {
  Bytes body;
  append_node_id(body, request.joining_peer_id);
  append_vector16(body, request.overlay_specific_data);
  return body;
}

Bytes join_answer_body(const JoinAns& answer) {
  Bytes body;
  append_vector16(body, answer.overlay_specific_data);
  return body;
}

Bytes leave_request_body(const LeaveReq& request) {
  Bytes body;
  append_node_id(body, request.leaving_peer_id);
  append_vector16(body, request.overlay_specific_data);
  return body;
}

ParseError parse_join_request(std::span<const std::byte> body, JoinReq& out) noexcept {
  BodyReader in(body);
  out.joining_peer_id = in.node_id();
  out.overlay_specific_data = in.vector16();
  return in.verdict();
}

ParseError parse_join_answer(std::span<const std::byte> body, JoinAns& out) noexcept {
  BodyReader in(body);
  out.overlay_specific_data = in.vector16();
  return in.verdict();
}

ParseError parse_leave_request(std::span<const std::byte> body, LeaveReq& out) noexcept {
  BodyReader in(body);
  out.leaving_peer_id = in.node_id();
  out.overlay_specific_data = in.vector16();
  return in.verdict();
}

}  // namespace wire::reload
