// SPDX-License-Identifier: Apache-2.0
// A ring as its own members describe it: who comes behind whom, and over which links they route.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wire/reload/ids.h"

namespace controlplane::ctl {

/// What a survey asks. Each call is one request and its answer.
struct SurveyQuestions {
  /// Where would @p node send a message for the resource at @p point? Itself: it is responsible.
  /// nullopt with @p why when it does not say.
  std::function<std::optional<wire::reload::NodeId>(
      const wire::reload::NodeId& node, const wire::reload::NodeId& point, std::string& why)>
      next_hop;
};

struct SurveyedNode {
  wire::reload::NodeId id;
  std::vector<wire::reload::NodeId> links;  ///< nodes it routes to, in the order of the ring
};

struct RingSurvey {
  std::vector<SurveyedNode> nodes;  ///< from the first one on, round the ring
  bool is_whole = false;            ///< the way round came back to the first node
  std::string why_not;              ///< else what ended it
};

/// Goes round the ring from @p first, by asking each node for the point behind it; and asks each
/// for the points half, a quarter, ... of the ring ahead, which tells the links of its fingers.
/// About log2 of their number of questions a node. Stops at @p most nodes.
[[nodiscard]] RingSurvey survey_ring(const wire::reload::NodeId& first, std::size_t most,
                                     const SurveyQuestions& questions);

}  // namespace controlplane::ctl
