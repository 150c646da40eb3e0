// SPDX-License-Identifier: Apache-2.0
#include "controlplane/topology/chord/estimates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "controlplane/topology/ring.h"

namespace controlplane::topology::chord {

using wire::reload::NodeId;
using wire::reload::SelfTuningData;

namespace {

constexpr double kSecondsADay = 86'400;
constexpr double kNsPerSecond = 1e9;

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / kNsPerSecond; }

std::uint32_t rounded_up(double value) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::ceil(std::clamp(value, 0.0, kMost)));
}

}  // namespace

double estimate_peers(const NodeId& self, std::span<const NodeId> predecessors,
                      std::span<const NodeId> successors) {
  if (predecessors.empty() || successors.empty()) return 1;
  std::vector<NodeId> all(predecessors.begin(), predecessors.end());
  all.insert(all.end(), successors.begin(), successors.end());
  std::sort(all.begin(), all.end());
  const auto unique = std::unique(all.begin(), all.end());
  if (unique != all.end()) return static_cast<double>(unique - all.begin()) + 1;
  // 2^128 does not fit into the integer; its quotient by the distance does into a double.
  const double whole = std::ldexp(1.0, static_cast<int>(ring::kBits));
  const auto span = static_cast<double>(ring::distance(predecessors.back(), self)) +
                    static_cast<double>(ring::distance(self, successors.back()));
  return whole / (span / static_cast<double>(all.size()));
}

double estimate_joins_per_s(double peers, std::vector<double> ages_s) {
  if (ages_s.empty()) return 0;
  const auto middle = ages_s.begin() + static_cast<std::ptrdiff_t>(ages_s.size() / 2);
  std::nth_element(ages_s.begin(), middle, ages_s.end());
  return peers / std::max(*middle, 1.0);  // uptimes are whole seconds
}

void FailureHistory::begin(std::uint64_t now_ns) { times_.assign(1, now_ns); }

void FailureHistory::add(std::uint64_t now_ns) {
  if (!times_.empty()) times_.push_back(now_ns);
}

double FailureHistory::failures_per_s(std::uint64_t now_ns, std::size_t table_size) {
  if (times_.empty() || table_size == 0) return 0;
  const std::size_t most = std::max<std::size_t>(table_size / 4, 1);
  while (times_.size() > most + 1) times_.pop_front();
  std::size_t failures = times_.size() - 1;
  std::uint64_t last_ns = times_.back();
  if (failures < most) {  // as if there was a failure now
    ++failures;
    last_ns = now_ns;
  }
  const double within_s = std::max(seconds(last_ns - times_.front()), 1.0);
  return static_cast<double>(failures) / (static_cast<double>(table_size) * within_s);
}

double third_quartile(std::vector<double> values) {
  const auto rank = (3 * values.size() + 3) / 4;  // rounded up, from 1
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Estimates agree(const Estimates& own, std::span<const SelfTuningData> received) {
  const auto figure = [&](double ours, auto theirs) {
    std::vector<double> values{ours};
    for (const SelfTuningData& data : received) values.push_back(theirs(data));
    return third_quartile(std::move(values));
  };
  return {figure(own.peers,
                 [](const SelfTuningData& data) {
                   return std::max(1.0, static_cast<double>(data.network_size));
                 }),
          figure(own.joins_per_s,
                 [](const SelfTuningData& data) { return data.join_rate / kSecondsADay; }),
          figure(own.failures_per_s,
                 [](const SelfTuningData& data) { return data.leave_rate / kSecondsADay; })};
}

SelfTuningData to_share(const Estimates& estimates) {
  return {rounded_up(std::round(estimates.peers)), rounded_up(estimates.joins_per_s * kSecondsADay),
          rounded_up(estimates.failures_per_s * kSecondsADay)};
}

std::size_t table_size_for(double peers) {
  return static_cast<std::size_t>(std::ceil(std::log2(std::max(peers, 1.0))));
}

std::uint64_t stabilization_ns(const Estimates& estimates, std::uint64_t least_ns,
                               std::uint64_t most_ns) {
  const double log2 = std::log2(std::max(estimates.peers, 2.0));
  const double per_round = 1 / (log2 * log2);
  double best_s = seconds(most_ns);
  if (estimates.failures_per_s > 0) {
    best_s = std::min(best_s, per_round / (2 * estimates.failures_per_s));
  }
  if (estimates.joins_per_s > 0) {
    best_s = std::min(best_s, per_round * estimates.peers / estimates.joins_per_s);
  }
  return std::clamp(static_cast<std::uint64_t>(best_s * kNsPerSecond), least_ns, most_ns);
}

}  // namespace controlplane::topology::chord
