// SPDX-License-Identifier: Apache-2.0
// The one symbol each kernel library exports.

#pragma once

#include "crypto/kernels/kernel_table.h"

namespace crypto {

extern const KernelTable kKernelPortable;
extern const KernelTable kKernelAvx512Ifma;  ///< x86-64 only

}  // namespace crypto
