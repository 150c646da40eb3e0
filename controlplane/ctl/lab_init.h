// SPDX-License-Identifier: Apache-2.0
// Writes a laboratory to disk: an authority, keys, certificates, a folder per node, and lab.json,
// which tells a harness what to create and start.
//
//   DIR/ca.pem ca-key.pem lab.json
//   DIR/nodeN/node.toml node.pem node-key.pem run/     and ALGORITHM.pem, ALGORITHM-key.pem for
//                                                      further identities
//
// lab.json is one object:
//   overlay, service_port, address_family (4 or 6), protocol ("dtls" or "lab"), topology,
//   client_ends, root_certificate
//   nodes  [{name, role, namespace, config, runtime_directory, node_id,
//            identities [{name, algorithm, certificate, key}],
//            ports [{name, interface, address4, address6, mac, peer, peer_interface}]}]
//   links  [{a, b, interface_a, interface_b}]           a and b are names of nodes
// Paths are absolute, addresses carry their prefix length. Every link is a veth pair between two
// namespaces. Interfaces get the MAC address given here and no IP address: the dataplane owns the
// addresses, and the kernel would answer in its place. Transmit checksum offload must be off.

#pragma once

#include <cstdint>
#include <string>

#include "controlplane/ctl/lab_plan.h"

namespace controlplane::ctl {

/// Makes the laboratory. Empty on success; else one line that says what to do. Leaves nothing
/// half-made: the folder appears whole or not at all. Takes up to a second per RSA key.
[[nodiscard]] std::string init_lab(const LabRequest& request, std::int64_t now_unix_s);

}  // namespace controlplane::ctl
