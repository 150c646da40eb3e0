// SPDX-License-Identifier: Apache-2.0
// A plot of lines as SVG: the x axis logarithmic, for what follows from sizes.

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
  bool linear_y = false;        ///< from 0 up, so that a logarithm is a straight line
};

/// A whole SVG document.
[[nodiscard]] std::string svg(const Plot& plot);

}  // namespace bench
