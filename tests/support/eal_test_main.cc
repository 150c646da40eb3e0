// SPDX-License-Identifier: Apache-2.0
// main() of every test that needs the EAL: one EAL per binary, plain pages, one lcore, no devices.

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Other test binaries may run at the same moment, so the prefix names this process.
  std::vector<std::string> arguments{argv[0],
                                     "--no-huge",
                                     "--no-shconf",
                                     "--no-pci",
                                     "--no-telemetry",
                                     "--iova-mode=va",
                                     "--log-level=error",
                                     "-m",
                                     "256",
                                     "-l",
                                     "0",
                                     "--file-prefix=hopseal-test-" + std::to_string(::getpid())};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    std::fprintf(stderr, "rte_eal_init failed\n");
    return 1;
  }
  const int failed = RUN_ALL_TESTS();
  const std::filesystem::path leftover = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  std::error_code ignored;
  std::filesystem::remove_all(leftover, ignored);
  return failed;
}
