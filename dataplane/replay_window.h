// SPDX-License-Identifier: Apache-2.0
// Which record numbers of an association came already (RFC 6347 section 4.1.2.6; C-33).
//
// A bitmap that is used as a ring: bit n % kBits belongs to number n. 40 bytes.

#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>

namespace dataplane {

class ReplayWindow {
 public:
  /// Numbers behind the newest one that are still told apart. The RFC asks for at least 32 and
  /// prefers 64; more than that lets paths and queues reorder bursts.
  static constexpr std::uint64_t kBits = 256;

  enum class Place : std::uint8_t {
    kNew,
    kSeen,
    kBehind,  ///< too old to tell, so it counts as seen
  };

  /// Changes nothing: a number counts only when its record is authentic.
  [[nodiscard]] Place place(std::uint64_t number) const noexcept {
    if (number >= next_) return Place::kNew;
    if (next_ - number > kBits) return Place::kBehind;
    return (words_[word_of(number)] & bit_of(number)) == 0 ? Place::kNew : Place::kSeen;
  }

  /// Notes the number of an authentic record, unless its place() is another than kNew. Returns the
  /// place it had.
  /// @pre number < 2^63
  Place note(std::uint64_t number) noexcept {
    assert(number < std::uint64_t{1} << 63U);
    if (number >= next_) {
      // The place of number itself need not be cleared: it is set below.
      if (number > next_) forget(next_, number - 1);
      next_ = number + 1;
    } else if (const Place found = place(number); found != Place::kNew) {
      return found;
    }
    words_[word_of(number)] |= bit_of(number);
    return Place::kNew;
  }

  /// One more than the newest number, 0 before the first: how many records the peer has sealed with
  /// this key at least.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

 private:
  static constexpr std::uint64_t kWordBits = 64;
  static constexpr std::uint64_t kWords = kBits / kWordBits;
  static_assert(kBits % kWordBits == 0 && (kBits & (kBits - 1)) == 0);

  static constexpr std::size_t word_of(std::uint64_t number) noexcept {
    return number / kWordBits % kWords;
  }
  static constexpr std::uint64_t bit_of(std::uint64_t number) noexcept {
    return std::uint64_t{1} << number % kWordBits;
  }

  /// Clears what numbers a window's length below @p first to @p last left in their places. Out of
  /// line, because most records are just the next one.
  [[gnu::noinline]] void forget(std::uint64_t first, std::uint64_t last) noexcept {
    if (last - first >= kBits) {
      words_.fill(0);
      return;
    }
    while (first <= last) {
      const std::uint64_t in_word = std::min(kWordBits - first % kWordBits, last - first + 1);
      words_[word_of(first)] &= ~(~std::uint64_t{0} >> (kWordBits - in_word) << first % kWordBits);
      first += in_word;
    }
  }

  std::uint64_t next_ = 0;
  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace dataplane
