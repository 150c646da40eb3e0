// SPDX-License-Identifier: Apache-2.0
#include "dataplane/retired_entries.h"

#include <rte_hash_crc.h>
#include <rte_lcore.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace dataplane {

rte_hash* create_key_hash(const char* what, std::uint32_t keys) {
  // DPDK keeps hashes by name, process-wide; tests make many.
  static std::atomic<std::uint32_t> made{0};
  char name[RTE_HASH_NAMESIZE];
  std::snprintf(name, sizeof name, "%s-%u", what, made.fetch_add(1));
  rte_hash_parameters parameters{};
  parameters.name = name;
  parameters.entries = std::max<std::uint32_t>(2 * keys, 64);
  parameters.key_len = 40;
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = SOCKET_ID_ANY;
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
  return rte_hash_create(&parameters);
}

}  // namespace dataplane
