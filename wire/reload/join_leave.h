// SPDX-License-Identifier: Apache-2.0
// Bodies of Join and Leave (RFC 6940 sections 6.4.2.1 and 6.4.2.2; requirements ).
//
//   JoinReq    joining_peer_id(16)  overlay_specific_data<0..2^16-1>
//   JoinAns    overlay_specific_data<0..2^16-1>
//   LeaveReq   leaving_peer_id(16)  overlay_specific_data<0..2^16-1>
//   LeaveAns   nothing: parse_empty_body()
//
// CHORD-RELOAD puts nothing into the data of Join, and its ChordLeaveData (chord_bodies.h) into
// that of Leave. Whether the Node-ID is that of the signer and of the link is for the caller to
// ask.
//
// Spans are borrowed: from the caller when building, from the body when parsing. Builders throw
// std::length_error for data over 65535 bytes and std::invalid_argument for a reserved Node-ID.

#pragma once

#include <cstddef>
#include <span>

#include "wire/reload/bytes.h"
#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

struct JoinReq {
  NodeId joining_peer_id;
  std::span<const std::byte> overlay_specific_data;
};
struct JoinAns {
  std::span<const std::byte> overlay_specific_data;
};
struct LeaveReq {
  NodeId leaving_peer_id;
  std::span<const std::byte> overlay_specific_data;
};

[[nodiscard]] Bytes join_request_body(const JoinReq& request);
[[nodiscard]] Bytes join_answer_body(const JoinAns& answer);
[[nodiscard]] Bytes leave_request_body(const LeaveReq& request);

/// Faults: kBadBody; kReservedNodeId for a Node-ID that names no single node.
[[nodiscard]] ParseError parse_join_request(std::span<const std::byte> body, JoinReq& out) noexcept;
[[nodiscard]] ParseError parse_join_answer(std::span<const std::byte> body, JoinAns& out) noexcept;
[[nodiscard]] ParseError parse_leave_request(std::span<const std::byte> body,
                                             LeaveReq& out) noexcept;

}  // namespace wire::reload
