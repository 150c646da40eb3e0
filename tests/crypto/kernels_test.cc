// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "crypto/kernels/cpu_features.h"
#include "crypto/kernels/select.h"

namespace crypto {
namespace {

using testing::HasSubstr;

TEST(Kernels, HaveNamesOfTheirOwnAndEndWithPortable) {
  std::set<std::string> names;
  for (const KernelTable* kernel : all_kernels()) names.insert(kernel->name);
  EXPECT_EQ(names.size(), all_kernels().size());
  ASSERT_FALSE(all_kernels().empty());
  EXPECT_STREQ(all_kernels().back()->name, "portable");
  EXPECT_EQ(all_kernels().back()->required_features, 0U);
}

TEST(Kernels, AreFoundByNameWhenTheyRunHere) {
  for (const KernelTable* kernel : all_kernels()) {
    std::string why;
    EXPECT_EQ(find_kernel(kernel->name, why), runs_here(*kernel) ? kernel : nullptr) << why;
  }
}

TEST(Kernels, AreNotFoundByOtherNamesAndThoseThatWorkAreListed) {
  for (const char* name : {"", "avx1024", "Portable", "portable "}) {
    std::string why;
    EXPECT_EQ(find_kernel(name, why), nullptr);
    EXPECT_THAT(why, HasSubstr("\"" + std::string(name) + "\""));
    EXPECT_THAT(why, HasSubstr(" portable"));
  }
}

TEST(Kernels, TheBestOneRunsHere) {
  EXPECT_TRUE(runs_here(best_kernel()));
  EXPECT_EQ(&best_kernel(), &best_kernel());
}

TEST(Kernels, DoNotRunWithoutWhatTheyNeed) {
  KernelTable wanting = *all_kernels().back();
  wanting.required_features = 1U << 31U;  // no CPU has it: no CpuFeature is this bit
  EXPECT_FALSE(runs_here(wanting));
}

#if defined(__x86_64__)
TEST(CpuFeatures, AreWhatTheCompilersRuntimeFinds) {
  const std::uint32_t found = cpu_features();
  EXPECT_EQ((found & kCpuAvx2) != 0, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ((found & kCpuBmi2) != 0, __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ((found & kCpuAvx512) != 0, __builtin_cpu_supports("avx512f") != 0 &&
                                           __builtin_cpu_supports("avx512vl") != 0 &&
                                           __builtin_cpu_supports("avx512dq") != 0);
  EXPECT_EQ((found & kCpuAvx512Ifma) != 0,
            (found & kCpuAvx512) != 0 && __builtin_cpu_supports("avx512ifma") != 0);
}
#endif

}  // namespace
}  // namespace crypto
