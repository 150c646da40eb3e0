// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/enroll_counters.h"

namespace controlplane::enroll {

std::string enroll_metrics(const EnrollCounters& counters, std::uint64_t connections,
                           std::uint64_t requests_waiting) {
  std::string text;
  const auto family = [&text](const std::string& name, const char* type, const char* help,
                              const char* suffix, std::uint64_t value) {
    text += "# TYPE hopseal_enroll_" + name + ' ' + type + "\n# HELP hopseal_enroll_" + name + ' ' +
            help + "\nhopseal_enroll_" + name + suffix + ' ' + std::to_string(value) + '\n';
  };
#define COUNTER(name, help) family(#name, "counter", help, "_total", counters.name);
#include "controlplane/enroll/enroll_counter.def"
#undef COUNTER
  family("open_connections", "gauge", "TCP connections there are", "", connections);
  family("requests_waiting", "gauge", "certificate requests at work or waiting", "",
         requests_waiting);
  return text + "# EOF\n";
}

}  // namespace controlplane::enroll
