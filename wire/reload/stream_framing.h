// SPDX-License-Identifier: Apache-2.0
// Frames on a stream (RFC 6940 sections 6.6.2, 6.6.5; requirements C-09, C-34, C-35): cut by their
// lengths, wherever the pieces of the stream end.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/reload/link_framing.h"

namespace wire::reload {

/// One per connection. Holds at most one frame, so no more than max_message bytes and a header.
class FrameReader {
 public:
  /// @param max_message  longest message, bytes; at least kFixedHeaderBytes
  explicit FrameReader(std::uint32_t max_message) : max_message_(max_message) {}

  enum class Step : std::uint8_t {
    kNeedMore,        ///< all input was taken, no frame is whole
    kFrame,           ///< out holds one
    kTooLarge,        ///< a longer message; out.message is its forwarding header (C-34)
    kHeaderTooLarge,  ///< a longer message, its forwarding header alone is longer (C-35)
    kBroken,          ///< no frame, or a longer message that is no RELOAD message
  };
  /// Takes bytes off the front of @p input. Call again after kFrame; after the three last steps the
  /// stream is over and the same step is given for ever. out.message lies in @p input or in this
  /// object, and holds until the next call.
  [[nodiscard]] Step next(std::span<const std::byte>& input, Frame& out);

 private:
  [[nodiscard]] bool hold(std::span<const std::byte>& input, std::size_t bytes);
  [[nodiscard]] Step too_large(std::span<const std::byte>& input, Frame& out);
  Step end(Step step) noexcept { return end_ = step; }

  std::uint32_t max_message_;
  std::vector<std::byte> held_;  // the beginning of a frame
  bool given_ = false;           // held_ was given out as a frame
  Step end_ = Step::kNeedMore;
};

}  // namespace wire::reload
