// SPDX-License-Identifier: Apache-2.0
// A body read field by field, with one verdict at the end.
//
// As with ReadCursor, the first fault is remembered with its offset and everything after it gives
// zeros and empty spans. A body must be used up exactly by the fields of its layout: a field that
// does not fit and bytes that are left over are both kBadBody. Spans are borrowed from the body.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/cursor.h"
#include "wire/reload/ids.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

class BodyReader {
 public:
  /// @p base is added to every offset: where @p body lies in what was given to the outermost call.
  explicit BodyReader(std::span<const std::byte> body, std::uint32_t base = 0) noexcept
      : in_(body), base_(base) {}

  [[nodiscard]] std::uint8_t u8() noexcept { return in_.u8(); }
  [[nodiscard]] std::uint16_t u16() noexcept { return in_.u16(); }
  [[nodiscard]] std::uint32_t u32() noexcept { return in_.u32(); }
  [[nodiscard]] std::span<const std::byte> vector8() noexcept { return in_.vector8(); }
  [[nodiscard]] std::span<const std::byte> vector16() noexcept { return in_.vector16(); }
  [[nodiscard]] std::span<const std::byte> vector24() noexcept { return in_.vector24(); }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t count) noexcept {
    return in_.bytes(count);
  }
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return in_.rest(); }
  /// opaque<0..2^8-1> as characters; nobody promises that they are UTF-8.
  [[nodiscard]] std::string_view text8() noexcept;
  /// One byte, 0 or 1; anything else is kBadBoolean.
  [[nodiscard]] bool boolean() noexcept;
  /// A Node-ID that names one node: zero and the wildcard are kReservedNodeId.
  [[nodiscard]] NodeId node_id() noexcept;
  /// NodeId<0..2^16-1>, each as by node_id(). More than @p most are kTooManyEntries at the length.
  /// Appends to @p out.
  void node_ids(std::vector<NodeId>& out, std::size_t most);

  /// Of the next field, counted as in a ParseError.
  [[nodiscard]] std::uint32_t offset() const noexcept {
    return base_ + static_cast<std::uint32_t>(in_.offset());
  }
  /// Nothing was wrong so far.
  [[nodiscard]] bool ok() const noexcept { return in_.ok() && fault_.ok(); }
  [[nodiscard]] bool at_end() const noexcept { return in_.at_end(); }
  /// Remembers @p fault unless there was one before; @p at counts as offset() does.
  void refuse(ParseFault fault, std::uint32_t at) noexcept;
  /// Asked when the last field was read.
  [[nodiscard]] ParseError verdict() const noexcept;

 private:
  ReadCursor in_;
  std::uint32_t base_;
  ParseError fault_;
};

/// The answers to Leave, Update and ConfigUpdate are empty. Faults: kBadBody.
[[nodiscard]] ParseError parse_empty_body(std::span<const std::byte> body) noexcept;

}  // namespace wire::reload
