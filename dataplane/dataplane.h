// SPDX-License-Identifier: Apache-2.0
// The dataplane of one node, whole: ports, tables, worker lcores. The program runs one; tests and
// benches make theirs in their own process and turn it by hand.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "config/node_config.h"
#include "dataplane/lcore_context.h"
#include "wire/shm/region.h"

namespace dataplane {

class Dataplane {
 public:
  /// Opens the ports and makes everything the workers need. The EAL must be up. nullptr with
  /// @p why, in words for the operator, otherwise; nothing is left open then.
  /// @param region               must outlive this; its dataplane section is clear, as attach()
  /// leaves it
  /// @param control_plane_lives  asked by the main lcore now and then (Region::role_is_held)
  static std::unique_ptr<Dataplane> create(const config::NodeConfig& config,
                                           wire::shm::NodeRegion& region,
                                           std::function<bool()> control_plane_lives,
                                           std::string& why);
  /// Drops what is held as `shutdown` and closes the ports.
  ~Dataplane();
  Dataplane(const Dataplane&) = delete;
  Dataplane& operator=(const Dataplane&) = delete;

  /// Runs worker i on lcore i + 1 and housekeeping on this one until stop(). False when the EAL has
  /// too few lcores.
  [[nodiscard]] bool run();
  /// From any thread, or a signal handler.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  /// Instead of run(): one turn of a worker, on the calling thread. Returns packets worked on.
  unsigned turn(std::uint32_t worker) noexcept;
  /// Instead of run(): one housekeeping turn of the main lcore. Returns commands applied.
  std::size_t main_turn();
  /// Empties all workers as the destructor does, for tests that look at the ledger afterwards.
  void empty() noexcept;

  [[nodiscard]] std::uint32_t workers() const noexcept;
  [[nodiscard]] const PortTable& ports() const noexcept;
  [[nodiscard]] LcoreContext& lcore(std::uint32_t worker) noexcept;
  [[nodiscard]] rte_mempool* pool() const noexcept;
  /// Of the last command that was refused.
  [[nodiscard]] const std::string& last_command_error() const noexcept;

 private:
  struct Parts;
  explicit Dataplane(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
  std::atomic<bool> stop_{false};
};

}  // namespace dataplane
