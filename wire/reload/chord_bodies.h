// SPDX-License-Identifier: Apache-2.0
// What CHORD-RELOAD puts into the overlay specific parts of messages
// (RFC 6940 sections 10.7 to 10.9; requirements, I-48, I-49, I-62).
//
//   ChordUpdate          uptime(4)  type(1)  peer_ready: nothing
//                                            neighbors:  predecessors, successors
//                                            full:       predecessors, successors, fingers
//   ChordLeaveData       type(1)  from_succ: successors    from_pred: predecessors
//   ChordRouteQueryAns   next_peer(16)
//
// Each list is NodeId<0..2^16-1>. ChordUpdate is the whole body of an Update request, whose answer
// is empty (parse_empty_body()); ChordLeaveData is the overlay_specific_data of a Leave request;
// ChordRouteQueryAns the whole body of a RouteQuery's answer.
//
// Builders throw std::length_error for a list above its limit, std::invalid_argument for a reserved
// Node-ID, an unknown type, or a list that the type has no place for: what they give is what the
// parsers here accept. Parsers replace all of their output; no Node-ID in it is reserved.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

/// Most entries of a list of predecessors or successors. The RFC asks for three and recommends
/// O(log N): with 128 a ring of any size is served many times over, and what a peer can make us
/// look at stays bounded.
inline constexpr std::size_t kMaxListedNeighbors = 128;
/// Most fingers. A Finger Table has at most 128 places, and a peer may keep more than one for each.
inline constexpr std::size_t kMaxListedFingers = 256;

enum class ChordUpdateType : std::uint8_t {
  kInvalid = 0,
  kPeerReady = 1,
  kNeighbors = 2,
  kFull = 3
};

struct ChordUpdate {
  std::uint32_t uptime_s = 0;
  ChordUpdateType type = ChordUpdateType::kInvalid;
  std::vector<NodeId> predecessors;  ///< kNeighbors and kFull, as the sender orders them
  std::vector<NodeId> successors;    ///< kNeighbors and kFull
  std::vector<NodeId> fingers;       ///< kFull

  /// I-49: sent in ascending order. The builder sorts. A receiver has no use for the order, so a
  /// list in another one is read like any; who wants to count such peers asks here.
  [[nodiscard]] bool fingers_ascend() const noexcept;

  bool operator==(const ChordUpdate&) const = default;
};

[[nodiscard]] Bytes chord_update_body(const ChordUpdate& update);
/// Faults: kBadBody, kUnknownVariant for the type, kReservedNodeId, kTooManyEntries.
[[nodiscard]] ParseError parse_chord_update(std::span<const std::byte> body, ChordUpdate& out);

/// From where the recipient sees the leaving peer: it is my successor and hands me its successors.
enum class ChordLeaveType : std::uint8_t { kInvalid = 0, kFromSucc = 1, kFromPred = 2 };

struct ChordLeaveData {
  ChordLeaveType type = ChordLeaveType::kInvalid;
  std::vector<NodeId> peers;  ///< the sender's successors (kFromSucc) or predecessors (kFromPred)

  bool operator==(const ChordLeaveData&) const = default;
};

/// To be put into LeaveReq::overlay_specific_data.
[[nodiscard]] Bytes chord_leave_data(const ChordLeaveData& leave);
/// @p base is added to the offset of a fault. Faults as those of parse_chord_update().
[[nodiscard]] ParseError parse_chord_leave_data(std::span<const std::byte> data,
                                                ChordLeaveData& out, std::uint32_t base = 0);

struct ChordRouteQueryAns {
  NodeId next_peer;
};

[[nodiscard]] Bytes chord_route_query_answer_body(const ChordRouteQueryAns& answer);
/// Faults: kBadBody, kReservedNodeId.
[[nodiscard]] ParseError parse_chord_route_query_answer(std::span<const std::byte> body,
                                                        ChordRouteQueryAns& out) noexcept;

}  // namespace wire::reload
