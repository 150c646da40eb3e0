// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/chord_bodies.h"

#include <algorithm>
#include <stdexcept>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

bool ChordUpdate::fingers_ascend() const noexcept {
  return std::is_sorted(fingers.begin(), fingers.end());
}

Bytes chord_update_body(const ChordUpdate& update) {
  const bool has_neighbors =
      update.type == ChordUpdateType::kNeighbors || update.type == ChordUpdateType::kFull;
  const bool has_fingers = update.type == ChordUpdateType::kFull;
  if (!has_neighbors && update.type != ChordUpdateType::kPeerReady) {
    throw std::invalid_argument("ChordUpdate: no such type");
  }
  if ((!has_neighbors && !(update.predecessors.empty() && update.successors.empty())) ||
      (!has_fingers && !update.fingers.empty())) {
    throw std::invalid_argument("ChordUpdate: a list that its type has no place for");
  }
  Bytes body;
  append_u32(body, update.uptime_s);
  append_u8(body, static_cast<std::uint8_t>(update.type));
  if (has_neighbors) {
    append_node_ids(body, update.predecessors, kMaxListedNeighbors);
    append_node_ids(body, update.successors, kMaxListedNeighbors);
  }
  if (has_fingers) {
    std::vector<NodeId> ascending = update.fingers;
    std::sort(ascending.begin(), ascending.end());
    append_node_ids(body, ascending, kMaxListedFingers);
  }
  return body;
}

ParseError parse_chord_update(std::span<const std::byte> body, ChordUpdate& out) {
  BodyReader in(body);
  out = {};
  out.uptime_s = in.u32();
  const std::uint32_t type_at = in.offset();
  const std::uint8_t type = in.u8();
  if (!in.ok()) return in.verdict();
  switch (ChordUpdateType{type}) {
    case ChordUpdateType::kFull:
    case ChordUpdateType::kNeighbors:
    case ChordUpdateType::kPeerReady:
      out.type = ChordUpdateType{type};
      break;
    default:
      return {ParseFault::kUnknownVariant, type_at};
  }
  if (out.type != ChordUpdateType::kPeerReady) {
    in.node_ids(out.predecessors, kMaxListedNeighbors);
    in.node_ids(out.successors, kMaxListedNeighbors);
  }
  if (out.type == ChordUpdateType::kFull) in.node_ids(out.fingers, kMaxListedFingers);
  return in.verdict();
}

Bytes chord_leave_data(const ChordLeaveData& leave) {
  if (leave.type != ChordLeaveType::kFromSucc && leave.type != ChordLeaveType::kFromPred) {
    throw std::invalid_argument("ChordLeaveData: no such type");
  }
  Bytes data;
  append_u8(data, static_cast<std::uint8_t>(leave.type));
  append_node_ids(data, leave.peers, kMaxListedNeighbors);
  return data;
}

ParseError parse_chord_leave_data(std::span<const std::byte> data, ChordLeaveData& out,
                                  std::uint32_t base) {
  BodyReader in(data, base);
  out = {};
  const std::uint32_t type_at = in.offset();
  const std::uint8_t type = in.u8();
  if (!in.ok()) return in.verdict();
  out.type = ChordLeaveType{type};
  if (out.type != ChordLeaveType::kFromSucc && out.type != ChordLeaveType::kFromPred) {
    out.type = ChordLeaveType::kInvalid;
    return {ParseFault::kUnknownVariant, type_at};
  }
  in.node_ids(out.peers, kMaxListedNeighbors);
  return in.verdict();
}

Bytes chord_route_query_answer_body(const ChordRouteQueryAns& answer) {
  Bytes body;
  append_node_id(body, answer.next_peer);
  return body;
}

ParseError parse_chord_route_query_answer(std::span<const std::byte> body,
                                          ChordRouteQueryAns& out) noexcept {
  BodyReader in(body);
  out.next_peer = in.node_id();
  return in.verdict();
}

}  // namespace wire::reload
