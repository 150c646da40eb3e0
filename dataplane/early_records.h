// SPDX-License-Identifier: Apache-2.0
// Datagrams of application data that came before their keys.
//
// The side of a handshake that is done first sends at once, and the other side still has the last
// flight on its way through the control plane. What comes meanwhile is kept for a moment, because
// its sender would repeat it only after a retransmission timeout.

#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/mbuf_queue.h"

namespace dataplane {

/// Of one worker. Owns what it holds.
class EarlyRecords {
 public:
  static constexpr std::size_t kLimit = 64;  ///< of all links of the worker
  static constexpr std::uint32_t kHoldMs = 1000;

  /// False when there is no room; then the packet is still the caller's.
  [[nodiscard]] bool hold(rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept {
    if (held_.size() >= kLimit) return false;
    context_of(mbuf).queued_tsc = now_tsc;
    held_.push(mbuf);
    return true;
  }
  /// Moves what came on the link to the end of @p to, in the order in which it came.
  void release(std::uint16_t slot, MbufQueue& to) noexcept {
    for (std::size_t left = held_.size(); left != 0; --left) {
      rte_mbuf* const mbuf = held_.pop();
      (context_of(mbuf).link_in == slot ? to : held_).push(mbuf);
    }
  }
  /// The oldest, when it came before @p tsc; then it is the caller's. Else nullptr.
  [[nodiscard]] rte_mbuf* take_older_than(std::uint64_t tsc) noexcept {
    if (held_.empty() || context_of(held_.front()).queued_tsc >= tsc) return nullptr;
    return held_.pop();
  }
  /// The oldest, which is the caller's then, or nullptr.
  [[nodiscard]] rte_mbuf* take() noexcept { return held_.pop(); }
  [[nodiscard]] std::size_t size() const noexcept { return held_.size(); }

 private:
  MbufQueue held_;
};

}  // namespace dataplane
