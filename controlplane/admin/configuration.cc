// SPDX-License-Identifier: Apache-2.0
#include "controlplane/admin/configuration.h"

#include <nlohmann/json.hpp>
#include <span>

#include "config/node_config.h"
#include "controlplane/admin/respond.h"

namespace controlplane::admin {
namespace {

using Json = nlohmann::ordered_json;

Json names_of(std::span<const wire::reload::NodeId> nodes) {
  Json names = Json::array();
  for (const wire::reload::NodeId& node : nodes) names.push_back(config::to_string(node));
  return names;
}

HttpResponse no_document() {
  return refuse(404, "this node follows no configuration document: overlay.document is empty");
}

}  // namespace

HttpResponse describe_configuration(const ControlPlane& plane) {
  const configuration::FollowedDocument* const document = plane.document();
  if (document == nullptr) return no_document();
  const configuration::OverlayConfiguration& configuration = document->configuration();
  const overlay::NodeCounters& counters = plane.node().counters();
  Json answer{
      {"overlay", configuration.instance_name},
      {"sequence", document->sequence()},
      {"expires_unix_s",
       configuration.expiration_unix_s ? Json(*configuration.expiration_unix_s) : Json(nullptr)},
      {"bad_nodes", names_of(configuration.bad_nodes)},
      {"configuration_signers", names_of(configuration.configuration_signers)},
      {"kind_signers", names_of(configuration.kind_signers)},
      {"bytes", document->file().size()},
      {"adopted", counters.configurations_adopted},
      {"refused", counters.configurations_refused},
      {"told", counters.configurations_told},
      {"not_kept", document->not_kept()}};
  return respond(answer);
}

HttpResponse adopt_configuration(ControlPlane& plane, const overlay::Now& now,
                                 const std::string& body) {
  if (plane.document() == nullptr) return no_document();
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto found = json.is_object() ? json.find("document") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_string()) {
    return refuse(400, "document: accepted is the text of a configuration document");
  }
  if (auto why = plane.adopt(now, found->get<std::string>())) return refuse(409, *why);
  return describe_configuration(plane);
}

}  // namespace controlplane::admin
