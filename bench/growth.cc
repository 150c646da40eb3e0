// SPDX-License-Identifier: Apache-2.0
#include "bench/growth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace bench {

double LogFit::at(double nodes) const { return base + per_doubling * std::log2(nodes); }

LogFit fit_log(std::span<const GrowthPoint> points) {
  const auto count = static_cast<double>(points.size());
  double mean_x = 0;
  double mean_y = 0;
  for (const GrowthPoint& point : points) {
    mean_x += std::log2(point.nodes) / count;
    mean_y += point.value / count;
  }
  double xx = 0;
  double xy = 0;
  for (const GrowthPoint& point : points) {
    const double x = std::log2(point.nodes) - mean_x;
    xx += x * x;
    xy += x * (point.value - mean_y);
  }
  LogFit fit;
  fit.per_doubling = xy / xx;
  fit.base = mean_y - fit.per_doubling * mean_x;
  for (const GrowthPoint& point : points) {
    fit.worst = std::max(fit.worst, std::abs(fit.at(point.nodes) / point.value - 1));
  }
  return fit;
}

GrowthVerdict judge_growth(std::span<const GrowthPoint> points) {
  if (points.size() < 2) return {false, "one number of nodes shows no growth"};
  for (std::size_t i = 1; i < points.size(); ++i) {
    const GrowthPoint& from = points[i - 1];
    const GrowthPoint& to = points[i];
    const double before = from.value / std::log2(from.nodes);
    const double after = to.value / std::log2(to.nodes);
    // Said so that what is no number does not pass.
    if (after <= before * (1 + kMostRise)) continue;
    std::array<char, 160> text;
    std::snprintf(text.data(), text.size(),
                  "from %.0f to %.0f nodes it rose from %.4g to %.4g, by log2(N) from %.3g to %.3g",
                  from.nodes, to.nodes, from.value, to.value, before, after);
    return {false, text.data()};
  }
  return {};
}

}  // namespace bench
