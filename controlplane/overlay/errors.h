// SPDX-License-Identifier: Apache-2.0
// Which error answers what, and how often.

#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "controlplane/overlay/io.h"

namespace controlplane::overlay {

/// The error that answers a request dropped for @p reason, as drop_reason.def names it; nullopt
/// when the RFC asks for silence.
[[nodiscard]] std::optional<wire::reload::ErrorCode> answer_to(
    wire::shm::DropReason reason) noexcept;

/// Limits the errors that go back over one link, so that a flood of bad requests is not answered
/// by a flood of signatures.
class ErrorMeter {
 public:
  static constexpr std::uint64_t kPerSecond = 50;
  static constexpr std::uint64_t kBurst = 50;

  [[nodiscard]] bool allow(const Now& now, std::uint16_t slot);

 private:
  struct Bucket {
    std::uint64_t tokens = kBurst;
    std::uint64_t filled_ns = 0;
  };
  std::map<std::uint16_t, Bucket> buckets_;
};

}  // namespace controlplane::overlay
