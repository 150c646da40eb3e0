// SPDX-License-Identifier: Apache-2.0
// What overlay_bench takes for logarithmic growth, on made-up series.

#include "bench/growth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace bench {
namespace {

std::vector<GrowthPoint> series(const std::function<double(double)>& value) {
  std::vector<GrowthPoint> points;
  for (const double nodes : {100.0, 1000.0, 10'000.0, 100'000.0}) {
    points.push_back({nodes, value(nodes)});
  }
  return points;
}

TEST(Growth, ALogarithmPasses) {
  EXPECT_TRUE(judge_growth(series([](double n) { return 3 * std::log2(n); })).logarithmic);
  EXPECT_TRUE(judge_growth(series([](double n) { return 24 + 2 * std::log2(n); })).logarithmic);
}

TEST(Growth, WhatStaysTheSamePasses) {
  EXPECT_TRUE(judge_growth(series([](double) { return 24.0; })).logarithmic);
}

TEST(Growth, NoiseOfAFewPercentPasses) {
  auto points = series([](double n) { return 3 * std::log2(n); });
  points[2].value *= 1.03;
  EXPECT_TRUE(judge_growth(points).logarithmic);
}

TEST(Growth, ALineIsRefusedAndSaysWhere) {
  const GrowthVerdict verdict = judge_growth(series([](double n) { return 5 + 0.01 * n; }));
  EXPECT_FALSE(verdict.logarithmic);
  EXPECT_NE(verdict.why.find("from 100 to 1000 nodes"), std::string::npos) << verdict.why;
}

TEST(Growth, ALineUnderALargeConstantIsRefusedWhereItShows) {
  const GrowthVerdict verdict = judge_growth(series([](double n) { return 100 + 0.001 * n; }));
  EXPECT_FALSE(verdict.logarithmic);
  EXPECT_NE(verdict.why.find("from 10000 to 100000 nodes"), std::string::npos) << verdict.why;
}

TEST(Growth, RootsAndSquaredLogarithmsAreRefused) {
  EXPECT_FALSE(judge_growth(series([](double n) { return std::sqrt(n); })).logarithmic);
  EXPECT_FALSE(
      judge_growth(series([](double n) { return std::log2(n) * std::log2(n); })).logarithmic);
}

TEST(Growth, WhatIsNoNumberOrNoSeriesIsRefused) {
  auto points = series([](double n) { return std::log2(n); });
  points[1].value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(judge_growth(points).logarithmic);
  EXPECT_FALSE(judge_growth({}).logarithmic);
}

TEST(Growth, TheFitFindsBaseAndSlope) {
  const LogFit fit = fit_log(series([](double n) { return 24 + 2 * std::log2(n); }));
  EXPECT_NEAR(fit.base, 24, 1e-9);
  EXPECT_NEAR(fit.per_doubling, 2, 1e-9);
  EXPECT_NEAR(fit.worst, 0, 1e-9);
  EXPECT_NEAR(fit.at(1024), 44, 1e-9);
  EXPECT_GT(fit_log(series([](double n) { return n; })).worst, 1);
}

}  // namespace
}  // namespace bench
