// SPDX-License-Identifier: Apache-2.0
// Which verify kernel runs here.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "crypto/kernels/kernel_table.h"

namespace crypto {

/// Every kernel of this build, best first.
[[nodiscard]] std::span<const KernelTable* const> all_kernels() noexcept;
/// True when CPU and operating system have what @p kernel needs.
[[nodiscard]] bool runs_here(const KernelTable& kernel) noexcept;
/// The first kernel that runs here and gives every known answer (self_test.h). Never fails:
/// portable always runs; the program aborts with a message when even that gives a wrong answer.
[[nodiscard]] const KernelTable& best_kernel();
/// The kernel called @p name, or nullptr with @p why naming those that would work here.
[[nodiscard]] const KernelTable* find_kernel(std::string_view name, std::string& why);

}  // namespace crypto
