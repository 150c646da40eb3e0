// SPDX-License-Identifier: Apache-2.0
// What somebody on the path can do to DTLS records without knowing keys. Each forged copy goes out
// in front of the record it was made from: a receiver that learns anything from it would refuse the
// real one.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/frame_view.h"

namespace tests::support {

enum class RecordAttack : std::uint8_t {
  kReplay,      ///< the record twice
  kReplayLate,  ///< again, when the window has moved past it
  kDelay,       ///< only then
  kEpoch,       ///< a copy in another epoch
  kNonce,       ///< a copy with another explicit nonce
  kSequence,    ///< a copy with a number far ahead
  kPayload,     ///< a copy with another ciphertext
  kTag,         ///< a copy with another tag
  kShorten,     ///< a copy without its end, all lengths put right
  kCut,         ///< a copy without its end, the record's length as it was
  kVersion,     ///< a copy of another version
  kType,        ///< a copy that says it is an alert
};
inline constexpr std::array kRecordAttackNames = {"replay",  "replay_late", "delay",   "epoch",
                                                  "nonce",   "sequence",    "payload", "tag",
                                                  "shorten", "cut",         "version", "type"};
inline constexpr std::size_t kRecordAttackCount = kRecordAttackNames.size();

/// The attacks on one direction of a link, one after the other.
class RecordAttacks {
 public:
  using Frame = std::vector<std::byte>;
  /// Records that pass before a late one is sent: more than any replay window holds.
  static constexpr std::uint32_t kLate = 400;

  /// @param one_in  attack one record of this many, at least 1
  explicit RecordAttacks(std::uint32_t one_in) : one_in_(one_in) {}

  /// Adds what goes on in the place of @p frame to @p out. @pre view.is_record, and of this frame
  void pass(std::span<const std::byte> frame, const FrameView& view, std::vector<Frame>& out);

  /// How often each attack reached the wire, by RecordAttack.
  [[nodiscard]] const std::array<std::uint64_t, kRecordAttackCount>& counts() const noexcept {
    return counts_;
  }

 private:
  struct Late {
    Frame frame;
    std::uint64_t due = 0;  ///< when so many records have passed
    RecordAttack attack{};
  };
  void attack(RecordAttack kind, std::span<const std::byte> frame, std::vector<Frame>& out);

  std::uint32_t one_in_;
  std::uint64_t passed_ = 0;
  std::uint64_t attacks_ = 0;
  std::vector<Late> late_;
  std::array<std::uint64_t, kRecordAttackCount> counts_{};
};

}  // namespace tests::support
