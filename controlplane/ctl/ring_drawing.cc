// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/ring_drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "config/node_config.h"

namespace controlplane::ctl {

using wire::reload::NodeId;

namespace {

constexpr double kSize = 800;
constexpr double kMiddle = kSize / 2;
constexpr double kRadius = 300;
constexpr double kLabelRadius = kRadius + 16;
/// With more nodes than this their names would lie over each other.
constexpr std::size_t kMostLabels = 64;

struct Place {
  double x = 0;
  double y = 0;
};

double turn_of(const NodeId& id) {
  return static_cast<double>(id.high()) / 18446744073709551616.0;  // 2^64
}

Place place_at(double turn, double radius) {
  const double angle = 2 * std::numbers::pi * turn;
  return {kMiddle + radius * std::sin(angle), kMiddle - radius * std::cos(angle)};
}

template <class... Values>
void add(std::string& svg, const char* format, Values... values) {
  std::array<char, 512> text;
  std::snprintf(text.data(), text.size(), format, values...);
  svg += text.data();
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else {
      safe += c;
    }
  }
  return safe;
}

void add_links(std::string& svg, const SurveyedNode& node) {
  const Place from = place_at(turn_of(node.id), kRadius);
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    const Place to = place_at(turn_of(node.links[i]), kRadius);
    // The successor's link is drawn as part of the circle's own round, and stands out.
    const char* const kind = i == 0 ? "next" : "link";
    add(svg, "<path class=\"%s\" d=\"M%.1f %.1f Q%.1f %.1f %.1f %.1f\"/>\n", kind, from.x, from.y,
        (from.x + to.x + kMiddle) / 3, (from.y + to.y + kMiddle) / 3, to.x, to.y);
  }
}

void add_node(std::string& svg, const SurveyedNode& node, bool is_first, bool with_label) {
  const double turn = turn_of(node.id);
  const Place at = place_at(turn, kRadius);
  const std::string name = config::to_string(node.id);
  add(svg,
      "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s: %zu "
      "links</title></circle>\n",
      is_first ? "here" : "node", at.x, at.y, name.c_str(), node.links.size());
  if (!with_label) return;
  const Place label = place_at(turn, kLabelRadius);
  add(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", label.x, label.y + 4,
      turn < 0.5 ? "start" : "end", name.substr(0, 8).c_str());
}

}  // namespace

std::string draw_ring(const RingSurvey& survey, const std::string& title) {
  std::string svg;
  add(svg,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" "
      "font-size=\"12\">\n",
      kSize, kSize);
  svg +=
      "<style>.ring{fill:none;stroke:#bbb}.link{fill:none;stroke:#0072b2;opacity:.35}"
      ".next{fill:none;stroke:#0072b2;stroke-width:2}.node{fill:#000}.here{fill:#d55e00}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  svg += "<text x=\"20\" y=\"28\" font-size=\"16\">" + escaped(title) + "</text>\n";
  add(svg, "<text x=\"20\" y=\"48\">%zu nodes</text>\n", survey.nodes.size());
  if (!survey.is_whole) {
    svg +=
        "<text x=\"20\" y=\"66\" fill=\"#d55e00\">not the whole ring: " + escaped(survey.why_not) +
        "</text>\n";
  }
  add(svg, "<circle class=\"ring\" cx=\"%.0f\" cy=\"%.0f\" r=\"%.0f\"/>\n", kMiddle, kMiddle,
      kRadius);
  for (const SurveyedNode& node : survey.nodes) add_links(svg, node);
  for (std::size_t i = 0; i < survey.nodes.size(); ++i) {
    add_node(svg, survey.nodes[i], i == 0, survey.nodes.size() <= kMostLabels);
  }
  return svg + "</svg>\n";
}

}  // namespace controlplane::ctl
