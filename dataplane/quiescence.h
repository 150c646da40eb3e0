// SPDX-License-Identifier: Apache-2.0
// How the main lcore knows that no worker can still see what it took out of a table.

#pragma once

#include <rte_rcu_qsbr.h>

#include <cstdint>
#include <memory>

#include "crypto/key_table_pool.h"

namespace dataplane {

/// Reported by each worker once per turn; waited for by the main lcore, never by a worker.
class Quiescence final : public crypto::GracePeriods {
 public:
  static std::unique_ptr<Quiescence> create(std::uint32_t workers);  ///< nullptr: out of memory
  ~Quiescence() override;
  Quiescence(const Quiescence&) = delete;
  Quiescence& operator=(const Quiescence&) = delete;

  void online(std::uint32_t worker) noexcept;   ///< before the first turn
  void offline(std::uint32_t worker) noexcept;  ///< after the last
  void report(std::uint32_t worker) noexcept;   ///< holds no pointer into the tables now
  /// Main lcore: a token to be checked later with passed().
  [[nodiscard]] std::uint64_t start() noexcept override;
  [[nodiscard]] bool passed(std::uint64_t token) noexcept override;  ///< does not wait
  [[nodiscard]] rte_rcu_qsbr* handle() noexcept { return qsbr_; }

 private:
  explicit Quiescence(rte_rcu_qsbr* qsbr) noexcept : qsbr_(qsbr) {}
  rte_rcu_qsbr* qsbr_;
};

}  // namespace dataplane
