// SPDX-License-Identifier: Apache-2.0
#include "wire/shm/trace.h"

#include <algorithm>
#include <bit>

namespace wire::shm {
namespace {

using Words = std::array<std::uint64_t, sizeof(TraceRecord) / 8>;

}  // namespace

// A seqlock without fences: every word is a release store after the odd version and an acquire load
// before the second look at the version. A reader that saw one new word therefore also sees the odd
// version. On x86 these are plain moves, and ThreadSanitizer understands them.

void TraceRing::write(const TraceRecord& record) noexcept {
  const std::uint64_t number = written_.load(std::memory_order_relaxed);
  Slot& slot = slots_[number % kTraceRecords];
  const auto words = std::bit_cast<Words>(record);
  slot.version.store(2 * number + 1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < words.size(); ++i) {
    slot.words[i].store(words[i], std::memory_order_release);
  }
  slot.version.store(2 * number + 2, std::memory_order_release);
  written_.store(number + 1, std::memory_order_release);
}

std::uint64_t TraceRing::read(std::uint64_t from, std::span<TraceRecord> out,
                              std::size_t& count) const noexcept {
  count = 0;
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  const std::uint64_t oldest = written > kTraceRecords ? written - kTraceRecords : 0;
  // A number from before a restart of the writer lies ahead of it: begin again at the oldest.
  std::uint64_t number = from > written ? oldest : std::max(from, oldest);
  for (; number < written && count < out.size(); ++number) {
    const Slot& slot = slots_[number % kTraceRecords];
    if (slot.version.load(std::memory_order_acquire) != 2 * number + 2) continue;  // lapped
    Words words{};
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i] = slot.words[i].load(std::memory_order_acquire);
    }
    if (slot.version.load(std::memory_order_relaxed) != 2 * number + 2) continue;  // lapped
    out[count++] = std::bit_cast<TraceRecord>(words);
  }
  return number;
}

}  // namespace wire::shm
