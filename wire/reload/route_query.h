// SPDX-License-Identifier: Apache-2.0
// Body of a RouteQuery request (RFC 6940 section 6.4.2.4.1; requirement A-43). Its answer belongs
// to the topology: chord_bodies.h.
//
//   RouteQueryReq   send_update(1)  destination(Destination)  overlay_specific_data<0..2^16-1>

#pragma once

#include <cstddef>
#include <span>

#include "wire/reload/bytes.h"
#include "wire/reload/destination.h"
#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

/// Borrowed: from the caller when building, from the body when parsing.
struct RouteQueryReq {
  bool send_update = false;  ///< asks for an Update right after the answer
  Destination destination;   ///< of a known type; to build one see node_destination()
  std::span<const std::byte> overlay_specific_data;  ///< CHORD-RELOAD has none
};

/// Destinations to build a request with. They borrow, so a temporary does not compile.
[[nodiscard]] Destination node_destination(const NodeId& id) noexcept;
Destination node_destination(const NodeId&&) = delete;
[[nodiscard]] Destination resource_destination(std::span<const std::byte> resource_id) noexcept;

/// Encodes destination from its type and value. Throws std::length_error for a Resource-ID, opaque
/// ID or data that is too long, std::invalid_argument for a destination of no type or Node-ID zero.
[[nodiscard]] Bytes route_query_request_body(const RouteQueryReq& request);

/// Faults: kBadBody, kBadBoolean, kBadDestination, and kUnknownDestination for a type that cannot
/// be routed to.
[[nodiscard]] ParseError parse_route_query_request(std::span<const std::byte> body,
                                                   RouteQueryReq& out) noexcept;

}  // namespace wire::reload
