// SPDX-License-Identifier: Apache-2.0
// What the tests of the sender do with one again and again.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "dataplane/sr_sender.h"

namespace dataplane {

using AckKind = SrSender::AckKind;
using Action = SrSender::Lost::Action;

inline constexpr std::uint64_t kStart = 1'000'000;

/// Sends @p count messages at @p now.
inline void send_many(SrSender& sender, unsigned count, std::uint64_t now, bool reliable = true) {
  for (unsigned i = 0; i < count; ++i) {
    ASSERT_TRUE(sender.can_send(now));
    (void)sender.send(now, reliable);
  }
}

inline AckKind ack(SrSender& sender, std::uint32_t sequence, std::uint64_t now,
                   std::uint32_t mask = 0) {
  SrSender::Completed completed;
  return sender.acknowledge(sequence, mask, now, completed);
}

/// Turns a sender's timers as housekeeping does and collects what it sends again.
struct Resent {
  std::uint64_t at;
  std::uint32_t sequence;
};
inline std::vector<Resent> run_timers(SrSender& sender, std::uint64_t from, std::uint64_t to,
                                      unsigned* given_up = nullptr) {
  std::vector<Resent> resent;
  for (std::uint64_t now = from; now <= to; now += 1000) {
    sender.check_timers(now);
    for (auto lost = sender.next_lost(now); lost.action != Action::kNone;
         lost = sender.next_lost(now)) {
      if (lost.action == Action::kRetransmit) resent.push_back({now, lost.sequence});
      if (lost.action == Action::kGiveUp && given_up != nullptr) ++*given_up;
    }
  }
  return resent;
}

}  // namespace dataplane
