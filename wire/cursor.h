// SPDX-License-Identifier: Apache-2.0
// A bounds-checked walk over bytes that belong to someone else.
//
// Failure is sticky: the first read or write that does not fit is remembered with its offset, every
// later one gives zero and moves nothing. So a structure is read field by field without a test
// after each, and ok() is asked once at the end. Nothing here allocates or throws.
//
// The offset of a failure follows one rule: a fixed field that does not fit fails at the first byte
// that is missing; a length-prefixed one whose length asks for too much fails at its length.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "wire/byte_order.h"

namespace wire {

class ReadCursor {
 public:
  explicit ReadCursor(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint8_t u8() noexcept { return take(1) ? load_u8(last_) : std::uint8_t{0}; }
  [[nodiscard]] std::uint16_t u16() noexcept {
    return take(2) ? load_be16(last_) : std::uint16_t{0};
  }
  [[nodiscard]] std::uint32_t u24() noexcept { return take(3) ? load_be24(last_) : 0U; }
  [[nodiscard]] std::uint32_t u32() noexcept { return take(4) ? load_be32(last_) : 0U; }
  [[nodiscard]] std::uint64_t u64() noexcept { return take(8) ? load_be64(last_) : 0U; }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t count) noexcept {
    return take(count) ? std::span(last_, count) : std::span<const std::byte>();
  }

  /// opaque x<0..2^8-1>, <0..2^16-1>, <0..2^24-1>, <0..2^32-1>: a length, then that many bytes
  ///
  [[nodiscard]] std::span<const std::byte> vector8() noexcept {
    const std::size_t at = offset_;
    return vector(at, u8());
  }
  [[nodiscard]] std::span<const std::byte> vector16() noexcept {
    const std::size_t at = offset_;
    return vector(at, u16());
  }
  [[nodiscard]] std::span<const std::byte> vector24() noexcept {
    const std::size_t at = offset_;
    return vector(at, u24());
  }
  [[nodiscard]] std::span<const std::byte> vector32() noexcept {
    const std::size_t at = offset_;
    return vector(at, u32());
  }

  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  [[nodiscard]] bool at_end() const noexcept { return offset_ == bytes_.size(); }
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return bytes_.subspan(offset_); }
  /// Everything read since @p offset, which must not lie ahead.
  [[nodiscard]] std::span<const std::byte> since(std::size_t offset) const noexcept {
    return bytes_.subspan(offset, offset_ - offset);
  }
  /// Where the first failed read failed. Meaningful when !ok().
  [[nodiscard]] std::uint32_t failed_at() const noexcept {
    return static_cast<std::uint32_t>(failed_at_);
  }

 private:
  bool take(std::size_t count) noexcept {
    if (failed_ || bytes_.size() - offset_ < count) {
      fail(bytes_.size());
      return false;
    }
    last_ = bytes_.data() + offset_;
    offset_ += count;
    return true;
  }
  void fail(std::size_t at) noexcept {
    if (!failed_) failed_at_ = at;
    failed_ = true;
  }
  std::span<const std::byte> vector(std::size_t length_at, std::size_t length) noexcept {
    if (!failed_ && bytes_.size() - offset_ < length) fail(length_at);
    return bytes(length);
  }

  std::span<const std::byte> bytes_;
  const std::byte* last_ = nullptr;
  std::size_t offset_ = 0;
  std::size_t failed_at_ = 0;
  bool failed_ = false;
};

class WriteCursor {
 public:
  explicit WriteCursor(std::span<std::byte> to) noexcept : to_(to) {}

  void u8(std::uint8_t value) noexcept {
    if (take(1)) store_u8(last_, value);
  }
  void u16(std::uint16_t value) noexcept {
    if (take(2)) store_be16(last_, value);
  }
  void u32(std::uint32_t value) noexcept {
    if (take(4)) store_be32(last_, value);
  }
  void bytes(std::span<const std::byte> value) noexcept {
    if (take(value.size()) && !value.empty()) std::memcpy(last_, value.data(), value.size());
  }

  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  /// Bytes written, or 0 when something did not fit.
  [[nodiscard]] std::size_t written() const noexcept { return failed_ ? 0 : offset_; }

 private:
  bool take(std::size_t count) noexcept {
    if (failed_ || to_.size() - offset_ < count) {
      failed_ = true;
      return false;
    }
    last_ = to_.data() + offset_;
    offset_ += count;
    return true;
  }

  std::span<std::byte> to_;
  std::byte* last_ = nullptr;
  std::size_t offset_ = 0;
  bool failed_ = false;
};

}  // namespace wire
