// SPDX-License-Identifier: Apache-2.0
// What the CPU can do and the operating system lets us use.

#pragma once

#include <cstdint>

namespace crypto {

/// CpuFeature bits. A feature whose registers the operating system does not save is not reported,
/// whatever CPUID says. Executes CPUID: slow in virtual machines, call it at start only.
[[nodiscard]] std::uint32_t cpu_features() noexcept;

}  // namespace crypto
