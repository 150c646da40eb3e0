// SPDX-License-Identifier: Apache-2.0
// The memory of known signers' tables, and the pool that fills it (crypto/key_table_pool.h).

#pragma once

#include <cstdint>
#include <memory>

#include "crypto/key_table_pool.h"
#include "dataplane/quiescence.h"
#include "wire/shm/region.h"

namespace dataplane {

/// Made before the first worker starts, outlives the last. The main lcore adds, removes and builds;
/// workers read pool().table().
class KnownSigners {
 public:
  struct Setup {
    const crypto::KernelTable& kernel;  ///< the workers'
    std::uint64_t bytes = 0;            ///< bound of the tables' memory; 0: no tables
    std::uint32_t max_signers = 0;
    std::uint32_t workers = 0;
    Quiescence& quiescence;
  };
  /// nullptr when out of memory. Takes huge pages where the EAL has them and enough are free, else
  /// plain ones, which cost memory only as tables fill them.
  [[nodiscard]] static std::unique_ptr<KnownSigners> create(const Setup& setup);
  ~KnownSigners();
  KnownSigners(const KnownSigners&) = delete;
  KnownSigners& operator=(const KnownSigners&) = delete;

  [[nodiscard]] crypto::KeyTablePool& pool() noexcept { return *pool_; }
  /// Main lcore, each housekeeping turn: looks at uses and builds tables for about @p budget_us, by
  /// pieces well below 100 us. True when there is more to do at once.
  bool turn(std::uint64_t now_ns, std::uint64_t budget_us);
  /// Says in @p status how much there is.
  void publish(wire::shm::DataplaneStatus& status) const noexcept;

 private:
  struct Memory;
  explicit KnownSigners(std::unique_ptr<Memory> memory) noexcept;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<crypto::KeyTablePool> pool_;
};

}  // namespace dataplane
