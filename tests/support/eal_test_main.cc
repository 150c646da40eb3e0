// SPDX-License-Identifier: Apache-2.0
// main() of every test that needs the EAL: one EAL per binary, plain pages, one lcore, no devices.

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <unistd.h>

#include <cstdio>
#include <string>
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
  rte_eal_cleanup();
  return failed;
}
