// SPDX-License-Identifier: Apache-2.0
#include "bench/overlay_measure.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <optional>

#include "tests/simulation/overlay_world.h"
#include "wire/reload/message_contents.h"

namespace bench {
namespace {

using tests::simulation::kMillisecondNs;
using tests::simulation::kSecondNs;
using tests::simulation::World;
using tests::simulation::WorldCounters;
using wire::reload::MessageCode;

constexpr std::uint64_t kMinuteNs = 60 * kSecondNs;
/// A ring that is not true by then never will be.
constexpr std::uint64_t kPatienceNs = 30 * kMinuteNs;
/// Nodes that join at once come so far apart.
constexpr std::uint64_t kBurstNs = 5 * kSecondNs;

double heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// A message and its answer.
double pair_of(const WorldCounters& before, const WorldCounters& after, MessageCode request) {
  const auto code = static_cast<std::size_t>(request);
  return static_cast<double>(after.by_code[code] - before.by_code[code] + after.by_code[code + 1] -
                             before.by_code[code + 1]);
}

/// Joining by the protocol: each time as many as there are, until all are there.
bool join_all(World& world, std::size_t nodes) {
  tests::simulation::found(world);
  while (world.size() < nodes) {
    const std::size_t burst = std::min(world.size(), nodes - world.size());
    tests::simulation::join(world, burst, kBurstNs / burst);
    if (!world.run_until([&world] { return is_one_ring(world); }, kPatienceNs)) return false;
  }
  return true;
}

void measure_rest(World& world, OverlayResult& result) {
  const WorldCounters before = world.counters();
  world.run_for(result.run.measure_minutes * kMinuteNs);
  const WorldCounters& after = world.counters();
  const auto per_node_minute = [&](double count) {
    return count / static_cast<double>(result.run.nodes) /
           static_cast<double>(result.run.measure_minutes);
  };
  result.messages = per_node_minute(static_cast<double>(after.messages - before.messages));
  result.bytes = per_node_minute(static_cast<double>(after.bytes - before.bytes));
  result.pings = per_node_minute(pair_of(before, after, MessageCode::kPingReq));
  result.updates = per_node_minute(pair_of(before, after, MessageCode::kUpdateReq));
  std::size_t links = 0;
  for (std::uint32_t node = 0; node < world.size(); ++node) {
    links += world.links_of(node);
    result.most_links = std::max(result.most_links, world.links_of(node));
  }
  result.links = static_cast<double>(links) / static_cast<double>(world.size());
}

void measure_lookups(World& world, OverlayResult& result) {
  const auto report =
      tests::simulation::look_up_some(world, result.run.lookups, 5 * kMillisecondNs);
  result.hops = report.mean_hops;
  result.most_hops = report.most_hops;
  result.lookups_right = report.right;
  if (report.right != report.asked) {
    result.failure = std::to_string(report.asked - report.right) + " of " +
                     std::to_string(report.asked) + " lookups were not answered by who should have";
  }
}

/// @param before  heap before the lookups: they leave traces in every node they pass, which in a
///                small ring are many a node
void measure_memory(World& world, double before, OverlayResult& result) {
  world.forget_lookups();
  const double after_lookups = heap_bytes();
  for (std::uint32_t node = 0; node < world.size(); ++node) world.crash(node);
  const double freed = after_lookups - heap_bytes();
  result.node_bytes = (freed - (after_lookups - before)) / static_cast<double>(world.size());
}

}  // namespace

OverlayResult measure_overlay(const OverlayRun& run) {
  OverlayResult result;
  result.run = run;
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  malloc_trim(0);  // what an earlier ring left
  const double resident_before = resident_bytes();
  {
    World world(tests::simulation::chord_world(run.seed));
    bool is_ring = true;
    if (run.join) {
      is_ring = join_all(world, run.nodes);
    } else {
      tests::simulation::start_linked(world, run.nodes);
    }
    world.run_for(run.settle_minutes * kMinuteNs);
    if (!is_ring || !is_one_ring(world)) {
      result.failure = "no true ring: " + std::to_string(world.misplaced().size()) + " of " +
                       std::to_string(world.members().size()) + " members are misplaced";
      return result;
    }
    result.start_s = seconds_since(begin);
    measure_rest(world, result);
    if (!world.misplaced().empty()) {
      result.failure = "the ring did not stay true";
      return result;
    }
    result.resident_bytes =
        (resident_bytes() - resident_before) / static_cast<double>(world.size());
    const double heap_before_lookups = heap_bytes();
    measure_lookups(world, result);
    measure_memory(world, heap_before_lookups, result);
  }
  result.wall_s = seconds_since(begin);
  result.cpu_s = cpu_seconds() - cpu_before;
  return result;
}

}  // namespace bench
