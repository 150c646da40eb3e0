// SPDX-License-Identifier: Apache-2.0
// hopsealctl overlay draw: the ring this node is in, as its members describe it.

#include <cstdio>
#include <memory>
#include <string>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/ask_peer.h"
#include "controlplane/ctl/new_file.h"
#include "controlplane/ctl/ring_drawing.h"
#include "controlplane/ctl/show.h"

namespace controlplane::ctl {
namespace {

using nlohmann::json;
using wire::reload::NodeId;

constexpr mode_t kPictureMode = 0644;

struct DrawOptions {
  std::string out;
  std::size_t most_nodes = 256;
  double timeout_s = 15;
};

SurveyQuestions questions_of(const Context& context, const DrawOptions& options) {
  const auto timeout_ms = static_cast<std::uint64_t>(options.timeout_s * 1000);
  return {[&context, timeout_ms](const NodeId& node, const NodeId& point,
                                 std::string& why) -> std::optional<NodeId> {
    const json answer = ask_peer(context, {{"method", "route_query"},
                                           {"of", config::to_string(node)},
                                           {"destination", "resource:" + config::to_string(point)},
                                           {"timeout_ms", timeout_ms}});
    if (answer.value("status", "") == "ok") {
      if (auto next = config::parse_node_id(answer.value("next_peer", ""))) return next;
    }
    why = config::to_string(node) + ": " + excuse(answer);
    return std::nullopt;
  }};
}

Document as_json(const RingSurvey& survey) {
  Document nodes = Document::array();
  for (const SurveyedNode& node : survey.nodes) {
    Document links = Document::array();
    for (const NodeId& link : node.links) links.push_back(config::to_string(link));
    nodes.push_back({{"node_id", config::to_string(node.id)}, {"routes_to", links}});
  }
  return {{"whole", survey.is_whole}, {"why_not", survey.why_not}, {"nodes", nodes}};
}

void draw(Context& context, const DrawOptions& options) {
  const json overlay = ask(context, "GET", "/v1/overlay");
  if (overlay.at("topology") == "static") {
    fail("overlay draw: the topology of this node is static; hopsealctl show links has its links");
  }
  if (overlay.at("membership") != "member") {
    fail("overlay draw: this node is no member of the ring: it is " +
         overlay.at("membership").get<std::string>());
  }
  const auto first = config::parse_node_id(overlay.at("node_id").get<std::string>());
  if (!first) fail("overlay draw: the control plane gave no Node-ID");
  const RingSurvey survey = survey_ring(*first, options.most_nodes, questions_of(context, options));
  const std::string svg = draw_ring(survey, overlay.at("overlay").get<std::string>());
  context.exit_status = survey.is_whole ? 0 : 1;
  if (options.out == "-") {
    std::fputs(svg.c_str(), stdout);
  } else {
    replace_file(options.out, svg, kPictureMode);
    if (context.json) {
      print(as_json(survey));
    } else {
      std::printf("%s shows %zu nodes\n", options.out.c_str(), survey.nodes.size());
    }
  }
  if (!survey.is_whole) {
    std::fprintf(stderr, "hopsealctl: not the whole ring: %s\n", survey.why_not.c_str());
  }
}

}  // namespace

void add_overlay_draw(CLI::App& overlay, Context& context) {
  const auto options = std::make_shared<DrawOptions>();
  CLI::App* const command = overlay.add_subcommand(
      "draw", "Draw the ring of the running node: its members, and the links they route over");
  command->add_option("--out,-o", options->out, "SVG file to make; - writes it to the terminal")
      ->required()
      ->type_name("FILE");
  command->add_option("--max-nodes", options->most_nodes, "Ask no more nodes than this")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--timeout,-W", options->timeout_s, "Seconds to wait for each answer")
      ->check(CLI::Range(0.001, 600.0))
      ->capture_default_str();
  command->callback([options, &context] { draw(context, *options); });
}

}  // namespace controlplane::ctl
