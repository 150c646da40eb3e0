// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/ring_survey.h"

#include <algorithm>

#include "config/node_config.h"
#include "controlplane/topology/ring.h"

namespace controlplane::ctl {

using topology::ring::Point;
using wire::reload::NodeId;

namespace {

/// The links of @p node's fingers, as far as they begin beyond @p successor. False with @p why.
bool ask_fingers(SurveyedNode& node, const NodeId& successor, const SurveyQuestions& questions,
                 std::string& why) {
  const Point near = topology::ring::distance(node.id, successor);
  for (unsigned i = 1; i <= topology::ring::kBits; ++i) {
    const Point steps = topology::ring::finger_distance(i);
    if (near == 0 || steps <= near) break;  // from here on the successor is asked
    const NodeId point = topology::ring::add(node.id, steps);
    const auto next = questions.next_hop(node.id, point, why);
    if (!next) return false;
    if (*next != node.id) node.links.push_back(*next);
  }
  return true;
}

void sort_links(SurveyedNode& node) {
  auto& links = node.links;
  std::sort(links.begin(), links.end(), [&node](const NodeId& a, const NodeId& b) {
    return topology::ring::distance(node.id, a) < topology::ring::distance(node.id, b);
  });
  links.erase(std::unique(links.begin(), links.end()), links.end());
}

}  // namespace

RingSurvey survey_ring(const NodeId& first, std::size_t most, const SurveyQuestions& questions) {
  RingSurvey survey;
  NodeId at = first;
  for (;;) {
    SurveyedNode& node = survey.nodes.emplace_back(SurveyedNode{at, {}});
    const auto successor = questions.next_hop(at, topology::ring::next(at), survey.why_not);
    if (!successor) return survey;
    if (*successor != at) node.links.push_back(*successor);
    if (!ask_fingers(node, *successor, questions, survey.why_not)) return survey;
    sort_links(node);
    if (*successor == first || *successor == at) break;
    // Behind the last node comes the first one and nobody that was passed already.
    if (survey.nodes.size() > 1 &&
        topology::ring::distance(first, *successor) <= topology::ring::distance(first, at)) {
      survey.why_not = config::to_string(at) + " says that " + config::to_string(*successor) +
                       " comes behind it, which is past where the way began";
      return survey;
    }
    if (survey.nodes.size() == most) {
      survey.why_not = "there are more than " + std::to_string(most) + " nodes (--max-nodes)";
      return survey;
    }
    at = *successor;
  }
  survey.is_whole = true;
  return survey;
}

}  // namespace controlplane::ctl
