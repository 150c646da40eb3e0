// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/forwarding_header.h"

namespace wire::reload {

namespace {

constexpr ParseError fault_at(ParseFault fault, std::size_t offset) noexcept {
  return {fault, static_cast<std::uint32_t>(offset)};
}

}  // namespace

ParseError parse_forwarding_header(std::span<const std::byte> message,
                                   ForwardingHeader& out) noexcept {
  if (message.size() < kFixedHeaderBytes) return fault_at(ParseFault::kTruncated, message.size());
  const std::byte* const at = message.data();
  if (load_be32(at + header_offset::kToken) != kReloToken) {
    return fault_at(ParseFault::kNotReload, header_offset::kToken);
  }
  out.version = load_u8(at + header_offset::kVersion);
  if (out.version != kVersion) return fault_at(ParseFault::kBadVersion, header_offset::kVersion);

  out.fragment.word = load_be32(at + header_offset::kFragment);
  const std::uint32_t fragment_offset = out.fragment.offset();
  if (!out.fragment.is_well_formed() ||
      (fragment_offset != 0 && fragment_offset < kMinFragmentBytes)) {
    return fault_at(ParseFault::kBadFragment, header_offset::kFragment);
  }

  out.length = load_be32(at + header_offset::kLength);
  if (out.length != message.size()) return fault_at(ParseFault::kBadLength, header_offset::kLength);

  out.via_list_length = load_be16(at + header_offset::kViaListLength);
  out.destination_list_length = load_be16(at + header_offset::kDestinationListLength);
  out.options_length = load_be16(at + header_offset::kOptionsLength);
  if (out.size() > message.size()) {
    // Name the first of the three lengths that leads past the end.
    std::size_t which = header_offset::kOptionsLength;
    if (out.options_offset() > message.size()) which = header_offset::kDestinationListLength;
    if (out.destination_list_offset() > message.size()) which = header_offset::kViaListLength;
    return fault_at(ParseFault::kListsTooLong, which);
  }
  if (out.destination_list_length == 0) {
    return fault_at(ParseFault::kEmptyDestination, header_offset::kDestinationListLength);
  }

  out.overlay = OverlayHash{load_be32(at + header_offset::kOverlay)};
  out.configuration_sequence = load_be16(at + header_offset::kConfigurationSequence);
  out.ttl = load_u8(at + header_offset::kTtl);
  out.transaction_id = TransactionId{load_be64(at + header_offset::kTransactionId)};
  out.max_response_length = load_be32(at + header_offset::kMaxResponseLength);
  return {};
}

void write_forwarding_header(const ForwardingHeader& header, std::span<std::byte> to) noexcept {
  std::byte* const at = to.data();
  store_be32(at + header_offset::kToken, kReloToken);
  store_be32(at + header_offset::kOverlay, static_cast<std::uint32_t>(header.overlay));
  store_be16(at + header_offset::kConfigurationSequence, header.configuration_sequence);
  store_u8(at + header_offset::kVersion, header.version);
  store_u8(at + header_offset::kTtl, header.ttl);
  store_be32(at + header_offset::kFragment, header.fragment.word);
  store_be32(at + header_offset::kLength, header.length);
  store_be64(at + header_offset::kTransactionId, static_cast<std::uint64_t>(header.transaction_id));
  store_be32(at + header_offset::kMaxResponseLength, header.max_response_length);
  store_be16(at + header_offset::kViaListLength, header.via_list_length);
  store_be16(at + header_offset::kDestinationListLength, header.destination_list_length);
  store_be16(at + header_offset::kOptionsLength, header.options_length);
}

}  // namespace wire::reload
