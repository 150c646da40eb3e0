// SPDX-License-Identifier: Apache-2.0
// A plot of lines as SVG: both axes logarithmic, for rates over sizes.

#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

struct PlotLine {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< x and y, both above 0
  bool dashed = false;
};

struct Plot {
  std::string title;
  std::string x_name;
  std::string y_name;
  std::vector<PlotLine> lines;  ///< names stand in a legend, in this order
};

/// A whole SVG document.
[[nodiscard]] std::string svg(const Plot& plot);

}  // namespace bench
