// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/lab_plan.h"

#include <algorithm>
#include <cstdio>

#include "wire/shm/layout.h"

namespace controlplane::ctl {
namespace {

using wire::reload::NodeId;

constexpr std::size_t kMostNodes = 64;
constexpr std::uint32_t kMostDays = 36500;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

/// The addresses of link @p link: 10.64.0.0/24 and fd00:6084:0:0::/64 are the first one's.
std::string address4(std::size_t link, unsigned host) {
  const auto number = static_cast<unsigned>(link);
  return format("10.%u.%u.%u", 64U + (number >> 8U), number & 0xffU, host);
}
std::string address6(std::size_t link, unsigned host) {
  return format("fd00:6084:0:%x::%x", static_cast<unsigned>(link), host);
}

/// Locally administered; the last bytes are link and end, so that a capture reads by itself.
std::string mac(std::size_t link, unsigned host) {
  const auto number = static_cast<unsigned>(link);
  return format("02:60:84:%02x:%02x:%02x", number >> 8U, number & 0xffU, host);
}

LabPort port_of(const LabPlan& plan, std::size_t self, std::size_t peer, std::size_t link,
                unsigned host) {
  const unsigned other = 3 - host;
  return {.name = "to-" + plan.nodes[peer].name,
          .interface = format("n%zu-n%zu", self + 1, peer + 1),
          .peer_interface = format("n%zu-n%zu", peer + 1, self + 1),
          .peer = peer,
          .address4 = address4(link, host),
          .address6 = address6(link, host),
          .peer_address4 = address4(link, other),
          .peer_address6 = address6(link, other),
          .mac = mac(link, host)};
}

void join(LabPlan& plan, std::size_t a, std::size_t b) {
  const std::size_t link = plan.links.size();
  plan.nodes[a].ports.push_back(port_of(plan, a, b, link, 1));
  plan.nodes[b].ports.push_back(port_of(plan, b, a, link, 2));
  const LabPort& end = plan.nodes[a].ports.back();
  plan.links.push_back({a, b, end.interface, end.peer_interface});
}

std::vector<NodeId> ascending_ids(std::size_t count, const std::function<NodeId()>& random_id) {
  std::vector<NodeId> ids;
  while (ids.size() < count) {
    const NodeId id = random_id();
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

const char* lab_algorithm_name(crypto::Algorithm algorithm) noexcept {
  switch (algorithm) {
    case crypto::Algorithm::kRsaPkcs1Sha256:
      return "rsa-2048";
    case crypto::Algorithm::kEcdsaP256Sha256:
      return "ecdsa-p256";
    case crypto::Algorithm::kEd25519:
      return "ed25519";
  }
  return "unknown";
}

std::string lab_fault(const LabRequest& request) {
  const std::size_t clients = request.client_ends ? 2 : 0;
  const std::size_t least = request.client_ends ? 3 : 2;
  if (request.nodes < least || request.nodes > kMostNodes) {
    return format("--nodes %zu: accepted are %zu to %zu", request.nodes, least, kMostNodes) +
           (request.client_ends ? " with --client-ends (two clients and at least one peer)" : "");
  }
  // A peer has a port per link: to all others, and the first and last peer one for their client.
  const std::size_t peers = request.nodes - clients;
  const std::size_t ports = peers - 1 + (peers == 1 ? clients : clients / 2);
  if (request.topology == LabTopology::kFull && ports > wire::shm::kMaxPorts) {
    return format(
               "--topology full with --nodes %zu: a node would have %zu ports, of which it can "
               "have %zu",
               request.nodes, ports, wire::shm::kMaxPorts) +
           "; pass fewer nodes or --topology chain";
  }
  if (request.algorithms.empty()) {
    return "--algorithms: accepted are ed25519, ecdsa-p256 and rsa-2048, joined by commas";
  }
  if (request.workers == 0 || request.workers > wire::shm::kMaxLcores) {
    return format("--workers %u: accepted are 1 to %zu", request.workers, wire::shm::kMaxLcores);
  }
  if (request.days == 0 || request.days > kMostDays) {
    return format("--days %u: accepted are 1 to %u", request.days, kMostDays);
  }
  return {};
}

LabPlan plan_lab(const LabRequest& request, const std::function<NodeId()>& random_id) {
  const std::size_t count = request.nodes;
  const std::size_t first_peer = request.client_ends ? 1 : 0;
  const std::size_t last_peer = count - 1 - first_peer;

  std::vector<NodeId> ids = ascending_ids(count, random_id);
  // The sink lies below the last peer, and above the one before it.
  if (request.client_ends) std::swap(ids[count - 1], ids[count - 2]);

  LabPlan plan;
  for (std::size_t i = 0; i < count; ++i) {
    plan.nodes.push_back({.name = format("node%zu", i + 1),
                          .is_peer = i >= first_peer && i <= last_peer,
                          .node_id = ids[i],
                          .algorithm = request.algorithms[i % request.algorithms.size()],
                          .ports = {}});
  }

  if (request.client_ends) join(plan, 0, first_peer);
  if (request.topology == LabTopology::kFull) {
    for (std::size_t a = first_peer; a <= last_peer; ++a) {
      for (std::size_t b = a + 1; b <= last_peer; ++b) join(plan, a, b);
    }
  } else {
    for (std::size_t a = first_peer; a < last_peer; ++a) join(plan, a, a + 1);
  }
  if (request.client_ends) join(plan, last_peer, count - 1);
  // Last, so that the numbers of the other links are where a reader expects them.
  if (request.topology == LabTopology::kChain && last_peer - first_peer >= 2) {
    join(plan, last_peer, first_peer);
  }
  return plan;
}

}  // namespace controlplane::ctl
