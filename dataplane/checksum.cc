// SPDX-License-Identifier: Apache-2.0
// Which sum of long runs of bytes this CPU gets.

#include "dataplane/checksum.h"

#include "dataplane/checksum_avx2.h"

namespace dataplane {

std::uint64_t (*const sum_long_bytes)(const std::byte* from, std::size_t n,
                                      std::uint64_t sum) noexcept = __builtin_cpu_supports("avx2")
                                                                        ? sum_bytes_avx2
                                                                        : sum_short_bytes;

}  // namespace dataplane
