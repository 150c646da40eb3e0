// SPDX-License-Identifier: Apache-2.0
// One node's shared memory as an observer sees it: read-only, while the node runs, is headless or
// has been killed.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "controlplane/ctl/commands.h"
#include "wire/shm/region.h"

namespace controlplane::ctl {

class NodeView {
 public:
  /// Attaches, or fails saying what to start.
  explicit NodeView(const Context& context);

  [[nodiscard]] const wire::shm::NodeRegion& region() const noexcept { return **region_; }
  [[nodiscard]] bool dataplane_runs() const;
  [[nodiscard]] bool controlplane_runs() const;
  /// Lcores that count anything: the workers of the running or last dataplane.
  [[nodiscard]] std::size_t lcore_count() const noexcept;
  /// "" while a dataplane runs, else a line that warns how old the figures are.
  [[nodiscard]] std::string warning() const;

  /// A copy of a table as it was published. An observer cannot pin it; it copies and looks whether
  /// the copy may have been overwritten meanwhile.
  template <class Table>
  [[nodiscard]] static std::unique_ptr<Table> copy(const wire::shm::PublishedTable<Table>& table) {
    auto copied = std::make_unique<Table>();
    for (;;) {
      const std::uint64_t generation = table.generation.load(std::memory_order_acquire);
      std::memcpy(static_cast<void*>(copied.get()), &table.copy[generation & 1U], sizeof(Table));
      std::atomic_signal_fence(std::memory_order_acq_rel);
      if (table.generation.load(std::memory_order_acquire) == generation) return copied;
    }
  }

 private:
  std::unique_ptr<wire::shm::Region> region_;
};

/// What stands in a fixed field, up to its first zero.
template <std::size_t N>
[[nodiscard]] std::string text_of(const std::array<char, N>& text) {
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

/// CLOCK_MONOTONIC, as heartbeats have it.
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;
/// Seconds from @p then until now, never negative.
[[nodiscard]] double seconds_since(std::uint64_t then_ns) noexcept;

}  // namespace controlplane::ctl
