// SPDX-License-Identifier: Apache-2.0
// Entries taken out of a keyed table that a worker may still be reading. Main lcore only.

#pragma once

#include <rte_hash.h>

#include <cstdint>
#include <deque>
#include <memory>

#include "dataplane/quiescence.h"

namespace dataplane {

template <class Entry>
class RetiredEntries {
 public:
  static constexpr std::int32_t kNoPosition = -1;

  /// @param entry     nullptr when only the key goes
  /// @param position  what rte_hash_del_key() gave; kNoPosition when only the entry goes
  void retire(Quiescence& quiescence, const Entry* entry, std::int32_t position) {
    retired_.push_back({quiescence.start(), std::unique_ptr<const Entry>(entry), position});
  }
  /// Frees what every worker has let go of. Tokens rise, so the first that has not passed ends it.
  void reclaim(Quiescence& quiescence, rte_hash* hash) {
    while (!retired_.empty() && quiescence.passed(retired_.front().token)) {
      free_front(hash);
    }
  }
  /// Frees all. @pre no worker runs any more
  void clear(rte_hash* hash) {
    while (!retired_.empty()) free_front(hash);
  }
  [[nodiscard]] std::size_t size() const noexcept { return retired_.size(); }

 private:
  struct Retired {
    std::uint64_t token;
    std::unique_ptr<const Entry> entry;
    std::int32_t position;
  };
  void free_front(rte_hash* hash) {
    // With lock-free readers rte_hash keeps a deleted key's place until it is given back.
    if (const std::int32_t position = retired_.front().position; position >= 0) {
      rte_hash_free_key_with_position(hash, position);
    }
    retired_.pop_front();
  }
  std::deque<Retired> retired_;
};

/// A hash for keys of 40 bytes with one writer and lock-free readers. Room for @p keys in use and
/// as many retired ones. nullptr: out of memory.
[[nodiscard]] rte_hash* create_key_hash(const char* what, std::uint32_t keys);

}  // namespace dataplane
