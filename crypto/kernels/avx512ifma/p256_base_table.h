// SPDX-License-Identifier: Apache-2.0
// The base point's table, shared by all checks.

#pragma once

#include <cstdint>

namespace crypto::avx512ifma {

/// Windows of 13 bits: 20 additions and 5.2 MB.
inline constexpr std::uint32_t kP256BaseWidth = 13;

/// Made by p256_prepare(), then only read. Rows as in p256_rows.h.
[[nodiscard]] const std::uint64_t* p256_base_table() noexcept;

}  // namespace crypto::avx512ifma
