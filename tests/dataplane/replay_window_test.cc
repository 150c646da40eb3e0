// SPDX-License-Identifier: Apache-2.0
// The replay window against a set that forgets nothing, in any order of numbers.
#include "dataplane/replay_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_set>
#include <vector>

namespace {

using dataplane::ReplayWindow;
using Place = ReplayWindow::Place;
constexpr std::uint64_t kBits = ReplayWindow::kBits;

/// What the window should know, without its tricks.
struct Reference {
  std::unordered_set<std::uint64_t> seen;
  std::uint64_t next = 0;

  [[nodiscard]] Place place(std::uint64_t number) const {
    if (number < next && next - number > kBits) return Place::kBehind;
    return seen.contains(number) ? Place::kSeen : Place::kNew;
  }
  void note(std::uint64_t number) {
    seen.insert(number);
    next = std::max(next, number + 1);
  }
};

void expect_same(ReplayWindow& window, Reference& reference, std::uint64_t number) {
  const Place place = reference.place(number);
  ASSERT_EQ(window.place(number), place) << number << " of " << reference.next;
  ASSERT_EQ(window.note(number), place) << number;
  if (place == Place::kNew) reference.note(number);
  ASSERT_EQ(window.next(), reference.next);
}

TEST(ReplayWindowTest, TakesEachNumberOnceInOrder) {
  ReplayWindow window;
  EXPECT_EQ(window.next(), 0U);
  for (std::uint64_t number = 0; number < 4 * kBits; ++number) {
    EXPECT_EQ(window.place(number), Place::kNew);
    EXPECT_EQ(window.note(number), Place::kNew);
    EXPECT_EQ(window.place(number), Place::kSeen);
    EXPECT_EQ(window.note(number), Place::kSeen);
  }
}

TEST(ReplayWindowTest, AskingChangesNothing) {
  ReplayWindow window;
  ASSERT_EQ(window.note(10), Place::kNew);
  EXPECT_EQ(window.place(1000), Place::kNew);
  EXPECT_EQ(window.place(3), Place::kNew);
  EXPECT_EQ(window.next(), 11U);
  EXPECT_EQ(window.note(3), Place::kNew) << "1000 was only asked about";
}

TEST(ReplayWindowTest, EndsExactlyAWindowBehindTheNewest) {
  for (const std::uint64_t newest : {kBits - 1, kBits, kBits + 1, 10 * kBits + 63, 10 * kBits + 64,
                                     (std::uint64_t{1} << 48U) - 2}) {
    ReplayWindow window;
    ASSERT_EQ(window.note(newest), Place::kNew);
    EXPECT_EQ(window.place(newest - kBits + 1), Place::kNew);
    if (newest >= kBits) {
      EXPECT_EQ(window.place(newest - kBits), Place::kBehind);
      EXPECT_EQ(window.note(newest - kBits), Place::kBehind);
      EXPECT_EQ(window.place(0), Place::kBehind);
    }
    EXPECT_EQ(window.note(newest - kBits + 1), Place::kNew);
    EXPECT_EQ(window.place(newest - kBits + 1), Place::kSeen);
  }
}

TEST(ReplayWindowTest, EveryPermutationOfAFewNumbers) {
  // Numbers on both sides of a word's edge, of the ring's edge, and of the window's.
  std::vector<std::uint64_t> numbers = {62, 63, 64, kBits - 1, kBits, kBits + 63, kBits + 64};
  do {
    ReplayWindow window;
    Reference reference;
    for (unsigned round = 0; round < 2; ++round) {
      for (const std::uint64_t number : numbers) expect_same(window, reference, number);
    }
    if (HasFatalFailure()) return;
  } while (std::next_permutation(numbers.begin(), numbers.end()));
}

TEST(ReplayWindowTest, EveryDistanceFromEveryPlaceInTheRing) {
  for (std::uint64_t start = 0; start < kBits; ++start) {
    for (const std::uint64_t jump :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{63}, std::uint64_t{64},
          std::uint64_t{65}, kBits - 1, kBits, kBits + 1, 5 * kBits}) {
      ReplayWindow window;
      Reference reference;
      for (std::uint64_t number = 0; number <= start; ++number) {
        expect_same(window, reference, number);
      }
      expect_same(window, reference, start + jump);
      for (std::uint64_t number = 0; number <= start + jump + 1; ++number) {
        ASSERT_EQ(window.place(number), reference.place(number)) << start << " " << jump;
      }
    }
  }
}

TEST(ReplayWindowTest, RandomReorderingLossAndReplay) {
  std::mt19937_64 random(7);
  ReplayWindow window;
  Reference reference;
  std::uint64_t sent = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    sent += random() % 3;
    if (random() % 5000 == 0) sent += random() % (3 * kBits);
    const std::uint64_t back = random() % (random() % 16 == 0 ? 2 * kBits : 8);
    expect_same(window, reference, sent - std::min(sent, back));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
