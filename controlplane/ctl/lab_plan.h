// SPDX-License-Identifier: Apache-2.0
// What a laboratory consists of: which nodes, which links, which Node-IDs and addresses.
//
// Node-IDs follow the wiring, because routing follows Node-IDs (RFC 6940 section 10.3): a peer that
// is not responsible sends a message to the nearest peer *below* the destination that it is
// connected to, so messages travel upwards around the ring and never downwards.
//
//   chain            peers in ascending order, each joined to the next, and the last to the first:
//                    without that last link the first peer would take the second for its
//                    predecessor and itself for responsible for all that lies beyond.
//                    node1 -> node2 -> ... is hop by hop; a request from the last node to the
//                    first takes the closing link. Answers go back the way of their request. To
//                    walk the chain downwards, a request must name the hops in its Destination
//                    List.
//   full             every peer joined to every other.
//   client ends      the first and the last node are clients of the first and the last *peer*.
//                    Each client's Node-ID lies in the interval its peer is responsible for, so the
//                    overlay routes to that peer, which knows the client directly:
//                      source < peer 1 < ... < peer n-1 < sink < peer n

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "crypto/public_key.h"
#include "wire/reload/ids.h"
#include "wire/shm/commands.h"

namespace controlplane::ctl {

enum class LabTopology : std::uint8_t { kChain, kFull };

/// What the operator asks for.
struct LabRequest {
  std::string directory;
  std::size_t nodes = 4;
  LabTopology topology = LabTopology::kChain;
  std::string overlay = "lab.hopseal.example";
  std::vector<crypto::Algorithm> algorithms = {crypto::Algorithm::kEd25519};  ///< cycled over nodes
  bool client_ends = false;
  bool ipv6 = false;  ///< links run over IPv6; ports have addresses of both families
  /// Of all links. kLab: without encryption.
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kDtls;
  std::uint32_t workers = 1;
  bool all_identities = false;  ///< the first node can sign with every algorithm
  std::uint32_t days = 365;     ///< how long certificates are valid
  bool force = false;           ///< replace a laboratory that is already in the directory
};

/// One end of a link, which is a port of its own.
struct LabPort {
  std::string name;            ///< "to-node2"
  std::string interface;       ///< "n1-n2", in the node's namespace; at most 15 characters
  std::string peer_interface;  ///< "n2-n1", in the peer's
  std::size_t peer = 0;        ///< index of the node at the other end
  std::string address4;        ///< without prefix length
  std::string address6;
  std::string peer_address4;
  std::string peer_address6;
  std::string mac;
};

struct LabNode {
  std::string name;  ///< "node1"
  bool is_peer = true;
  wire::reload::NodeId node_id;
  crypto::Algorithm algorithm = crypto::Algorithm::kEd25519;
  std::vector<LabPort> ports;
};

struct LabLink {
  std::size_t a = 0;  ///< index of the node; a < b, but for the link that closes a chain
  std::size_t b = 0;
  std::string interface_a;
  std::string interface_b;
};

inline constexpr std::uint8_t kLabPrefixBits4 = 24;
inline constexpr std::uint8_t kLabPrefixBits6 = 64;

struct LabPlan {
  std::vector<LabNode> nodes;
  std::vector<LabLink> links;
};

/// Empty when @p request can be planned; else what is wrong and what would be accepted.
[[nodiscard]] std::string lab_fault(const LabRequest& request);

/// @pre lab_fault(request) is empty. @param random_id  gives another Node-ID at each call
[[nodiscard]] LabPlan plan_lab(const LabRequest& request,
                               const std::function<wire::reload::NodeId()>& random_id);

/// "ed25519", "ecdsa-p256", "rsa-2048": what --algorithms takes.
[[nodiscard]] const char* lab_algorithm_name(crypto::Algorithm algorithm) noexcept;

}  // namespace controlplane::ctl
