// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/parse.h"

#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_option.h"

namespace dataplane {

namespace {

using namespace wire::reload;
using Bytes = std::span<const std::byte>;

DropReason header_reason(ParseFault fault) noexcept {
  switch (fault) {
    case ParseFault::kNotReload:
      return DropReason::kNotReload;
    case ParseFault::kBadVersion:
      return DropReason::kBadVersion;
    case ParseFault::kBadFragment:
      return DropReason::kBadFragmentWord;
    case ParseFault::kListsTooLong:
      return DropReason::kListsTooLong;
    case ParseFault::kEmptyDestination:
      return DropReason::kEmptyDestination;
    default:
      return DropReason::kBadLength;
  }
}

DropReason list_reason(ParseFault fault) noexcept {
  switch (fault) {
    case ParseFault::kUnknownDestination:
      return DropReason::kUnknownDestination;
    case ParseFault::kMisplacedResource:
      return DropReason::kMisplacedResource;
    default:
      return DropReason::kBadDestination;
  }
}

/// Ors the flags of all options. False when one is malformed.
bool read_option_flags(Bytes options, std::uint8_t& flags) noexcept {
  flags = 0;
  while (!options.empty()) {
    ForwardingOption option;
    if (!read_option(options, option).ok()) return false;
    flags = static_cast<std::uint8_t>(flags | option.flags);
    options = options.subspan(option.encoded.size());
  }
  return true;
}

[[gnu::always_inline]] inline std::uint16_t offset_in(Bytes message, Bytes part) noexcept {
  return static_cast<std::uint16_t>(part.data() - message.data());
}

/// What the wire parsers fill in. One for a burst: clearing it costs as much as reading a header,
/// and a parser that succeeds writes every field.
struct Views {
  MessageContents contents;
  SecurityBlock block;
};

/// The whole of one message: true, or false with @p why.
bool parse_one(Bytes message, std::uint32_t max_message_size, PacketContext& context, Views& views,
               DropReason& why) noexcept {
  context.message_code = 0;
  context.signer = nullptr;
  context.piece_next = nullptr;
  context.piece_count = 0;
  context.condemned = false;
  context.deliver = false;
  context.pop_bytes = 0;
  context.push_node = 0;

  ForwardingHeader& header = context.header;
  if (const ParseError error = parse_forwarding_header(message, header); !error.ok()) {
    why = header_reason(error.fault);
    return false;
  }
  // A fragment proves its message to be at least as long as where the fragment ends.
  if (std::uint64_t{header.length} + header.fragment.offset() > max_message_size) {
    // Only a request is answered with an error, so whoever answers must know what it was.
    if (header.fragment.is_whole() && message.size() >= header.size() + 2) {
      context.message_code = wire::load_be16(message.data() + header.size());
    }
    why = DropReason::kMessageTooLarge;
    return false;
  }

  const Bytes via = message.subspan(kFixedHeaderBytes, header.via_list_length);
  if (!via.empty()) {
    if (const ParseError error = check_destination_list(via, ListKind::kVia); !error.ok()) {
      why = list_reason(error.fault);
      return false;
    }
  }
  const Bytes destinations =
      message.subspan(header.destination_list_offset(), header.destination_list_length);
  if (NodeId only; !read_only_node(destinations, only)) {
    if (const ParseError error = check_destination_list(destinations, ListKind::kDestination);
        !error.ok()) {
      why = list_reason(error.fault);
      return false;
    }
  }
  if (!read_option_flags(message.subspan(header.options_offset(), header.options_length),
                         context.option_flags)) {
    why = DropReason::kBadOption;
    return false;
  }

  if (!header.fragment.is_whole()) {
    context.contents_offset = 0;
    context.certificates_length = 0;
    context.traffic_class = TrafficClass::kBulk;
    return true;
  }

  const Bytes payload = message.subspan(header.size());
  MessageContents& contents = views.contents;
  if (!parse_message_contents(payload, contents).ok()) {
    why = DropReason::kBadContents;
    return false;
  }
  SecurityBlock& block = views.block;
  if (!parse_security_block(payload.subspan(contents.encoded.size()), block).ok()) {
    why = DropReason::kBadSecurityBlock;
    return false;
  }
  context.contents_offset = offset_in(message, contents.encoded);
  context.contents_length = static_cast<std::uint16_t>(contents.encoded.size());
  context.identity_offset = offset_in(message, block.signature.identity);
  context.identity_length = static_cast<std::uint16_t>(block.signature.identity.size());
  context.signature_offset = offset_in(message, block.signature.value);
  context.signature_length = static_cast<std::uint16_t>(block.signature.value.size());
  context.certificates_offset = offset_in(message, block.certificates);
  context.certificates_length = static_cast<std::uint16_t>(block.certificates.size());
  context.message_code = contents.message_code;
  context.scheme = block.signature.scheme;
  context.traffic_class = traffic_class(contents.message_code);
  return true;
}

}  // namespace

void parse(Burst& burst, const wire::shm::PolicyTable& policy) noexcept {
  Views views;
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    DropReason why{};
    if (!parse_one(bytes_of(burst.mbufs[i]), policy.max_message_size, burst.context(i), views,
                   why)) {
      burst.drop(i, why);
    }
  }
}

}  // namespace dataplane
