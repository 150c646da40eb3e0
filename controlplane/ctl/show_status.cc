// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::DataplaneStatus;
using wire::shm::ProcessStatus;

/// Without a control plane: since the dataplane saw it go, or since its last sign of life.
double headless_seconds(const wire::shm::NodeRegion& region) {
  const DataplaneStatus& dataplane = region.dataplane.status;
  if (dataplane.headless.load() != 0) return seconds_since(dataplane.headless_since.load());
  return seconds_since(region.header.controlplane.heartbeat.load());
}

/// Names of the peers whose links are not encrypted.
Document lab_links(const Context& context, const wire::shm::NodeRegion& region) {
  Document names = Document::array();
  for (const wire::shm::LinkStatus& status : region.dataplane.links) {
    wire::shm::LinkRecord link;
    if (status.state.load() == static_cast<std::uint8_t>(wire::shm::LinkState::kAbsent) ||
        !wire::shm::read_identity(status, link) || link.protocol != wire::shm::LinkProtocol::kLab) {
      continue;
    }
    const std::string name = context.peer_name(link.peer);
    names.push_back(name.empty() ? config::to_string(link.peer) : name);
  }
  return names;
}

Document process_json(const ProcessStatus& status, bool runs) {
  Document json;
  json["running"] = runs;
  json["pid"] = runs ? Document(status.pid.load()) : Document(nullptr);
  json["starts"] = status.incarnation.load();
  json["heartbeat_age_seconds"] = status.incarnation.load() == 0
                                      ? Document(nullptr)
                                      : Document(seconds_since(status.heartbeat.load()));
  return json;
}

std::string process_text(const ProcessStatus& status, bool runs) {
  const std::uint64_t starts = status.incarnation.load();
  if (starts == 0) return "has never run";
  const std::string age = duration(seconds_since(status.heartbeat.load())) + " ago";
  const std::string counted = starts == 1 ? "first start" : "start " + std::to_string(starts);
  if (!runs) return "does not run; last sign of life " + age;
  return "runs, pid " + std::to_string(status.pid.load()) + ", " + counted + ", heartbeat " + age;
}

Document status_json(const Context& context, const NodeView& view) {
  const wire::shm::NodeRegion& region = view.region();
  const DataplaneStatus& dataplane = region.dataplane.status;
  const bool dataplane_runs = view.dataplane_runs();
  const bool controlplane_runs = view.controlplane_runs();
  const auto routes = NodeView::copy(region.tables.routes);
  const bool headless = dataplane_runs && !controlplane_runs;
  Document json;
  json["node_id"] =
      routes->self.is_invalid() ? Document(nullptr) : Document(config::to_string(routes->self));
  json["role"] = routes->is_peer != 0 ? "peer" : "client";
  json["dataplane_running"] = dataplane_runs;
  json["controlplane_running"] = controlplane_runs;
  json["headless"] = headless;
  json["headless_seconds"] = headless ? Document(headless_seconds(region)) : Document(nullptr);
  json["workers"] = dataplane.worker_count.load();
  json["poll"] = text_of(dataplane.poll);
  json["kernel"] = text_of(dataplane.kernel);
  json["tsc_hz"] = dataplane.tsc_hz.load();
  json["links"] = dataplane.links.load();
  json["lab_links"] = lab_links(context, region);
  json["signers"] = dataplane.signers.load();
  json["known_signers"] = dataplane.tables.load();
  json["known_signer_bytes"] = dataplane.table_bytes.load();
  json["known_signer_bytes_used"] = dataplane.table_bytes_used.load();
  json["resyncs"] = dataplane.resyncs.load();
  json["commands"] = dataplane.commands.load();
  json["command_errors"] = dataplane.command_errors.load();
  json["capturing"] = dataplane.capturing.load() != 0;
  json["capture_packets"] = dataplane.capture_packets.load();
  json["route_generation"] = region.tables.routes.generation.load();
  json["policy_generation"] = region.tables.policy.generation.load();
  json["dataplane"] = process_json(region.header.dataplane, dataplane_runs);
  json["controlplane"] = process_json(region.header.controlplane, controlplane_runs);
  return json;
}

}  // namespace

void show_status(const Context& context) {
  const NodeView view(context);
  const Document json = status_json(context, view);
  if (context.json) return print(json);

  const wire::shm::NodeRegion& region = view.region();
  TextTable table({{"node", {}},
                   {json["node_id"].is_null() ? "no Node-ID published yet"
                                              : json["node_id"].get<std::string>() + " (" +
                                                    json["role"].get<std::string>() + ")",
                    {}}});
  table.add({"dataplane", process_text(region.header.dataplane, view.dataplane_runs())});
  table.add({"control plane", process_text(region.header.controlplane, view.controlplane_runs())});
  if (json["headless"].get<bool>()) {
    table.add({"headless", "for " + duration(headless_seconds(region)) +
                               "; forwards on what it was last told"});
  }
  table.add({"workers", json["workers"].dump() + ", poll " + json["poll"].get<std::string>() +
                            ", verify kernel " + json["kernel"].get<std::string>()});
  std::string links = json["links"].dump();
  if (!json["lab_links"].empty()) {
    links += "; NOT ENCRYPTED (lab):";
    for (const Document& name : json["lab_links"]) links += ' ' + name.get<std::string>();
  }
  table.add({"links", links});
  table.add({"signers", json["signers"].dump()});
  table.add({"known signers", known_signers_text(region.dataplane.status)});
  table.add({"resyncs", json["resyncs"].dump()});
  table.add({"commands",
             json["commands"].dump() + " applied, " + json["command_errors"].dump() + " refused"});
  table.add({"capture", (json["capturing"].get<bool>() ? "running, " : "off, ") +
                            json["capture_packets"].dump() + " packets written"});
  table.print();
}

}  // namespace controlplane::ctl
