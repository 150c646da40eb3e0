// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/route_query.h"

#include <array>
#include <stdexcept>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

namespace {

void append_destination(Bytes& to, const Destination& destination) {
  if (destination.compact) {
    if (destination.value.size() != kCompactEntryBytes ||
        (load_u8(destination.value.data()) & 0x80U) == 0) {
      throw std::invalid_argument("RouteQueryReq: not a compact opaque ID");
    }
    return append(to, destination.value);
  }
  std::array<std::byte, 3 + kMaxResourceIdBytes> entry;
  std::size_t size = 0;
  switch (destination.type) {
    case DestinationType::kNode:
      if (destination.value.size() != kNodeIdBytes || destination.node_id().is_invalid()) {
        throw std::invalid_argument("RouteQueryReq: not a Node-ID");
      }
      size = write_node_entry(destination.node_id(), entry);
      break;
    case DestinationType::kResource:
      size = write_resource_entry(destination.value, entry);
      break;
    case DestinationType::kOpaque:
      size = write_opaque_entry(destination.value, entry);
      break;
    case DestinationType::kInvalid:
      throw std::invalid_argument("RouteQueryReq: a destination of no type");
  }
  if (size == 0)
    throw std::length_error("RouteQueryReq: a Resource-ID or opaque ID over 254 bytes");
  append(to, std::span(entry).first(size));
}

}  // namespace

Destination node_destination(const NodeId& id) noexcept {
  Destination destination;
  destination.type = DestinationType::kNode;
  destination.wire_type = static_cast<std::uint8_t>(destination.type);
  destination.value = id.bytes;
  return destination;
}

Destination resource_destination(std::span<const std::byte> resource_id) noexcept {
  Destination destination;
  destination.type = DestinationType::kResource;
  destination.wire_type = static_cast<std::uint8_t>(destination.type);
  destination.value = resource_id;
  return destination;
}

Bytes route_query_request_body(const RouteQueryReq& request) {
  Bytes body;
  append_u8(body, request.send_update ? 1 : 0);
  append_destination(body, request.destination);
  append_vector16(body, request.overlay_specific_data);
  return body;
}

ParseError parse_route_query_request(std::span<const std::byte> body, RouteQueryReq& out) noexcept {
  BodyReader in(body);
  out = {};
  out.send_update = in.boolean();
  if (!in.ok()) return in.verdict();
  const std::uint32_t at = in.offset();
  if (const ParseError error = read_destination(in.rest(), out.destination); !error.ok()) {
    // An entry that does not fit is a body that does not fit.
    const bool truncated = error.fault == ParseFault::kTruncated;
    return {truncated ? ParseFault::kBadBody : error.fault, at + error.offset};
  }
  if (out.destination.type == DestinationType::kInvalid) {
    return {ParseFault::kUnknownDestination, at};
  }
  (void)in.bytes(out.destination.entry.size());
  out.overlay_specific_data = in.vector16();
  return in.verdict();
}

}  // namespace wire::reload
