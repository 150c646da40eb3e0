// SPDX-License-Identifier: Apache-2.0
// How fast something grows with the number of nodes, and whether that is O(log N).

#pragma once

#include <span>
#include <string>
#include <vector>

namespace bench {

struct GrowthPoint {
  double nodes = 0;  ///< above 1
  double value = 0;  ///< above 0
};

/// value = base + per_doubling * log2(nodes), by least squares.
struct LogFit {
  double base = 0;
  double per_doubling = 0;
  /// The largest distance of a point from the line, in parts of the point.
  double worst = 0;

  [[nodiscard]] double at(double nodes) const;
};

/// @pre at least two points with different numbers of nodes
[[nodiscard]] LogFit fit_log(std::span<const GrowthPoint> points);

/// By how much value / log2(nodes) may rise from one point to the next.
///
/// O(log N) means that this quotient is bounded: it falls towards the slope where there is a fixed
/// part, and stays where there is none. From one power of ten to the next, up to 100 000, the
/// square of the logarithm raises it by 25 % or more, the square root of N by 110 % or more, N
/// itself by 560 % or more. Between lie powers of N below 0.12, which no measurement up to 100 000
/// can tell from a logarithm.
inline constexpr double kMostRise = 0.05;

struct GrowthVerdict {
  bool logarithmic = true;
  std::string why;  ///< of a refusal: the step that grew too fast
};

/// @param points  ascending by nodes; fewer than two prove nothing and are refused
[[nodiscard]] GrowthVerdict judge_growth(std::span<const GrowthPoint> points);

}  // namespace bench
