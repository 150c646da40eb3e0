// SPDX-License-Identifier: Apache-2.0
// A table one process writes and another reads without locks.
//
// The control plane owns a PublishedTable and maps it read-write; the dataplane maps the same pages
// read-only. The dataplane owns one LcoreProgress per lcore; the control plane maps those
// read-only. So each side can damage only its own half, and the MMU holds it to that.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "wire/shm/layout.h"

namespace wire::shm {

/// Which generation an lcore may still be reading. Written by that lcore only.
struct alignas(kCacheLine) LcoreProgress {
  static constexpr std::uint64_t kOffline = ~std::uint64_t{0};
  std::atomic<std::uint64_t> pinned{kOffline};
};

/// Two copies of a table and the number of the newest one. Written by the control plane only.
template <class Table>
struct PublishedTable {
  static_assert(std::is_trivially_copyable_v<Table>, "no pointers: each process maps it elsewhere");
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  alignas(kCacheLine) std::atomic<std::uint64_t> generation{0};
  alignas(kCacheLine) std::array<Table, 2> copy{};
};

/// The reading half. One per lcore and table.
template <class Table>
class TableReader {
 public:
  TableReader(const PublishedTable<Table>& table, LcoreProgress& progress) noexcept
      : table_(table), progress_(progress) {}

  /// Call before the first pin() and after a pause, so that the writer waits for this lcore.
  void online() noexcept {
    // seq_cst pairs with try_begin(): either the writer sees this store, or our next pin() sees
    // the writer's publish(). With anything weaker both could miss each other.
    progress_.pinned.store(table_.generation.load(std::memory_order_relaxed),
                           std::memory_order_seq_cst);
  }
  void offline() noexcept {
    progress_.pinned.store(LcoreProgress::kOffline, std::memory_order_release);
  }

  /// The newest table. Valid until this lcore's next pin() or offline(): pin once per burst.
  [[nodiscard]] const Table& pin() noexcept {
    const std::uint64_t newest = table_.generation.load(std::memory_order_seq_cst);
    if (progress_.pinned.load(std::memory_order_relaxed) != newest) {
      progress_.pinned.store(newest,
                             std::memory_order_release);  // our reads of the old copy are done
    }
    return table_.copy[newest & 1U];
  }

 private:
  const PublishedTable<Table>& table_;
  LcoreProgress& progress_;
};

/// The writing half. One per table, on one thread of the control plane.
template <class Table>
class TableWriter {
 public:
  TableWriter(PublishedTable<Table>& table, std::span<const LcoreProgress> lcores) noexcept
      : table_(table), lcores_(lcores) {}

  /// The spare copy, to be filled completely, or nullptr while an lcore may still read it.
  /// @param readers_alive  false when the reading process is known to be gone (its role on the
  ///                       region is free): what its lcores had pinned then holds nobody up.
  [[nodiscard]] Table* try_begin(bool readers_alive = true) noexcept {
    const std::uint64_t newest = table_.generation.load(std::memory_order_relaxed);
    if (!readers_alive) return &table_.copy[(newest + 1) & 1U];
    for (const LcoreProgress& lcore : lcores_) {
      const std::uint64_t pinned = lcore.pinned.load(std::memory_order_seq_cst);
      if (pinned != LcoreProgress::kOffline && pinned != newest) {
        return nullptr;
      }
    }
    return &table_.copy[(newest + 1) & 1U];
  }

  /// Makes the copy from try_begin() the newest.
  void publish() noexcept { table_.generation.fetch_add(1, std::memory_order_seq_cst); }

 private:
  PublishedTable<Table>& table_;
  std::span<const LcoreProgress> lcores_;
};

}  // namespace wire::shm
