// SPDX-License-Identifier: Apache-2.0
// One signer's table, complete at once: self-test, tools, tests and benches. The dataplane has a
// pool (key_table_pool.h).

#pragma once

#include <cstddef>
#include <memory>

#include "crypto/kernels/kernel_table.h"
#include "crypto/public_key.h"

namespace crypto {

class KnownTable {
 public:
  /// Builds the table of @p key; holds none when the kernel or the key takes none. Allocates.
  KnownTable(const KernelTable& kernel, const PublicKey& key);

  /// For VerifyJob::table; nullptr when there is none.
  [[nodiscard]] const std::byte* get() const noexcept { return memory_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace crypto
