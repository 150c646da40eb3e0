// SPDX-License-Identifier: Apache-2.0
// Reads a message from its first byte to its last, as the node it is meant for would.

#pragma once

#include <cstddef>
#include <span>

#include "tests/support/method_bodies.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace tests {

/// Borrowed from the bytes it was read from.
struct WholeMessage {
  wire::reload::ForwardingHeader header;
  std::span<const std::byte> via_list;
  std::span<const std::byte> destination_list;
  std::span<const std::byte> options;
  wire::reload::OptionSummary option_summary;
  wire::reload::MessageContents contents;
  wire::reload::SecurityBlock security;
};

/// The first fault in the order of the bytes; what follows the header of a fragment is not read.
inline wire::reload::ParseError read_whole(std::span<const std::byte> message, WholeMessage& out) {
  using namespace wire::reload;
  if (const ParseError error = parse_forwarding_header(message, out.header); !error.ok()) {
    return error;
  }
  const ForwardingHeader& header = out.header;
  out.via_list = message.subspan(kFixedHeaderBytes, header.via_list_length);
  out.destination_list =
      message.subspan(header.destination_list_offset(), header.destination_list_length);
  out.options = message.subspan(header.options_offset(), header.options_length);
  ParseError error = check_destination_list(out.via_list, ListKind::kVia, kFixedHeaderBytes);
  if (!error.ok()) return error;
  error = check_destination_list(out.destination_list, ListKind::kDestination,
                                 header.destination_list_offset());
  if (!error.ok()) return error;
  error = check_options(out.options, out.option_summary, header.options_offset());
  if (!error.ok() || !header.fragment.is_whole()) return error;

  const std::uint32_t contents_at = header.size();
  error = parse_message_contents(message.subspan(contents_at), out.contents, contents_at);
  if (!error.ok()) return error;
  error = read_body(out.contents.message_code, out.contents.body).fault;
  if (!error.ok()) return {error.fault, contents_at + 6 + error.offset};  // after code and length
  const auto block_at = static_cast<std::uint32_t>(contents_at + out.contents.encoded.size());
  return parse_security_block(message.subspan(block_at), out.security, block_at);
}

/// The same for a datagram from a link.
inline wire::reload::ParseError read_whole_frame(std::span<const std::byte> datagram,
                                                 WholeMessage& out) {
  using namespace wire::reload;
  Frame frame;
  ParseError error = parse_frame(datagram, frame);
  if (!error.ok() || frame.is_ack) return error;
  error = read_whole(frame.message, out);
  if (!error.ok()) error.offset += kDataFrameOverhead;
  return error;
}

}  // namespace tests
