// SPDX-License-Identifier: Apache-2.0
#include "tests/support/eal_fuzz.h"

#include <rte_eal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace tests {

void start_eal_for_fuzzing() {
  // Several fuzzers may run at the same moment, so the prefix names this process.
  std::vector<std::string> arguments{"fuzz",
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
                                     "--file-prefix=hopseal-fuzz-" + std::to_string(::getpid())};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    std::fprintf(stderr, "rte_eal_init failed\n");
    std::abort();
  }
}

}  // namespace tests
