// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/parsed_message.h"

namespace controlplane::overlay {

using wire::reload::ParseError;
using wire::reload::ParseFault;

ParseError parse_routing(std::span<const std::byte> message, ParsedMessage& out) noexcept {
  out = ParsedMessage{};
  out.message = message;
  if (const ParseError error = wire::reload::parse_forwarding_header(message, out.header);
      !error.ok()) {
    return error;
  }
  const auto via_offset = static_cast<std::uint32_t>(wire::reload::kFixedHeaderBytes);
  out.via_list = message.subspan(via_offset, out.header.via_list_length);
  out.destination_list =
      message.subspan(out.header.destination_list_offset(), out.header.destination_list_length);
  out.options = message.subspan(out.header.options_offset(), out.header.options_length);
  if (const ParseError error = wire::reload::check_destination_list(
          out.via_list, wire::reload::ListKind::kVia, via_offset);
      !error.ok()) {
    return error;
  }
  return wire::reload::check_destination_list(out.destination_list,
                                              wire::reload::ListKind::kDestination,
                                              out.header.destination_list_offset());
}

ParseError parse_message(std::span<const std::byte> message, ParsedMessage& out) noexcept {
  if (const ParseError error = parse_routing(message, out); !error.ok()) return error;
  if (!out.header.fragment.is_whole()) {
    return {ParseFault::kBadFragment, wire::reload::header_offset::kFragment};
  }
  if (const ParseError error =
          wire::reload::check_options(out.options, out.option_summary, out.header.options_offset());
      !error.ok()) {
    return error;
  }
  const std::uint32_t payload = out.header.size();
  if (const ParseError error =
          wire::reload::parse_message_contents(message.subspan(payload), out.contents, payload);
      !error.ok()) {
    return error;
  }
  const auto security = static_cast<std::uint32_t>(payload + out.contents.encoded.size());
  return wire::reload::parse_security_block(message.subspan(security), out.security, security);
}

wire::reload::Destination last_destination(std::span<const std::byte> list) noexcept {
  wire::reload::Destination last;
  while (!list.empty()) {
    if (!wire::reload::read_destination(list, last).ok() || last.entry.empty()) return {};
    list = list.subspan(last.entry.size());
  }
  return last;
}

}  // namespace controlplane::overlay
