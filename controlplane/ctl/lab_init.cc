// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/lab_init.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "config/node_config.h"
#include "controlplane/ctl/lab_node_toml.h"
#include "controlplane/ctl/new_file.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::int64_t kDay = 86'400;
// Clocks of namespaces agree, but those of machines that share a laboratory may not.
constexpr std::int64_t kBackdated = 3'600;
constexpr mode_t kPublicFile = 0644;
constexpr mode_t kPrivateFile = 0600;
// sun_path has 108 bytes with the zero.
constexpr std::size_t kLongestSocketPath = 107;

struct Identity {
  std::string name;
  crypto::Algorithm algorithm;
};

std::unique_ptr<crypto::SigningKey> new_key(crypto::Algorithm algorithm) {
  auto key = crypto::SigningKey::generate(algorithm);
  if (key == nullptr) {
    throw std::runtime_error(std::string("OpenSSL cannot make a key for ") +
                             crypto::algorithm_name(algorithm));
  }
  return key;
}

/// The first is the node's own. All of a node's identities share its Node-ID.
std::vector<Identity> identities_of(const LabRequest& request, const LabPlan& plan,
                                    std::size_t index) {
  std::vector<Identity> identities = {{"node", plan.nodes[index].algorithm}};
  if (request.all_identities && index == 0) {
    for (const auto algorithm : {crypto::Algorithm::kEd25519, crypto::Algorithm::kEcdsaP256Sha256,
                                 crypto::Algorithm::kRsaPkcs1Sha256}) {
      identities.push_back({lab_algorithm_name(algorithm), algorithm});
    }
  }
  return identities;
}

void write_identity(const fs::path& folder, const Identity& identity, const LabNode& node,
                    const LabRequest& request, const trust::Authority& authority,
                    const trust::Validity& validity) {
  const auto key = new_key(identity.algorithm);
  std::string why;
  const std::string certificate =
      authority.issue(key->public_spki(),
                      {.user_name = node.name + "@" + request.overlay,
                       .uris = {trust::node_uri(node.node_id, request.overlay)},
                       .validity = validity},
                      why);
  if (certificate.empty()) throw std::runtime_error(why);
  write_new_file(folder / (identity.name + ".pem"), certificate, kPublicFile);
  write_new_file(folder / (identity.name + "-key.pem"), key->to_pem(), kPrivateFile);
}

std::string with_prefix(const std::string& address, unsigned bits) {
  return address + "/" + std::to_string(bits);
}

ordered_json describe(const LabPort& port, const LabPlan& plan) {
  return {{"name", port.name},
          {"interface", port.interface},
          {"address4", with_prefix(port.address4, kLabPrefixBits4)},
          {"address6", with_prefix(port.address6, kLabPrefixBits6)},
          {"mac", port.mac},
          {"peer", plan.nodes[port.peer].name},
          {"peer_interface", port.peer_interface}};
}

ordered_json describe(const LabNode& node, const LabPlan& plan, const fs::path& folder,
                      const std::string& lab_name, const std::vector<Identity>& identities) {
  ordered_json described = {{"name", node.name},
                            {"role", node.is_peer ? "peer" : "client"},
                            {"namespace", lab_name + "-" + node.name},
                            {"config", (folder / "node.toml").string()},
                            {"runtime_directory", (folder / "run").string()},
                            {"node_id", config::to_string(node.node_id)},
                            {"identities", ordered_json::array()},
                            {"ports", ordered_json::array()}};
  for (const Identity& identity : identities) {
    described["identities"].push_back(
        {{"name", identity.name},
         {"algorithm", lab_algorithm_name(identity.algorithm)},
         {"certificate", (folder / (identity.name + ".pem")).string()},
         {"key", (folder / (identity.name + "-key.pem")).string()}});
  }
  for (const LabPort& port : node.ports) described["ports"].push_back(describe(port, plan));
  return described;
}

