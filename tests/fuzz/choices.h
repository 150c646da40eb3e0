// SPDX-License-Identifier: Apache-2.0
// A fuzz input read as a list of choices.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tests {

/// Takes choices from the front of a fuzz input. At its end everything is 0.
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t u8() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8U | u8());
  }
  std::vector<std::byte> bytes(std::size_t most) {
    const std::size_t count = most < bytes_.size() ? most : bytes_.size();
    const auto part = std::as_bytes(bytes_.first(count));
    bytes_ = bytes_.subspan(count);
    return {part.begin(), part.end()};
  }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace tests
