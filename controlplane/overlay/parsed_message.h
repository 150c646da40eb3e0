// SPDX-License-Identifier: Apache-2.0
// A whole RELOAD message taken apart, as the control plane reads it.

#pragma once

#include <cstddef>
#include <span>

#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace controlplane::overlay {

/// Every span borrows from the message.
struct ParsedMessage {
  std::span<const std::byte> message;
  wire::reload::ForwardingHeader header;
  std::span<const std::byte> via_list;
  std::span<const std::byte> destination_list;
  std::span<const std::byte> options;
  wire::reload::OptionSummary option_summary;
  wire::reload::MessageContents contents;
  wire::reload::SecurityBlock security;

  [[nodiscard]] bool is_request() const noexcept {
    return wire::reload::is_request(contents.message_code);
  }
};

/// Takes a whole message (no fragment: kBadFragment) apart and checks every list in it.
[[nodiscard]] wire::reload::ParseError parse_message(std::span<const std::byte> message,
                                                     ParsedMessage& out) noexcept;

/// Fills header, via_list, destination_list and options alone, from bytes that may end behind the
/// forwarding header. The options are as they came.
[[nodiscard]] wire::reload::ParseError parse_routing(std::span<const std::byte> message,
                                                     ParsedMessage& out) noexcept;

/// The last entry of a checked Destination List: whom the message is for in the end.
[[nodiscard]] wire::reload::Destination last_destination(std::span<const std::byte> list) noexcept;

}  // namespace controlplane::overlay
