// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/overlay_document.h"

#include <algorithm>
#include <vector>

#include "config/node_config.h"
#include "controlplane/configuration/date_time.h"
#include "controlplane/trust/certificate.h"

namespace controlplane::ctl {
namespace {

using configuration::KindBlock;
using configuration::OverlayConfiguration;
using nlohmann::ordered_json;

ordered_json node_ids(const std::vector<wire::reload::NodeId>& ids) {
  ordered_json list = ordered_json::array();
  for (const auto& id : ids) list.push_back(config::to_string(id));
  return list;
}

ordered_json describe_kind(const KindBlock& block) {
  const configuration::Kind& kind = block.kind;
  ordered_json said = ordered_json::object();
  if (!kind.name.empty()) said["name"] = kind.name;
  if (kind.id) said["id"] = static_cast<std::uint32_t>(*kind.id);
  said["data-model"] = configuration::data_model_name(kind.data_model);
  said["access-control"] = kind.access_control;
  said["max-count"] = kind.max_count;
  said["max-size"] = kind.max_size;
  if (kind.max_node_multiple) said["max-node-multiple"] = *kind.max_node_multiple;
  said["signed"] = !block.signature.empty();
  return said;
}

ordered_json describe_root(const std::vector<std::byte>& der) {
  ordered_json said = {{"bytes", der.size()}};
  std::string why;
  if (const auto root = trust::Certificate::from_der(der, why)) {
    said["expires"] = configuration::to_date_time(root->not_after_unix_s);
  }
  return said;
}

template <class List, class Describe>
ordered_json each(const List& list, Describe describe_one) {
  ordered_json all = ordered_json::array();
  for (const auto& one : list) all.push_back(describe_one(one));
  return all;
}

void put_identity(const OverlayConfiguration& from, ordered_json& out) {
  out["instance-name"] = from.instance_name;
  if (from.sequence) out["sequence"] = *from.sequence;
  if (from.expiration_unix_s) {
    out["expiration"] = configuration::to_date_time(*from.expiration_unix_s);
  }
}

}  // namespace

ordered_json describe(const OverlayConfiguration& from) {
  ordered_json out = ordered_json::object();
  put_identity(from, out);
  out["topology-plugin"] = from.topology_plugin;
  out["node-id-length"] = from.node_id_length;
  out["root-cert"] = each(from.root_certs, describe_root);
  out["enrollment-server"] = from.enrollment_servers;
  out["self-signed-permitted"] = from.self_signed_permitted;
  if (from.self_signed_permitted) {
    out["self-signed-digest"] = configuration::digest_name(from.self_signed_digest);
  }
  out["bootstrap-node"] = each(from.bootstrap_nodes, [](const wire::shm::Endpoint& node) {
    return config::to_string(node);
  });
  out["turn-density"] = from.turn_density;
  out["clients-permitted"] = from.clients_permitted;
  out["no-ice"] = from.no_ice;
  out["chord-update-interval"] = from.chord_update_interval_s;
  out["chord-ping-interval"] = from.chord_ping_interval_s;
  out["chord-reactive"] = from.chord_reactive;
  out["shared-secret"] = from.shared_secret.has_value();  // J-12: its value is nobody's business
  out["max-message-size"] = from.max_message_size;
  out["initial-ttl"] = from.initial_ttl;
  out["overlay-reliability-timer"] = from.overlay_reliability_timer_ms;
  out["overlay-link-protocol"] = from.overlay_link_protocols;
  out["configuration-signer"] = node_ids(from.configuration_signers);
  out["kind-signer"] = node_ids(from.kind_signers);
  out["bad-node"] = node_ids(from.bad_nodes);
  out["mandatory-extension"] = from.mandatory_extensions;
  out["required-kinds"] = each(from.required_kinds, describe_kind);
  out["extensions"] = each(from.foreign, [](const configuration::ForeignElement& foreign) {
    return ordered_json{{"namespace", foreign.ns}, {"name", foreign.name}, {"text", foreign.text}};
  });
  return out;
}

ordered_json describe(const configuration::Judgement& judgement) {
  ordered_json out = {{"accepted", judgement.accepted()}};
  const OverlayConfiguration& configuration = judgement.element.configuration;
  if (!configuration.instance_name.empty()) put_identity(configuration, out);
  if (judgement.signer) {
    out["signer"] = config::to_string(*judgement.signer);
    out["signer-expires"] = configuration::to_date_time(judgement.signer_expires_unix_s);
  }
  if (!judgement.accepted()) {
    out["refusal"] = configuration::refusal_name(judgement.fault.refusal);
    if (judgement.fault.where.line != 0) out["line"] = judgement.fault.where.line;
    out["why"] = judgement.fault.sentence();
  }
  out["warnings"] = each(judgement.element.warnings,
                         [](const configuration::Remark& remark) { return remark.sentence(); });
  out["refused-kinds"] =
      each(judgement.refused_kinds, [](const configuration::RefusedKind& refused) {
        ordered_json kind = describe_kind(refused.block);
        kind["why"] = refused.fault.sentence();
        return kind;
      });
  return out;
}

std::string as_lines(const ordered_json& object) {
  constexpr std::size_t kColumn = 27;
  const auto plain = [](const ordered_json& value) {
    // A document may hold what is no UTF-8 once it is cut.
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  };
  std::string text;
  for (const auto& [name, value] : object.items()) {
    const std::string label = name + std::string(kColumn - std::min(kColumn - 2, name.size()), ' ');
    if (!value.is_array()) {
      text += label + plain(value) + "\n";
    } else if (value.empty()) {
      text += label + "-\n";
    }
    if (!value.is_array()) continue;
    for (const ordered_json& one : value) text += label + plain(one) + "\n";
  }
  return text;
}

}  // namespace controlplane::ctl
