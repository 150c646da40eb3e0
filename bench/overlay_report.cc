// SPDX-License-Identifier: Apache-2.0
#include "bench/overlay_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "bench/growth.h"
#include "bench/line_plot.h"

namespace bench {
namespace {

using Value = double OverlayResult::*;

template <class... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 512> text;
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

std::vector<GrowthPoint> points_of(const std::vector<OverlayResult>& results, Value value) {
  std::vector<GrowthPoint> points;
  for (const OverlayResult& result : results) {
    points.push_back({static_cast<double>(result.run.nodes), result.*value});
  }
  return points;
}

PlotLine line_of(const std::vector<OverlayResult>& results, Value value, const char* name,
                 double unit = 1) {
  PlotLine line{name, {}, false};
  for (const GrowthPoint& point : points_of(results, value)) {
    line.points.emplace_back(point.nodes, point.value / unit);
  }
  return line;
}

PlotLine fitted(const std::vector<OverlayResult>& results, Value value, double unit = 1) {
  const std::vector<GrowthPoint> points = points_of(results, value);
  const LogFit fit = fit_log(points);
  PlotLine line{print("%.3g + %.3g log2 N", fit.base / unit, fit.per_doubling / unit), {}, true};
  for (const GrowthPoint& point : points) {
    line.points.emplace_back(point.nodes, fit.at(point.nodes) / unit);
  }
  return line;
}

constexpr double kKilobyte = 1000;

}  // namespace

std::string overlay_head() {
  return print("%8s %7s | %9s %8s %8s %9s | %6s %5s %9s %9s | %6s %5s | %8s %8s\n", "nodes",
               "start", "messages", "pings", "updates", "bytes", "links", "most", "node kB",
               "RSS kB", "hops", "most", "wall s", "CPU s");
}

std::string overlay_line(const OverlayResult& result) {
  const char* const start = result.run.join ? "joined" : "linked";
  if (!result.failure.empty()) {
    return print("%8zu %7s | ", result.run.nodes, start) + result.failure + "\n";
  }
  return print(
      "%8zu %7s | %9.2f %8.2f %8.2f %9.0f | %6.1f %5zu %9.1f %9.1f | %6.2f %5u | %8.1f %8.1f\n",
      result.run.nodes, start, result.messages, result.pings, result.updates, result.bytes,
      result.links, result.most_links, result.node_bytes / kKilobyte,
      result.resident_bytes / kKilobyte, result.hops, result.most_hops, result.wall_s,
      result.cpu_s);
}

std::string overlay_csv(const std::vector<OverlayResult>& results) {
  std::string out =
      "nodes,start,seed,settle_minutes,measure_minutes,messages_per_node_minute,"
      "pings_per_node_minute,updates_per_node_minute,bytes_per_node_minute,links,most_links,"
      "node_bytes,resident_bytes_per_node,lookups,lookups_right,hops,most_hops,wall_s,cpu_s\n";
  for (const OverlayResult& result : results) {
    const OverlayRun& run = result.run;
    out += print("%zu,%s,%llu,%llu,%llu,%.4f,%.4f,%.4f,%.1f,%.3f,%zu,%.0f,%.0f,", run.nodes,
                 run.join ? "joined" : "linked", static_cast<unsigned long long>(run.seed),
                 static_cast<unsigned long long>(run.settle_minutes),
                 static_cast<unsigned long long>(run.measure_minutes), result.messages,
                 result.pings, result.updates, result.bytes, result.links, result.most_links,
                 result.node_bytes, result.resident_bytes);
    out += print("%zu,%zu,%.4f,%u,%.1f,%.1f\n", run.lookups, result.lookups_right, result.hops,
                 result.most_hops, result.wall_s, result.cpu_s);
  }
  return out;
}

std::string plot_messages(const std::vector<OverlayResult>& results) {
  Plot plot{"What a node of a quiet ring sends and forwards",
            "nodes",
            "messages a node and minute",
            {},
            true};
  plot.lines = {line_of(results, &OverlayResult::messages, "all"),
                fitted(results, &OverlayResult::messages),
                line_of(results, &OverlayResult::pings, "Pings"),
                line_of(results, &OverlayResult::updates, "Updates")};
  return svg(plot);
}

std::string plot_memory(const std::vector<OverlayResult>& results) {
  Plot plot{"What a node of a quiet ring holds", "nodes", "kB of heap a node; links", {}, true};
  plot.lines = {line_of(results, &OverlayResult::node_bytes, "kB of heap", kKilobyte),
                fitted(results, &OverlayResult::node_bytes, kKilobyte),
                line_of(results, &OverlayResult::links, "links"),
                fitted(results, &OverlayResult::links)};
  return svg(plot);
}

OverlayVerdict judge_overlay(const std::vector<OverlayResult>& results) {
  struct Judged {
    const char* name;
    Value value;
  };
  constexpr std::array<Judged, 5> kJudged = {{{"messages", &OverlayResult::messages},
                                              {"bytes", &OverlayResult::bytes},
                                              {"links", &OverlayResult::links},
                                              {"memory", &OverlayResult::node_bytes},
                                              {"hops", &OverlayResult::hops}}};
  OverlayVerdict verdict;
  for (const Judged& judged : kJudged) {
    const std::vector<GrowthPoint> points = points_of(results, judged.value);
    if (std::any_of(points.begin(), points.end(),
                    [](const GrowthPoint& point) { return point.value <= 0; })) {
      verdict.text += print("%-9s not measured here\n", judged.name);
      continue;
    }
    const LogFit fit = fit_log(points);
    const GrowthVerdict growth = judge_growth(points);
    verdict.text += print("%-9s %.4g + %.4g log2 N (off by %.1f %% at most): ", judged.name,
                          fit.base, fit.per_doubling, 100 * fit.worst);
    verdict.text += growth.logarithmic ? "O(log N)\n" : "GROWS FASTER: " + growth.why + "\n";
    verdict.logarithmic = verdict.logarithmic && growth.logarithmic;
  }
  return verdict;
}

}  // namespace bench