/// Fills @p building; @p final_place is what it will be called.
void write_lab(const fs::path& building, const fs::path& final_place, const LabRequest& request,
               std::int64_t now_unix_s) {
  const LabPlan plan = plan_lab(request, trust::random_node_id);
  const trust::Validity validity = {now_unix_s - kBackdated, now_unix_s + request.days * kDay};
  std::string why;
  const auto authority = trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256,
                                                  request.overlay + " CA", validity, why);
  if (authority == nullptr) throw std::runtime_error(why);
  write_new_file(building / "ca.pem", authority->certificate_pem(), kPublicFile);
  write_new_file(building / "ca-key.pem", authority->key().to_pem(), kPrivateFile);

  // Namespaces are one set for the whole machine; the random part keeps laboratories apart.
  const std::string lab_name = "hopseal-" + config::to_string(trust::random_node_id()).substr(0, 6);
  ordered_json lab = {
      {"overlay", request.overlay},
      {"service_port", kLabServicePort},
      {"address_family", request.ipv6 ? 6 : 4},
      {"protocol", request.protocol == wire::shm::LinkProtocol::kLab ? "lab" : "dtls"},
      {"topology", request.topology == LabTopology::kChain ? "chain" : "full"},
      {"client_ends", request.client_ends},
      {"root_certificate", (final_place / "ca.pem").string()},
      {"nodes", ordered_json::array()},
      {"links", ordered_json::array()}};
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const LabNode& node = plan.nodes[i];
    const fs::path folder = building / node.name;
    fs::create_directories(folder / "run");
    fs::permissions(folder / "run", fs::perms::owner_all);  // the admin socket lives there
    std::vector<std::string> names;
    const auto identities = identities_of(request, plan, i);
    for (const Identity& identity : identities) {
      write_identity(folder, identity, node, request, *authority, validity);
      names.push_back(identity.name);
    }
    const fs::path place = final_place / node.name;
    write_new_file(folder / "node.toml",
                   lab_node_toml(request, plan, i, names, (place / "run").string()), kPublicFile);
    lab["nodes"].push_back(describe(node, plan, place, lab_name, identities));
  }
  for (const LabLink& link : plan.links) {
    lab["links"].push_back({{"a", plan.nodes[link.a].name},
                            {"b", plan.nodes[link.b].name},
                            {"interface_a", link.interface_a},
                            {"interface_b", link.interface_b}});
  }
  write_new_file(building / "lab.json", lab.dump(2) + "\n", kPublicFile);
}

/// What the dataplane and the control plane would say about the nodes' configurations, or empty.
/// Catches what only they know, such as which names an overlay may have.
std::string refused_configuration(const fs::path& building, const LabRequest& request) {
  for (std::size_t i = 1; i <= request.nodes; ++i) {
    const fs::path file = building / ("node" + std::to_string(i)) / "node.toml";
    const auto loaded = config::load_node_config(file.string());
    if (loaded.config) continue;
    const config::ConfigError& error = loaded.errors.front();
    return error.key + " = " + error.value + ": " + error.accepted;
  }
  return {};
}

/// Why @p place may not be replaced, or empty.
std::string occupied(const fs::path& place, bool force) {
  if (!fs::exists(fs::symlink_status(place))) return {};
  if (fs::is_directory(place) && fs::is_empty(place)) return {};
  if (!fs::exists(place / "lab.json")) {
    return place.string() + " exists and is no laboratory; name another directory";
  }
  if (!force) {
    return place.string() +
           " holds a laboratory already; pass --force to replace it and its keys, "
           "or name another directory";
  }
  return {};
}

}  // namespace

std::string init_lab(const LabRequest& request, std::int64_t now_unix_s) {
  fs::path building;
  try {
    if (std::string fault = lab_fault(request); !fault.empty()) return fault;
    fs::path place = fs::absolute(request.directory).lexically_normal();
    if (!place.has_filename()) place = place.parent_path();  // "lab/" names "lab"
    if (std::string fault = occupied(place, request.force); !fault.empty()) return fault;
    const std::string socket =
        (place / ("node" + std::to_string(request.nodes)) / "run/control.sock").string();
    if (socket.size() > kLongestSocketPath) {
      return place.string() +
             " is too long a name: the sockets in it could not be bound; name a "
             "directory with a shorter path";
    }
    building = place.string() + ".partial-" + std::to_string(::getpid());
    fs::create_directories(building);
    write_lab(building, place, request, now_unix_s);
    if (std::string fault = refused_configuration(building, request); !fault.empty()) {
      throw std::runtime_error(fault);
    }
    fs::remove_all(place);
    fs::rename(building, place);
    return {};
  } catch (const std::exception& fault) {
    std::error_code ignored;
    if (!building.empty()) fs::remove_all(building, ignored);
    return std::string("no laboratory was made: ") + fault.what();
  }
}

}  // namespace controlplane::ctl
