// SPDX-License-Identifier: Apache-2.0
// node.toml: what one node is, read by its dataplane and its control plane alike.
//
// docs/reference/node.toml is the documented default: every key, its unit, its default, its danger.
// Everything is checked here, before either process starts anything; an error names file, line,
// key, value and what would be accepted.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dtls/aead.h"
#include "wire/reload/ids.h"
#include "wire/shm/commands.h"
#include "wire/shm/policy_table.h"

namespace config {

/// An address with a prefix length, as a port carries it.
struct PortAddress {
  wire::shm::Endpoint address;  ///< port 0
  std::uint8_t prefix_bits = 0;
};

struct Port {
  std::string name;    ///< how peers refer to it; unique
  std::string device;  ///< EAL vdev with arguments, or a PCI address
  std::vector<PortAddress> addresses;
  std::vector<wire::shm::Endpoint> gateways;  ///< next hop for what is off link; one per family
  std::uint16_t mtu = 1500;                   ///< IP bytes, 576..1982
  std::optional<std::uint64_t> mac;           ///< 48 bits; else the device's own
};

enum class Poll : std::uint8_t { kBusy, kAdaptive };
enum class Memory : std::uint8_t { kHugepages, kPlain, kAuto };

struct Dataplane {
  std::vector<Port> ports;
  std::uint16_t service_port = 6084;  ///< UDP
  std::uint32_t workers = 1;          ///< 1..kMaxLcores
  std::vector<std::uint32_t> cpus;    ///< pin worker i to cpus[i]; empty: not pinned
  Poll poll = Poll::kAdaptive;
  std::uint32_t idle_sleep_us = 50;  ///< adaptive: longest sleep
  Memory memory = Memory::kAuto;
  std::uint32_t memory_mib = 64;  ///< EAL memory with plain pages
  std::uint32_t mbufs = 8191;     ///< per node
  std::uint32_t max_links = 1024;
  std::uint32_t max_signers = 4096;
  std::uint32_t known_signer_mib = 64;         ///< bound of tables for known signers; 0: none
  std::uint32_t digest_cache_entries = 65536;  ///< per worker; 0: off
  std::string kernel;                          ///< verify kernel by name; empty: best
  std::vector<std::string> eal;                ///< more EAL arguments
};

/// Who decides which nodes this one has links to.
enum class Topology : std::uint8_t {
  kStatic,  ///< the file: its peers
  kChord,   ///< CHORD-RELOAD: the overlay itself
};

/// How Node-IDs of self-signed certificates follow from their keys; kNo: there are none.
enum class SelfSigned : std::uint8_t { kNo, kSha1, kSha256 };

struct Overlay {
  std::string name;  ///< DNS name; the hash is derived from it (A-15)
  Topology topology = Topology::kStatic;
  std::vector<wire::shm::Endpoint> bootstrap_nodes;  ///< with kChord; may be empty, or this node's
  bool join = true;                                  ///< as soon as the node starts, with kChord
  std::uint32_t chord_update_s = 600;                ///< chord-update-interval (11.1)
  std::uint32_t chord_ping_s = 3600;                 ///< chord-ping-interval
  bool chord_reactive = true;                        ///< chord-reactive
  bool chord_self_tuning = false;                    ///< CHORD-SELF-TUNING (RFC 7363)
  std::uint16_t configuration_sequence = 1;
  std::string document;  ///< file of the overlay's configuration document; empty: there is none
  std::vector<std::string> root_certificates;  ///< PEM files; may be empty with self_signed
  SelfSigned self_signed = SelfSigned::kNo;
  wire::shm::PolicyTable policy;  ///< everything the lcores need to know, filled completely
};

struct Identity {
  std::string name;              ///< for hopsealctl ping --identity; first is the node's own
  std::string certificate;       ///< PEM file
  std::string key;               ///< PEM file
  bool send_certificate = true;  ///< false: distributed otherwise (E-15)
};

/// What all secure links have in common. Limits and rates stand in Overlay::policy.
struct Links {
  std::vector<wire::dtls::Aead> ciphers;        ///< best first, none twice, not empty
  std::optional<std::string> shared_secret;     ///< file of the overlay's shared secret
  std::vector<wire::shm::Endpoint> tls_listen;  ///< TCP, the kernel's addresses; may be empty
};

struct Peer {
  std::string name;
  wire::reload::NodeId node_id;
  wire::shm::Endpoint address;
  std::string port;  ///< a Port's name; empty with kVirtual, whose sockets are the kernel's
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kDtls;
  wire::shm::LinkClass link_class = wire::shm::LinkClass::kBackbone;
  bool is_peer = true;                     ///< false: a client, takes no transit traffic
  std::optional<std::string> certificate;  ///< PEM file: signer known from the start
};

struct NodeConfig {
  std::string file;               ///< where it was read from
  std::string name;               ///< of the node; letters, digits, dash
  std::string runtime_directory;  ///< region and admin socket live here
  bool is_peer = true;            ///< false: this node is a client
  Dataplane dataplane;
  Overlay overlay;
  Links links;
  std::vector<Identity> identities;
  std::vector<Peer> peers;

  [[nodiscard]] std::string region_path() const;  ///< runtime_directory/region
  [[nodiscard]] std::string admin_path() const;   ///< runtime_directory/control.sock
};

/// A refusal. text() is "node.toml:12: dataplane.workers = 0: accepted are 1 to 8".
struct ConfigError {
  std::string file;
  std::uint32_t line = 0;  ///< 0: the file as a whole
  std::string key;
  std::string value;
  std::string accepted;
  [[nodiscard]] std::string text() const;
};

/// Reads and checks a file or a string. All errors found are given, not only the first; unknown
/// keys are errors that name the nearest known one. Throws nothing.
struct LoadResult {
  std::optional<NodeConfig> config;
  std::vector<ConfigError> errors;  ///< empty exactly when config is set
};
[[nodiscard]] LoadResult load_node_config(const std::string& path) noexcept;
/// The same for a text. Relative paths start at the directory of @p name; whether the files that
/// are named exist is not checked.
[[nodiscard]] LoadResult parse_node_config(std::string_view text, const std::string& name) noexcept;
/// Every section and key there is, such as "dataplane.port.mtu", sorted.
[[nodiscard]] std::vector<std::string> known_keys();

/// "192.0.2.1:6084", "[2001:db8::1]:6084"; without a port when port is 0.
[[nodiscard]] std::string to_string(const wire::shm::Endpoint& endpoint);
/// The reverse; nullopt when malformed. The port is optional.
[[nodiscard]] std::optional<wire::shm::Endpoint> parse_endpoint(std::string_view text) noexcept;
/// True when @p address lies in the prefix of @p port_address.
[[nodiscard]] bool is_on_link(const PortAddress& port_address,
                              const wire::shm::Endpoint& address) noexcept;
[[nodiscard]] std::string to_string(const wire::reload::NodeId& id);  ///< 32 hex digits
[[nodiscard]] std::optional<wire::reload::NodeId> parse_node_id(std::string_view text) noexcept;
/// A legal DNS name by the grammar of RFC 1035 section 2.3.1 (requirement A-16).
[[nodiscard]] bool is_dns_name(std::string_view name) noexcept;
/// Last four bytes of SHA-1(name), requirement A-15.
[[nodiscard]] wire::reload::OverlayHash overlay_hash(std::string_view name) noexcept;

}  // namespace config
