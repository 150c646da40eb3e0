// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels/select.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "crypto/kernels/cpu_features.h"
#include "crypto/kernels/kernel_list.h"
#include "crypto/self_test.h"

namespace crypto {
namespace {

constexpr std::array kAllKernels = {
#if HOPSEAL_AVX512IFMA
    &kKernelAvx512Ifma,
#endif
    &kKernelPortable,
};

bool works_here(const KernelTable& kernel) {
  std::string why;
  return runs_here(kernel) && self_test(kernel, why);
}

const KernelTable& choose() {
  std::string failures;
  for (const KernelTable* kernel : all_kernels()) {
    std::string why;
    if (!runs_here(*kernel)) continue;
    if (self_test(*kernel, why)) return *kernel;
    failures += std::string(failures.empty() ? "" : "; ") + kernel->name + ": " + why;
  }
  std::fprintf(stderr,
               "no verify kernel gives the known answers (%s): the installed libcrypto or this "
               "CPU is broken; refusing to verify signatures\n",
               failures.c_str());
  std::abort();
}

}  // namespace

std::span<const KernelTable* const> all_kernels() noexcept { return kAllKernels; }

bool runs_here(const KernelTable& kernel) noexcept {
  static const std::uint32_t kFeatures = cpu_features();
  return (kernel.required_features & ~kFeatures) == 0;
}

const KernelTable& best_kernel() {
  static const KernelTable& best = choose();
  return best;
}

const KernelTable* find_kernel(std::string_view name, std::string& why) {
  why.clear();
  const std::string wanted(name);
  for (const KernelTable* kernel : all_kernels()) {
    if (name != kernel->name) continue;
    if (!runs_here(*kernel)) {
      why = "this CPU or operating system lacks what kernel " + wanted + " needs";
    } else if (std::string failure; !self_test(*kernel, failure)) {
      why = "kernel " + wanted + " fails its self-test (" + failure + ")";
    } else {
      return kernel;
    }
  }
  if (why.empty()) why = "no kernel is called \"" + wanted + "\"";
  why += "; those that work here:";
  for (const KernelTable* kernel : all_kernels()) {
    if (works_here(*kernel)) why += std::string(" ") + kernel->name;
  }
  return nullptr;
}

}  // namespace crypto
