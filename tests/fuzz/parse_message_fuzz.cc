// SPDX-License-Identifier: Apache-2.0
// Reads everything that can be reached from a datagram and holds the codec to three promises: no
// fault lies outside the bytes, nothing handed out lies outside them, and whatever was understood
// encodes back to the same bytes.

#include <cstring>
#include <span>
#include <vector>

#include "tests/fuzz/check.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace {

using namespace wire::reload;
using ByteSpan = std::span<const std::byte>;

bool same(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

bool inside(ByteSpan part, ByteSpan whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// True when the parse went well; a fault must name itself and a place within @p size.
bool accepted(ParseError error, std::size_t size) {
  FUZZ_CHECK(error.offset <= size);
  FUZZ_CHECK(fault_name(error.fault) != nullptr && fault_text(error.fault) != nullptr);
  return error.ok();
}

Bytes encode(const Destination& entry) {
  if (entry.compact) return {entry.value.begin(), entry.value.end()};
  Bytes encoded(entry.entry.size());
  std::size_t written = 0;
  if (entry.type == DestinationType::kNode) written = write_node_entry(entry.node_id(), encoded);
  if (entry.type == DestinationType::kResource) {
    written = write_resource_entry(entry.value, encoded);
  }
  if (entry.type == DestinationType::kOpaque) written = write_opaque_entry(entry.value, encoded);
  FUZZ_CHECK(written == encoded.size());
  return encoded;
}

/// Walks @p list as far as it is readable, whether or not it passes check_destination_list.
void walk_list(ByteSpan list) {
  for (ByteSpan rest = list; !rest.empty();) {
    Destination entry;
    if (!accepted(read_destination(rest, entry), rest.size())) return;
    FUZZ_CHECK(entry.entry.size() >= kCompactEntryBytes && inside(entry.entry, rest));
    FUZZ_CHECK(inside(entry.value, entry.entry));
    if (entry.type != DestinationType::kInvalid) FUZZ_CHECK(same(encode(entry), entry.entry));
    rest = rest.subspan(entry.entry.size());
  }
}

bool read_list(ByteSpan list, ListKind kind, std::uint32_t base, std::size_t message_size) {
  walk_list(list);
  (void)has_duplicate_entries(list);
  if (!accepted(check_destination_list(list, kind, base), message_size)) return false;
  Bytes reversed(list.size());
  Bytes again(list.size());
  reverse_list(list, reversed);
  reverse_list(reversed, again);
  FUZZ_CHECK(same(list, again));
  return true;
}

bool read_options(ByteSpan options, std::uint32_t base, std::size_t message_size) {
  OptionSummary summary;
  if (!accepted(check_options(options, summary, base), message_size)) return false;
  bool response_copy = false;
  for (ByteSpan rest = options; !rest.empty();) {
    ForwardingOption option;
    FUZZ_CHECK(read_option(rest, option).ok());
    FUZZ_CHECK(inside(option.encoded, rest) && inside(option.value, option.encoded));
    Bytes encoded(option.encoded.size());
    FUZZ_CHECK(write_option(option.type, option.flags, option.value, encoded) == encoded.size());
    FUZZ_CHECK(same(encoded, option.encoded));
    response_copy |= (option.flags & kResponseCopy) != 0;
    rest = rest.subspan(option.encoded.size());
  }
  FUZZ_CHECK(response_copy == summary.response_copy);

  Bytes copied(options.size());
  copied.resize(copy_for_response(options, copied));
  FUZZ_CHECK(copied.empty() != response_copy);
  FUZZ_CHECK(check_options(copied, summary).ok());
  FUZZ_CHECK(!summary.forward_critical && !summary.destination_critical && !summary.response_copy);
  return true;
}

void read_body(const MessageContents& contents) {
  PingAnswer answer;
  if (accepted(parse_ping_answer(contents.body, answer), contents.body.size())) {
    FUZZ_CHECK(same(ping_answer_body(answer.response_id, answer.time_ms), contents.body));
  }
  ErrorResponse error;
  if (accepted(parse_error_response(contents.body, error), contents.body.size())) {
    FUZZ_CHECK(same(error_body(ErrorCode{error.error_code}, error.error_info), contents.body));
  }
  (void)accepted(parse_ping_request(contents.body), contents.body.size());
}

Bytes encode(const SecurityBlock& block) {
  std::vector<Bytes> certificates;
  for (ByteSpan rest = block.certificates; !rest.empty();) {
    ByteSpan der;
    FUZZ_CHECK(read_certificate(rest, der, rest).ok());
    certificates.emplace_back(der.begin(), der.end());
  }
  FUZZ_CHECK(same(encode_signer_identity(block.signature.signer), block.signature.identity));
  return encode_security_block(certificates, block.signature.scheme, block.signature.identity,
                               block.signature.value);
}

/// Everything was understood, so the builder must be able to make the same message.
void rebuild(ByteSpan message, const ForwardingHeader& header, const MessageContents& contents,
             const SecurityBlock& block) {
  MessageBuilder builder;
  builder.overlay(header.overlay)
      .configuration_sequence(header.configuration_sequence)
      .ttl(header.ttl)
      .transaction(header.transaction_id)
      .max_response_length(header.max_response_length)
      .via_entry(message.subspan(kFixedHeaderBytes, header.via_list_length))
      .destination_entry(
          message.subspan(header.destination_list_offset(), header.destination_list_length))
      .contents(MessageCode::kError, contents.body)
      .raw_code(contents.message_code);
  for (ByteSpan rest = message.subspan(header.options_offset(), header.options_length);
       !rest.empty();) {
    ForwardingOption option;
    FUZZ_CHECK(read_option(rest, option).ok());
    builder.option(option.type, option.flags, option.value);
    rest = rest.subspan(option.encoded.size());
  }
  for (ByteSpan rest = contents.extensions; !rest.empty();) {
    MessageExtension extension;
    FUZZ_CHECK(read_extension(rest, extension).ok());
    builder.extension(extension.type, extension.critical, extension.contents);
    rest = rest.subspan(extension.encoded.size());
  }
  FUZZ_CHECK(same(encode(block), block.encoded));
  Bytes built = builder.with_security_block(block.encoded);
  FUZZ_CHECK(built.size() == message.size());
  // The reserved fragment bits are ignored on receipt, and never sent.
  std::memcpy(built.data() + header_offset::kFragment, message.data() + header_offset::kFragment,
              4);
  FUZZ_CHECK(same(built, message));
}

void cut(ByteSpan message, const ForwardingHeader& header) {
  const std::size_t max_bytes = header.size() + kMinFragmentBytes + header.ttl;
  Bytes joined;
  std::uint32_t expected = header.fragment.offset();
  for (const Bytes& piece : fragment_message(message, max_bytes)) {
    ForwardingHeader cut_header;
    FUZZ_CHECK(parse_forwarding_header(piece, cut_header).ok());
    FUZZ_CHECK(cut_header.fragment.offset() == expected && piece.size() <= max_bytes);
    const ByteSpan data = ByteSpan(piece).subspan(cut_header.size());
    joined.insert(joined.end(), data.begin(), data.end());
    expected += static_cast<std::uint32_t>(data.size());
  }
  FUZZ_CHECK(joined.empty() || same(joined, message.subspan(header.size())));
}

void read_message(ByteSpan message) {
  ForwardingHeader header;
  if (!accepted(parse_forwarding_header(message, header), message.size())) return;
  FUZZ_CHECK(header.size() <= message.size());
  Bytes encoded(kFixedHeaderBytes);
  write_forwarding_header(header, encoded);
  FUZZ_CHECK(same(encoded, message.first(kFixedHeaderBytes)));
  cut(message, header);

  const ByteSpan via = message.subspan(kFixedHeaderBytes, header.via_list_length);
  const ByteSpan destinations =
      message.subspan(header.destination_list_offset(), header.destination_list_length);
  const ByteSpan options = message.subspan(header.options_offset(), header.options_length);
  // All three are read even when the first is refused: each reader must stand on its own.
  const bool via_ok =
      read_list(via, ListKind::kVia, static_cast<std::uint32_t>(kFixedHeaderBytes), message.size());
  const bool destinations_ok = read_list(destinations, ListKind::kDestination,
                                         header.destination_list_offset(), message.size());
  const bool options_ok = read_options(options, header.options_offset(), message.size());
  if (!via_ok || !destinations_ok || !options_ok || !header.fragment.is_whole()) return;

  const ByteSpan payload = message.subspan(header.size());
  MessageContents contents;
  if (!accepted(parse_message_contents(payload, contents, header.size()), message.size())) return;
  FUZZ_CHECK(inside(contents.encoded, payload) && inside(contents.body, contents.encoded));
  FUZZ_CHECK(inside(contents.extensions, contents.encoded));
  read_body(contents);

  const std::size_t block_at = header.size() + contents.encoded.size();
  SecurityBlock block;
  if (!accepted(parse_security_block(message.subspan(block_at), block,
                                     static_cast<std::uint32_t>(block_at)),
                message.size())) {
    return;
  }
  for (ByteSpan part : signed_parts(message, contents.encoded, block.signature.identity)) {
    FUZZ_CHECK(!part.empty() && inside(part, message));
  }
  rebuild(message, header, contents, block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const ByteSpan datagram = std::as_bytes(std::span(bytes, size));
  Frame frame;
  if (accepted(parse_frame(datagram, frame), size)) {
    FUZZ_CHECK(inside(frame.message, datagram));
    Bytes header(frame.is_ack ? kAckFrameBytes : kDataFrameOverhead);
    if (frame.is_ack) {
      write_ack_frame(frame.sequence, frame.received, header);
    } else {
      write_data_frame_header(frame.sequence, static_cast<std::uint32_t>(frame.message.size()),
                              header);
    }
    FUZZ_CHECK(same(header, datagram.first(header.size())));
    read_message(frame.message);
  } else {
    read_message(datagram);
  }
  return 0;
}
