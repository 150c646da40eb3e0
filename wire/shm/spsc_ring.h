// SPDX-License-Identifier: Apache-2.0
// A ring of records with one producer and one consumer, in shared memory.
//
// boost::lockfree::spsc_queue with a compile-time capacity keeps its storage inline and holds no
// pointers, so it works at different addresses in two processes, and a process killed in the middle
// of a push or pop leaves it consistent: an index moves only after the record is complete.

#pragma once

#include <string.h>

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <type_traits>

namespace wire::shm {

/// Never waits: a full ring refuses and the producer counts what was lost.
template <class Record, std::size_t N>
class SpscRing {
 public:
  static_assert(std::is_trivially_copyable_v<Record>, "records are copied between processes");

  /// Producer only. False when the ring is full.
  [[nodiscard]] bool push(const Record& record) noexcept { return queue_.push(record); }
  /// Consumer only. Calls @p use(const Record&) in place for up to @p most records, oldest first,
  /// and returns how many. A record is gone only after use returned.
  template <class Use>
  std::size_t consume(std::size_t most, Use&& use) noexcept {
    std::size_t taken = 0;
    while (taken < most && queue_.consume_one(use)) ++taken;
    return taken;
  }
  /// As consume(), and overwrites each record with zeros before its place is given back: for
  /// records that may hold keys. A record is gone only after it was wiped.
  template <class Use>
  std::size_t consume_wiping(std::size_t most, Use&& use) noexcept {
    return consume(most, [&use](Record& record) noexcept {
      use(static_cast<const Record&>(record));
      ::explicit_bzero(&record, sizeof record);
    });
  }
  /// A hint for either side: records that could be read now.
  [[nodiscard]] std::size_t size() const noexcept { return queue_.read_available(); }
  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return N; }

 private:
  boost::lockfree::spsc_queue<Record, boost::lockfree::capacity<N>> queue_;
};

}  // namespace wire::shm
