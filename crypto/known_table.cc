// SPDX-License-Identifier: Apache-2.0
#include "crypto/known_table.h"

#include <new>

namespace crypto {

KnownTable::KnownTable(const KernelTable& kernel, const PublicKey& key) {
  if (!kernel.takes_table(key)) return;
  const std::size_t bytes = kernel.table_bytes(key.algorithm());
  memory_.reset(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kTableAlignment})));
  const std::uint32_t slices = kernel.table_slices(key.algorithm());
  for (std::uint32_t slice = 0; slice < slices; ++slice) {
    kernel.build_slice(key, memory_.get(), slice);
  }
}

void KnownTable::Free::operator()(std::byte* memory) const noexcept {
  ::operator delete (memory, std::align_val_t{kTableAlignment});
}

}  // namespace crypto
