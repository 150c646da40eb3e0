// SPDX-License-Identifier: Apache-2.0
// sum_bytes() of checksum.h for CPUs with AVX2. Call it through sum_long_bytes; tests call it
// themselves after asking the CPU.

#pragma once

#include <cstddef>
#include <cstdint>

namespace dataplane {

[[nodiscard]] std::uint64_t sum_bytes_avx2(const std::byte* from, std::size_t n,
                                           std::uint64_t sum) noexcept;

}  // namespace dataplane
