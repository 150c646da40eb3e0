// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/forwarding_option.h"

#include "wire/cursor.h"

namespace wire::reload {

namespace {

/// B-41. RFC 7263's flag is not among them and stays as it was.
constexpr unsigned kFlagsBarredInResponses =
    kForwardCritical | kDestinationCritical | kResponseCopy;

}  // namespace

ParseError read_option(std::span<const std::byte> options, ForwardingOption& out) noexcept {
  ReadCursor in(options);
  out.type = in.u8();
  out.flags = in.u8();
  out.value = in.vector16();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};
  if (out.type == 0) return {ParseFault::kBadOption, 0};
  out.encoded = in.since(0);
  return {};
}

ParseError check_options(std::span<const std::byte> options, OptionSummary& out,
                         std::uint32_t base) noexcept {
  out = {};
  std::size_t at = 0;
  while (at < options.size()) {
    ForwardingOption option;
    const ParseError error = read_option(options.subspan(at), option);
    if (!error.ok()) {
      return {error.fault, base + static_cast<std::uint32_t>(at) + error.offset};
    }
    out.forward_critical |= (option.flags & kForwardCritical) != 0;
    out.destination_critical |= (option.flags & kDestinationCritical) != 0;
    out.response_copy |= (option.flags & kResponseCopy) != 0;
    at += option.encoded.size();
  }
  return {};
}

std::size_t write_option(std::uint8_t type, std::uint8_t flags, std::span<const std::byte> value,
                         std::span<std::byte> to) noexcept {
  if (value.size() > 0xffff) return 0;
  WriteCursor out(to);
  out.u8(type);
  out.u8(flags);
  out.u16(static_cast<std::uint16_t>(value.size()));
  out.bytes(value);
  return out.written();
}

std::size_t copy_for_response(std::span<const std::byte> options,
                              std::span<std::byte> to) noexcept {
  std::size_t written = 0;
  while (!options.empty()) {
    ForwardingOption option;
    if (!read_option(options, option).ok()) break;
    if ((option.flags & kResponseCopy) != 0) {
      const auto flags = static_cast<std::uint8_t>(option.flags & ~kFlagsBarredInResponses);
      written += write_option(option.type, flags, option.value, to.subspan(written));
    }
    options = options.subspan(option.encoded.size());
  }
  return written;
}

}  // namespace wire::reload
