// SPDX-License-Identifier: Apache-2.0
// What the enrollment server counts; the list is enroll_counter.def.

#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace controlplane::enroll {

/// Any thread counts, any thread reads.
struct EnrollCounters {
#define COUNTER(name, help) std::atomic<std::uint64_t> name{0};
#include "controlplane/enroll/enroll_counter.def"
#undef COUNTER
};

/// OpenMetrics text. The gauges are of the moment.
[[nodiscard]] std::string enroll_metrics(const EnrollCounters& counters, std::uint64_t connections,
                                         std::uint64_t requests_waiting);

}  // namespace controlplane::enroll
