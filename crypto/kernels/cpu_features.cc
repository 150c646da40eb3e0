// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/cpu_features.h"

#include "crypto/kernels/kernel_table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace crypto {

#if defined(__x86_64__)
namespace {

// Intel SDM volume 2, CPUID.
constexpr std::uint32_t kLeaf1EcxOsxsave = 1U << 27U;
constexpr std::uint32_t kLeaf7EbxAvx2 = 1U << 5U;
constexpr std::uint32_t kLeaf7EbxBmi2 = 1U << 8U;
constexpr std::uint32_t kLeaf7EbxAvx512F = 1U << 16U;
constexpr std::uint32_t kLeaf7EbxAvx512Dq = 1U << 17U;
constexpr std::uint32_t kLeaf7EbxAvx512Ifma = 1U << 21U;
constexpr std::uint32_t kLeaf7EbxAvx512Vl = 1U << 31U;
// Intel SDM volume 1 section 13.1: state components in XCR0.
constexpr std::uint32_t kXcr0Ymm = 0x06;  // XMM, YMM
constexpr std::uint32_t kXcr0Zmm = 0xe6;  // and opmask, upper halves of ZMM0-15, ZMM16-31

std::uint32_t saved_state() noexcept {
  std::uint32_t eax = 0;
  std::uint32_t edx = 0;
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

bool has_all(std::uint32_t bits, std::uint32_t wanted) noexcept {
  return (bits & wanted) == wanted;
}

}  // namespace

std::uint32_t cpu_features() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || !has_all(ecx, kLeaf1EcxOsxsave)) return 0;
  const std::uint32_t saved = saved_state();
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return 0;
  std::uint32_t features = 0;
  if (has_all(ebx, kLeaf7EbxBmi2)) features |= kCpuBmi2;
  if (has_all(saved, kXcr0Ymm) && has_all(ebx, kLeaf7EbxAvx2)) features |= kCpuAvx2;
  if (has_all(saved, kXcr0Zmm) &&
      has_all(ebx, kLeaf7EbxAvx512F | kLeaf7EbxAvx512Dq | kLeaf7EbxAvx512Vl)) {
    features |= kCpuAvx512;
    if (has_all(ebx, kLeaf7EbxAvx512Ifma)) features |= kCpuAvx512Ifma;
  }
  return features;
}
#else
std::uint32_t cpu_features() noexcept { return 0; }
#endif

}  // namespace crypto
