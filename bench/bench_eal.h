// SPDX-License-Identifier: Apache-2.0
// The EAL of a bench: one lcore, pinned, without PCI; huge pages where enough are free.

#pragma once

#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "dataplane/eal_arguments.h"

namespace bench {

inline bool hugepages_are_free() {
  constexpr std::uint64_t kEnough = 128U << 20U;
  return dataplane::this_machine().free_hugepage_bytes >= kEnough;
}

/// Ends with this object.
class BenchEal {
 public:
  BenchEal(char* program, unsigned cpu, bool hugepages) {
    // The EAL keeps pointers into them.
    static std::vector<std::string> arguments;
    arguments = {program,
                 "--no-pci",
                 "--no-telemetry",
                 "--iova-mode=va",
                 "--log-level=error",
                 "-l",
                 std::to_string(cpu),
                 "--file-prefix=hopseal-bench-" + std::to_string(::getpid())};
    if (hugepages) {
      // One file a segment list: vhost passes its peer few descriptors.
      arguments.insert(arguments.end(), {"--in-memory", "--single-file-segments"});
    } else {
      arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", "512"});
    }
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    up_ = rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0;
  }
  ~BenchEal() {
    if (!up_) return;
    const std::filesystem::path leftover = rte_eal_get_runtime_dir();
    rte_eal_cleanup();
    std::error_code ignored;
    std::filesystem::remove_all(leftover, ignored);
  }
  BenchEal(const BenchEal&) = delete;
  BenchEal& operator=(const BenchEal&) = delete;
  [[nodiscard]] bool up() const { return up_; }

 private:
  bool up_ = false;
};

/// main() of a program whose benchmarks @p register_all registers.
inline int run_benchmarks(int argc, char** argv, void (*register_all)()) {
  benchmark::Initialize(&argc, argv);
  const bool hugepages = hugepages_are_free();
  const BenchEal eal(argv[0], 0, hugepages);
  if (!eal.up()) return 1;
  std::printf("memory: %s pages\n", hugepages ? "huge" : "plain");
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace bench
