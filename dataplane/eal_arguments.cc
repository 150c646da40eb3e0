// SPDX-License-Identifier: Apache-2.0
#include "dataplane/eal_arguments.h"

#include <dirent.h>
#include <sched.h>

#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace dataplane {
namespace {

std::uint64_t read_number(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  std::uint64_t value = 0;
  if (std::fscanf(file, "%" SCNu64, &value) != 1) value = 0;
  std::fclose(file);
  return value;
}

std::uint64_t free_hugepage_bytes() {
  const std::string root = "/sys/kernel/mm/hugepages";
  DIR* directory = ::opendir(root.c_str());
  if (directory == nullptr) return 0;
  std::uint64_t total = 0;
  while (const dirent* entry = ::readdir(directory)) {
    std::uint64_t kib = 0;
    if (std::sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1) continue;
    total += kib * 1024 * read_number(root + "/" + entry->d_name + "/free_hugepages");
  }
  ::closedir(directory);
  return total;
}

bool wants_hugepages(const config::Dataplane& dataplane, const Machine& machine) {
  switch (dataplane.memory) {
    case config::Memory::kHugepages:
      return true;
    case config::Memory::kPlain:
      return false;
    case config::Memory::kAuto:
      break;
  }
  return machine.free_hugepage_bytes >= std::uint64_t{dataplane.memory_mib} * 1024 * 1024;
}

/// Two nodes on one machine may share a name, but not a runtime directory.
std::string file_prefix(const config::NodeConfig& config) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : config.runtime_directory) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  char text[16];
  std::snprintf(text, sizeof text, "%08" PRIx32, hash);
  return "hopseal-" + config.name + "-" + text;
}

std::string cpu_list(std::span<const std::uint32_t> cpus) {
  std::string text = "(";
  for (const std::uint32_t cpu : cpus) {
    if (text.size() > 1) text += ',';
    text += std::to_string(cpu);
  }
  return text + ")";
}

std::string lcore_map(const config::Dataplane& dataplane, const Machine& machine) {
  const std::string anywhere = cpu_list(machine.cpus);
  std::string map = "0@" + anywhere;
  for (std::uint32_t worker = 0; worker < dataplane.workers; ++worker) {
    map += "," + std::to_string(worker + 1) + "@";
    map += worker < dataplane.cpus.size() ? std::to_string(dataplane.cpus[worker]) : anywhere;
  }
  return map;
}

bool needs_shared_segments(const std::string& device) {
  return device.starts_with("net_memif") || device.starts_with("net_vhost") ||
         device.starts_with("net_virtio_user");
}

}  // namespace

Machine this_machine() {
  Machine machine;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) machine.cpus.push_back(cpu);
    }
  }
  if (machine.cpus.empty()) machine.cpus.push_back(0);
  machine.free_hugepage_bytes = free_hugepage_bytes();
  return machine;
}

bool is_pci_address(const std::string& device) noexcept {
  // [domain:]bus:device.function
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
  int used = 0;
  const char* const text = device.c_str();
  if (std::sscanf(text, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &used) == 4) {
    return used == static_cast<int>(device.size());
  }
  used = 0;
  if (std::sscanf(text, "%x:%x.%x%n", &bus, &slot, &function, &used) == 3) {
    return used == static_cast<int>(device.size());
  }
  return false;
}

std::vector<std::string> eal_arguments(const config::NodeConfig& config, const Machine& machine,
                                       std::span<const std::string> extra) {
  const config::Dataplane& dataplane = config.dataplane;
  std::vector<std::string> arguments{"hopseal-dataplane", "--iova-mode=va", "--no-telemetry",
                                     "--log-level=error", "--file-prefix=" + file_prefix(config)};
  if (wants_hugepages(dataplane, machine)) {
    arguments.emplace_back("--in-memory");
    if (std::any_of(dataplane.ports.begin(), dataplane.ports.end(),
                    [](const config::Port& port) { return needs_shared_segments(port.device); })) {
      arguments.emplace_back("--single-file-segments");
    }
  } else {
    arguments.insert(arguments.end(),
                     {"--no-huge", "--no-shconf", "-m", std::to_string(dataplane.memory_mib)});
  }
  bool any_pci = false;
  for (const config::Port& port : dataplane.ports) {
    if (!is_pci_address(port.device)) continue;
    any_pci = true;
    arguments.insert(arguments.end(), {"-a", port.device});
  }
  if (!any_pci) arguments.emplace_back("--no-pci");
  arguments.insert(arguments.end(),
                   {"--lcores=" + lcore_map(dataplane, machine), "--main-lcore=0"});
  arguments.insert(arguments.end(), dataplane.eal.begin(), dataplane.eal.end());
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  return arguments;
}

}  // namespace dataplane
