// SPDX-License-Identifier: Apache-2.0
// A sender and a receiver over a path that loses, delays and reorders.

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "tests/dataplane/sr_sender_steps.h"
#include "wire/reload/link_framing.h"

namespace dataplane {
namespace {

/// A path with loss, delay and reordering both ways, a receiver that acks, and a sender that always
/// has something to say. Every message must end up delivered, or given up after five transmissions.
class Path {
 public:
  Path(unsigned seed, double loss, unsigned jitter_us, std::uint32_t first = 0)
      : random_(seed), loss_(loss), jitter_us_(jitter_us), sender_(first) {}

  void run(unsigned messages) {
    unsigned sent = 0;
    for (now_ = kStart; settled() < messages && now_ < kStart + 600'000'000; now_ += 200) {
      deliver();
      sender_.check_timers(now_);
      for (auto lost = sender_.next_lost(now_); lost.action != Action::kNone;
           lost = sender_.next_lost(now_)) {
        const unsigned message = move_out(lost.from_slot);
        if (lost.action == Action::kGiveUp) {
          given_up_.insert(message);
        } else {
          transmit(message, lost.sequence);
        }
      }
      while (sent < messages && sender_.can_send(now_)) transmit(sent++, sender_.send(now_, true));
      ASSERT_LE(sender_.in_flight(), kept_.size());
      ASSERT_EQ(sender_.in_flight(), kept_.size()) << "a slot leaks or is released twice";
    }
  }
  [[nodiscard]] std::size_t settled() const { return completed_.size() + given_up_.size(); }
  [[nodiscard]] const std::set<unsigned>& completed() const { return completed_; }
  [[nodiscard]] const std::set<unsigned>& arrived() const { return arrived_; }
  [[nodiscard]] const std::set<unsigned>& given_up() const { return given_up_; }
  [[nodiscard]] unsigned most_transmissions() const {
    unsigned most = 0;
    for (const auto& [message, times] : transmissions_) most = std::max(most, times);
    return most;
  }
  [[nodiscard]] const SrSender& sender() const { return sender_; }
  [[nodiscard]] std::uint64_t now() const { return now_; }

 private:
  struct Flying {
    std::uint32_t sequence;
    std::uint32_t mask;
    unsigned message;
    bool is_ack;
  };
  void fly(const Flying& flying) {
    if (std::uniform_real_distribution<>(0, 1)(random_) < loss_) return;
    const unsigned jitter = std::uniform_int_distribution<unsigned>(0, jitter_us_)(random_);
    air_.emplace(now_ + 1000 + jitter, flying);
  }
  void transmit(unsigned message, std::uint32_t sequence) {
    kept_[SrSender::slot_of(sequence)] = message;
    ++transmissions_[message];
    fly({sequence, 0, message, false});
  }
  unsigned move_out(std::uint32_t slot) {
    const unsigned message = kept_.at(slot);
    kept_.erase(slot);
    return message;
  }
  void deliver() {
    while (!air_.empty() && air_.begin()->first <= now_) {
      const Flying flying = air_.begin()->second;
      air_.erase(air_.begin());
      if (!flying.is_ack) {
        arrived_.insert(flying.message);
        fly({flying.sequence, window_.note(flying.sequence), 0, true});
        continue;
      }
      SrSender::Completed completed;
      ASSERT_NE(sender_.acknowledge(flying.sequence, flying.mask, now_, completed),
                AckKind::kNeverSent);
      for (std::uint32_t i = 0; i < completed.count; ++i) {
        completed_.insert(move_out(completed.slots[i]));
      }
    }
  }

  std::mt19937 random_;
  double loss_;
  unsigned jitter_us_;
  std::uint64_t now_ = 0;
  SrSender sender_;
  wire::reload::AckWindow window_;
  std::multimap<std::uint64_t, Flying> air_;
  std::map<std::uint32_t, unsigned> kept_;
  std::map<unsigned, unsigned> transmissions_;
  std::set<unsigned> completed_, arrived_, given_up_;
};

TEST(SrSender, ACleanPathNeedsNoRetransmission) {
  Path path(1, 0, 0);
  path.run(3000);
  EXPECT_EQ(path.completed().size(), 3000U);
  EXPECT_EQ(path.most_transmissions(), 1U);
  EXPECT_EQ(path.sender().cwnd(), SrSender::kWindow);
}

TEST(SrSender, EveryMessageArrivesOverALossyReorderingPath) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Path path(seed, 0.05, 3000);
    path.run(2000);
    ASSERT_EQ(path.settled(), 2000U) << "seed " << seed;
    EXPECT_EQ(path.given_up().size(), 0U) << "seed " << seed;
    EXPECT_EQ(path.arrived().size(), 2000U) << "seed " << seed;
    EXPECT_LE(path.most_transmissions(), SrSender::kMaxTransmissions) << "seed " << seed;
  }
}

TEST(SrSender, WhatIsCompletedHasArrivedEvenWhenAThirdOfAllFramesIsLost) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    Path path(seed, 0.33, 2000);
    path.run(300);
    ASSERT_EQ(path.settled(), 300U) << "seed " << seed;
    for (const unsigned message : path.completed()) EXPECT_TRUE(path.arrived().contains(message));
    EXPECT_FALSE(path.completed().empty());
  }
}

TEST(SrSender, SequenceNumbersWrapWithoutNotice) {
  Path path(7, 0.05, 3000, 0xfffffc00U);
  path.run(3000);
  EXPECT_EQ(path.arrived().size(), 3000U);
  EXPECT_LT(path.sender().next(), 0x80000000U) << "the numbers did wrap";
}

}  // namespace
}  // namespace dataplane
