// SPDX-License-Identifier: Apache-2.0
// What one verify kernel offers. One static library per ISA fills one of these (decision 0005).

#pragma once

#include <cstddef>
#include <cstdint>

namespace crypto {

struct VerifyJob;
enum class Verdict : std::uint8_t;

/// CPU features a kernel may need; bits, compared with what CPUID and XGETBV report.
enum CpuFeature : std::uint32_t {
  kCpuAvx2 = 1U << 0U,
  kCpuBmi2 = 1U << 1U,
  kCpuAvx512 = 1U << 2U,  ///< F, VL, DQ, and the OS saves the registers
  kCpuAvx512Ifma = 1U << 3U,
};

struct KernelTable {
  const char* name;                 ///< "portable": in logs, benches, --kernel=, test names
  std::uint32_t required_features;  ///< CpuFeature bits
  std::uint32_t lanes;              ///< jobs per pass; callers size batches by it
  /// Scratch memory of one BatchVerifier; make returns nullptr when out of memory.
  void* (*make_scratch)();
  void (*free_scratch)(void* scratch);
  /// Fills verdicts[0..count). Jobs may mix algorithms; count <= 64.
  void (*verify)(void* scratch, const VerifyJob* jobs, std::size_t count, Verdict* verdicts);
};

}  // namespace crypto
