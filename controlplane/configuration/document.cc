// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/document.h"

#include <algorithm>
#include <string>

namespace controlplane::configuration {

using wire::reload::NodeId;

namespace {

template <class List, class Value>
bool holds(const List& list, const Value& value) {
  return std::ranges::find(list, value) != list.end();
}

std::string name_of(const Kind& kind) {
  if (!kind.name.empty()) return kind.name;
  return std::to_string(static_cast<std::uint32_t>(kind.id.value_or(wire::reload::KindId{})));
}

}  // namespace

trust::SelfSigned self_signed_of(const OverlayConfiguration& configuration) noexcept {
  if (!configuration.self_signed_permitted) return trust::SelfSigned::kRefused;
  return configuration.self_signed_digest == Digest::kSha1 ? trust::SelfSigned::kSha1
                                                           : trust::SelfSigned::kSha256;
}

const char* digest_name(Digest digest) noexcept {
  return digest == Digest::kSha1 ? "sha1" : "sha256";
}

bool OverlayConfiguration::is_bad_node(const NodeId& id) const noexcept {
  return holds(bad_nodes, id);
}
bool OverlayConfiguration::may_sign_configurations(const NodeId& id) const noexcept {
  return holds(configuration_signers, id);
}
bool OverlayConfiguration::may_sign_kinds(const NodeId& id) const noexcept {
  return holds(kind_signers, id);
}

std::vector<std::string> cannot_join(const OverlayConfiguration& configuration,
                                     const Abilities& abilities) {
  std::vector<std::string> unmet;
  if (!holds(abilities.topology_plugins, configuration.topology_plugin)) {
    unmet.push_back("topology-plugin " + configuration.topology_plugin +
                    " is not one of this node");
  }
  if (configuration.node_id_length != wire::reload::kNodeIdBytes) {
    unmet.push_back("node-id-length is " + std::to_string(configuration.node_id_length) +
                    "; this node knows 16 only");
  }
  if (std::ranges::none_of(configuration.overlay_link_protocols, [&](const std::string& protocol) {
        return holds(abilities.link_protocols, protocol);
      })) {
    unmet.push_back("no overlay-link-protocol is one of this node");
  }
  if (!configuration.no_ice && !abilities.ice) {
    unmet.push_back("no-ice is false, and this node has No-ICE links only");
  }
  for (const std::string& extension : configuration.mandatory_extensions) {
    if (holds(abilities.extensions, extension)) continue;
    unmet.push_back("mandatory-extension " + extension + " is not supported");
  }
  for (const KindBlock& block : configuration.required_kinds) {
    const Kind& kind = block.kind;
    if (!kind.id) {
      unmet.push_back("Kind " + name_of(kind) + " is not registered as far as this node knows");
    } else if (kind.data_model == DataModel::kOther) {
      unmet.push_back("Kind " + name_of(kind) + " has a data-model this node does not know");
    } else if (!holds(abilities.access_controls, kind.access_control)) {
      unmet.push_back("Kind " + name_of(kind) + " has access-control " + kind.access_control +
                      ", which this node does not know");
    }
  }
  return unmet;
}

std::int64_t refresh_time(std::int64_t now_unix_s, std::int64_t expiration_unix_s,
                          std::uint32_t random) noexcept {
  const std::int64_t half = (expiration_unix_s - now_unix_s) / 2;
  if (half <= 0) return now_unix_s;
  // Keeps the product below 2^62.
  constexpr std::int64_t kLongest = std::int64_t{1} << 30;
  const std::int64_t window = std::min(half, kLongest);
  return now_unix_s + half + ((window * random) >> 32);
}

}  // namespace controlplane::configuration
