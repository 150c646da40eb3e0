// SPDX-License-Identifier: Apache-2.0
#include "controlplane/admin/overlay.h"

#include <optional>
#include <vector>

#include "controlplane/admin/respond.h"

namespace controlplane::admin {

using topology::Membership;
using topology::chord::ChordTopology;
using topology::chord::FingerView;
using topology::chord::NeighborView;

namespace {

const char* name_of(Membership membership) {
  switch (membership) {
    case Membership::kOutside:
      return "outside";
    case Membership::kJoining:
      return "joining";
    case Membership::kMember:
      return "member";
    case Membership::kClient:
      return "client";
    case Membership::kLeaving:
      return "leaving";
    case Membership::kLeft:
      return "left";
  }
  return "unknown";
}

Json describe(const std::vector<NeighborView>& side) {
  Json list = Json::array();
  for (const NeighborView& neighbor : side) {
    Json row{{"node_id", config::to_string(neighbor.id)}, {"ready", neighbor.ready}};
    if (neighbor.slot != wire::shm::kNoLink) row["slot"] = neighbor.slot;
    if (neighbor.table_age_ns != overlay::kNever) {
      row["table_age_s"] = static_cast<double>(neighbor.table_age_ns) / 1e9;
    }
    list.push_back(std::move(row));
  }
  return list;
}

Json describe(const std::vector<FingerView>& fingers) {
  Json list = Json::array();
  for (const FingerView& finger : fingers) {
    Json row{{"index", finger.index},
             {"start", config::to_string(finger.start)},
             {"valid", finger.valid},
             {"node_id", nullptr}};
    if (finger.peer) row["node_id"] = config::to_string(*finger.peer);
    list.push_back(std::move(row));
  }
  return list;
}

std::optional<overlay::MembershipWish> parse_wish(const std::string& text) {
  if (text == "first") return overlay::MembershipWish::kFound;
  if (text == "join") return overlay::MembershipWish::kJoin;
  if (text == "leave") return overlay::MembershipWish::kLeave;
  return std::nullopt;
}

}  // namespace

HttpResponse describe_overlay(const ControlPlane& plane, const overlay::Now& now) {
  const ChordTopology* const chord = plane.chord();
  Json answer{{"overlay", plane.config().overlay.name},
              {"node_id", config::to_string(plane.node().settings().self)},
              {"topology", chord != nullptr ? "chord-reload" : "static"}};
  if (chord != nullptr) {
    answer["membership"] = name_of(chord->membership());
    answer["predecessors"] = describe(chord->predecessors(now));
    answer["successors"] = describe(chord->successors(now));
    answer["fingers"] = describe(chord->fingers());
    answer["links"] = plane.links().size();
  }
  return respond(answer);
}

HttpResponse change_membership(ControlPlane& plane, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto found = json.is_object() ? json.find("wish") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_string()) {
    return refuse(400, "wish: accepted are \"first\", \"join\" and \"leave\"");
  }
  const auto wish = parse_wish(found->get<std::string>());
  if (!wish) return refuse(400, "wish: accepted are \"first\", \"join\" and \"leave\"");
  const ChordTopology* const chord = plane.chord();
  if (chord == nullptr) {
    return refuse(409,
                  "this node has a static topology: its file says what links it has, and "
                  "there is nothing to join or leave");
  }
  const Membership now = chord->membership();
  const bool is_there = now == Membership::kMember || now == Membership::kClient;
  const bool is_in = is_there || now == Membership::kJoining;
  if (*wish == overlay::MembershipWish::kLeave && !is_in) {
    return refuse(409, std::string("this node is not in the overlay: it is ") + name_of(now));
  }
  if (*wish != overlay::MembershipWish::kLeave && is_there) {
    return refuse(409, std::string("this node is a ") + name_of(now) + " already");
  }
  if (*wish == overlay::MembershipWish::kFound && !plane.config().is_peer) {
    return refuse(409, "node.role is \"client\": a client cannot be the first node of an overlay");
  }
  if (*wish == overlay::MembershipWish::kJoin && plane.config().overlay.bootstrap_nodes.empty()) {
    return refuse(409,
                  "overlay.bootstrap_nodes is empty: there is nobody to call. The first node "
                  "of an overlay takes the whole ring: hopsealctl join --first");
  }
  plane.submit(*wish);
  return respond({{"wish", found->get<std::string>()}, {"membership", name_of(now)}});
}

}  // namespace controlplane::admin
