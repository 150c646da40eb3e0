// SPDX-License-Identifier: Apache-2.0
// Results of overlay_bench as text, CSV and plots, and the verdict on them.

#pragma once

#include <string>
#include <vector>

#include "bench/overlay_measure.h"

namespace bench {

/// The table's heading, and one line of it for each result as it comes.
[[nodiscard]] std::string overlay_head();
[[nodiscard]] std::string overlay_line(const OverlayResult& result);

/// A row of names, then one for each result.
[[nodiscard]] std::string overlay_csv(const std::vector<OverlayResult>& results);

/// Over the number of nodes, with the fitted logarithm dashed.
[[nodiscard]] std::string plot_messages(const std::vector<OverlayResult>& results);
[[nodiscard]] std::string plot_memory(const std::vector<OverlayResult>& results);

struct OverlayVerdict {
  bool logarithmic = true;
  std::string text;  ///< a line for each of messages, bytes, links, memory and hops
};

/// @param results  ascending by nodes; at least two
[[nodiscard]] OverlayVerdict judge_overlay(const std::vector<OverlayResult>& results);

}  // namespace bench
