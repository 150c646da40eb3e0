// SPDX-License-Identifier: Apache-2.0
// What a node costs in a ring of many: messages, links and memory against the number of nodes, in
// simulation, and whether they grow as its logarithm.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "bench/overlay_measure.h"
#include "bench/overlay_report.h"

namespace {

struct Arguments {
  std::vector<std::size_t> nodes = {100, 1000, 10'000};
  std::string start = "linked";
  bench::OverlayRun run;
  std::string csv_file;
  std::string svg_prefix;
};

bool write(const std::string& file, const std::string& text) {
  if (std::ofstream(file) << text << std::flush) return true;
  std::fprintf(stderr, "overlay_bench: cannot write %s\n", file.c_str());
  return false;
}

int run(const Arguments& arguments) {
  std::vector<std::size_t> sizes = arguments.nodes;
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::printf("seed %llu; a node and virtual minute, messages counted on every link they pass\n",
              static_cast<unsigned long long>(arguments.run.seed));
  std::fputs(bench::overlay_head().c_str(), stdout);
  std::vector<bench::OverlayResult> results;
  for (const std::size_t size : sizes) {
    bench::OverlayRun one = arguments.run;
    one.nodes = size;
    one.join = arguments.start == "joined";
    std::fflush(stdout);
    results.push_back(bench::measure_overlay(one));
    std::fputs(bench::overlay_line(results.back()).c_str(), stdout);
    if (!results.back().failure.empty()) return 1;
  }
  int status = 0;
  if (results.size() > 1) {
    const bench::OverlayVerdict verdict = bench::judge_overlay(results);
    std::fputs(verdict.text.c_str(), stdout);
    if (!verdict.logarithmic) status = 1;
  }
  if (!arguments.csv_file.empty() && !write(arguments.csv_file, bench::overlay_csv(results))) {
    status = 1;
  }
  if (!arguments.svg_prefix.empty() && results.size() > 1) {
    const bool written =
        write(arguments.svg_prefix + "messages.svg", bench::plot_messages(results)) &&
        write(arguments.svg_prefix + "memory.svg", bench::plot_memory(results));
    if (!written) status = 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what a node of a quiet CHORD-RELOAD ring costs, in simulation.",
               "overlay_bench");
  app.footer(
      "Ends with 1 when a ring does not come true, a lookup fails, or messages, bytes, links,\n"
      "memory or hops grow faster than log N: when one of them, divided by log2 N, rises by more\n"
      "than 5 % from one number of nodes to the next. One seed gives the same ring each time.");
  Arguments arguments;
  app.add_option("--nodes", arguments.nodes, "Rings to measure, by their number of nodes")
      ->delimiter(',')
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  app.add_option(
         "--start", arguments.start,
         "linked: with the links that joining asks for; joined: by the protocol, long above "
         "10000 nodes")
      ->check(CLI::IsMember({"linked", "joined"}))
      ->capture_default_str();
  app.add_option("--seed", arguments.run.seed, "Of Node-IDs, delays and all other chance")
      ->capture_default_str();
  app.add_option("--settle", arguments.run.settle_minutes,
                 "Virtual minutes of rest before measuring")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--minutes", arguments.run.measure_minutes, "Virtual minutes to measure")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--lookups", arguments.run.lookups, "Lookups of random points")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--csv", arguments.csv_file, "Write the table here as well");
  app.add_option("--svg", arguments.svg_prefix,
                 "Write plots to this and messages.svg, this and memory.svg");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments);
  } catch (const std::bad_alloc&) {
    std::fputs("overlay_bench: out of memory\n", stderr);
    return 1;
  }
}
