// SPDX-License-Identifier: Apache-2.0
// The way round a ring, by what its nodes say, and its picture.

#include "controlplane/ctl/ring_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "controlplane/ctl/ring_drawing.h"
#include "controlplane/topology/ring.h"

namespace controlplane::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using wire::reload::NodeId;

NodeId at(unsigned sixteenth) {
  NodeId id;
  id.bytes[0] = static_cast<std::byte>(sixteenth << 4U);
  return id;
}

/// Nodes that know all others and say where they would send a message.
struct TrueRing {
  std::vector<NodeId> nodes;  // ascending
  std::size_t asked = 0;

  NodeId responsible(const NodeId& point) const {
    const auto found = std::lower_bound(nodes.begin(), nodes.end(), point);
    return found == nodes.end() ? nodes.front() : *found;
  }
  /// The last node before the point; or who is responsible, when nobody is between.
  NodeId next_hop(const NodeId& node, const NodeId& point) const {
    NodeId best = node;
    for (const NodeId& other : nodes) {
      const auto steps = topology::ring::distance(node, other);
      if (steps < topology::ring::distance(node, point) &&
          steps > topology::ring::distance(node, best)) {
        best = other;
      }
    }
    return best == node ? responsible(point) : best;
  }
  SurveyQuestions questions() {
    return {[this](const NodeId& node, const NodeId& point, std::string&) {
      ++asked;
      return std::optional(next_hop(node, point));
    }};
  }
};

std::vector<NodeId> ids_of(const RingSurvey& survey) {
  std::vector<NodeId> ids;
  for (const SurveyedNode& node : survey.nodes) ids.push_back(node.id);
  return ids;
}

TEST(RingSurvey, GoesRoundOnceAndFindsTheLinksOfFingers) {
  TrueRing ring{{at(1), at(3), at(6), at(9), at(14)}};
  const RingSurvey survey = survey_ring(at(6), 100, ring.questions());
  EXPECT_TRUE(survey.is_whole);
  EXPECT_THAT(ids_of(survey), ElementsAre(at(6), at(9), at(14), at(1), at(3)));
  // From 6: its successor is 9; half way round is 14, and before that 9.
  EXPECT_THAT(survey.nodes[0].links, ElementsAre(at(9)));
  // From 9: 14 comes next, and is also the last one before half way round.
  EXPECT_THAT(survey.nodes[1].links, ElementsAre(at(14)));
  EXPECT_LE(ring.asked, 5U * 4);
}

TEST(RingSurvey, ANodeAloneIsARing) {
  TrueRing ring{{at(6)}};
  const RingSurvey survey = survey_ring(at(6), 100, ring.questions());
  EXPECT_TRUE(survey.is_whole);
  EXPECT_THAT(ids_of(survey), ElementsAre(at(6)));
  EXPECT_TRUE(survey.nodes[0].links.empty());
}

TEST(RingSurvey, EndsWhereSomebodySaysNothing) {
  TrueRing ring{{at(1), at(3), at(6), at(9)}};
  SurveyQuestions questions = ring.questions();
  const auto honest = questions.next_hop;
  questions.next_hop = [&](const NodeId& node, const NodeId& point, std::string& why) {
    why = "no answer";
    return node == at(6) ? std::nullopt : honest(node, point, why);
  };
  const RingSurvey survey = survey_ring(at(1), 100, questions);
  EXPECT_FALSE(survey.is_whole);
  EXPECT_EQ(survey.why_not, "no answer");
  EXPECT_THAT(ids_of(survey), ElementsAre(at(1), at(3), at(6)));
}

TEST(RingSurvey, IsNotLedRoundForEver) {
  SurveyQuestions questions;
  // 9 says that 3 comes behind it, though the way began at 6.
  const std::map<NodeId, NodeId> behind = {{at(6), at(9)}, {at(9), at(7)}, {at(7), at(9)}};
  questions.next_hop = [&](const NodeId& node, const NodeId&, std::string&) {
    return std::optional(behind.at(node));
  };
  const RingSurvey survey = survey_ring(at(6), 100, questions);
  EXPECT_FALSE(survey.is_whole);
  EXPECT_THAT(survey.why_not, HasSubstr("past where the way began"));

  TrueRing ring{{at(1), at(3), at(6), at(9)}};
  const RingSurvey cut = survey_ring(at(1), 2, ring.questions());
  EXPECT_FALSE(cut.is_whole);
  EXPECT_THAT(cut.why_not, HasSubstr("more than 2 nodes"));
  EXPECT_EQ(cut.nodes.size(), 2U);
}

TEST(RingDrawing, ShowsEachNodeOnceAndWhatIsMissing) {
  TrueRing ring{{at(1), at(3), at(6)}};
  RingSurvey survey = survey_ring(at(3), 100, ring.questions());
  const std::string whole = draw_ring(survey, "a<b&c");
  EXPECT_THAT(whole, HasSubstr("a&lt;b&amp;c"));
  EXPECT_THAT(whole, HasSubstr("3 nodes"));
  EXPECT_THAT(whole, Not(HasSubstr("not the whole ring")));
  const std::string circle = "<circle class=\"node\"";
  std::size_t circles = 0;
  for (auto i = whole.find(circle); i != std::string::npos; i = whole.find(circle, i + 1))
    ++circles;
  EXPECT_EQ(circles, 2U);
  EXPECT_THAT(whole, HasSubstr("<circle class=\"here\""));
  survey.is_whole = false;
  survey.why_not = "node <x> is away";
  EXPECT_THAT(draw_ring(survey, ""), HasSubstr("not the whole ring: node &lt;x&gt; is away"));
}

}  // namespace
}  // namespace controlplane::ctl
