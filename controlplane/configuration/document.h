// SPDX-License-Identifier: Apache-2.0
// What an overlay's configuration document says (RFC 6940 section 11.1; requirements J-14 to J-40).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/kind.h"
#include "controlplane/trust/self_signed.h"
#include "wire/reload/ids.h"
#include "wire/shm/commands.h"

namespace controlplane::configuration {

inline constexpr std::string_view kChordReload = "CHORD-RELOAD";
inline constexpr std::uint16_t kDefaultPort = 6084;
inline constexpr std::uint16_t kMaxSequence = 65534;  ///< 65535 has a meaning of its own (B-47)
inline constexpr std::uint32_t kMinReliabilityTimerMs = 200;
inline constexpr std::string_view kTls = "TLS";  ///< the link protocol: TLS and DTLS

/// Of self-generated certificates: what makes a Node-ID out of a key (J-56).
enum class Digest : std::uint8_t { kSha1, kSha256 };
[[nodiscard]] const char* digest_name(Digest digest) noexcept;  ///< "sha1", "sha256"

struct OverlayConfiguration;
/// What certificates of this overlay may be self-signed.
[[nodiscard]] trust::SelfSigned self_signed_of(const OverlayConfiguration& configuration) noexcept;

/// An element of somebody's extension, kept for whoever knows it (J-40).
struct ForeignElement {
  std::string ns;    ///< namespace URI
  std::string name;  ///< without prefix
  std::string text;  ///< its own, trimmed
  std::string xml;   ///< as it lies in the document; its prefixes may be declared outside of it
};

/// One <configuration>. Defaults are the RFC's. Plain data: whoever gets one owns it.
struct OverlayConfiguration {
  std::string instance_name;              ///< the overlay name, a DNS name
  std::optional<std::uint16_t> sequence;  ///< 0 to kMaxSequence; unset: the document has none
  std::optional<std::int64_t> expiration_unix_s;
  std::string topology_plugin{kChordReload};
  std::uint8_t node_id_length = wire::reload::kNodeIdBytes;  ///< bytes
  std::vector<std::vector<std::byte>> root_certs;            ///< DER; X.509 every one
  std::vector<std::string> enrollment_servers;               ///< https URLs
  bool self_signed_permitted = false;
  Digest self_signed_digest = Digest::kSha256;
  std::vector<wire::shm::Endpoint> bootstrap_nodes;
  std::uint32_t turn_density = 1;  ///< 1 of so many nodes is a TURN server; 0: none is
  bool clients_permitted = true;
  bool no_ice = false;
  std::uint32_t chord_update_interval_s = 600;
  std::uint32_t chord_ping_interval_s = 3600;
  bool chord_reactive = true;
  std::optional<std::string> shared_secret;  ///< makes the document confidential (J-12)
  std::uint32_t max_message_size = 5000;     ///< bytes
  std::uint8_t initial_ttl = 100;
  std::uint32_t overlay_reliability_timer_ms = 3000;
  std::vector<std::string> overlay_link_protocols{std::string(kTls)};
  std::vector<wire::reload::NodeId> kind_signers;
  std::vector<wire::reload::NodeId> configuration_signers;
  std::vector<wire::reload::NodeId> bad_nodes;
  std::vector<std::string> mandatory_extensions;  ///< XML namespaces
  std::vector<KindBlock> required_kinds;
  std::vector<ForeignElement> foreign;

  /// May certificates with this Node-ID be used at all (E-22)?
  [[nodiscard]] bool is_bad_node(const wire::reload::NodeId& id) const noexcept;
  [[nodiscard]] bool may_sign_configurations(const wire::reload::NodeId& id) const noexcept;
  [[nodiscard]] bool may_sign_kinds(const wire::reload::NodeId& id) const noexcept;
  /// Does joining need a certificate of the enrollment server (J-20)?
  [[nodiscard]] bool needs_enrollment() const noexcept { return !enrollment_servers.empty(); }
};

/// What a node can do, for cannot_join().
struct Abilities {
  std::vector<std::string> topology_plugins{std::string(kChordReload)};
  std::vector<std::string> link_protocols{std::string(kTls)};
  std::vector<std::string> extensions;  ///< XML namespaces, compared with case (J-35)
  bool ice = false;                     ///< overlays without no-ice are within reach
  /// Kinds it can store. A Kind of unknown data model or unknown name is never supported.
  std::vector<std::string> access_controls;
};

/// Every requirement of @p configuration that a node of these abilities does not meet, a sentence
/// each; it may join, or stay (J-13), exactly when there is none. Covers mandatory-extension
/// (J-35), required-kinds (J-36), topology-plugin, node-id-length, overlay-link-protocol and
/// no-ice.
[[nodiscard]] std::vector<std::string> cannot_join(const OverlayConfiguration& configuration,
                                                   const Abilities& abilities);

/// A moment for fetching a fresh copy (J-07): at random in the second half of the time left, or at
/// once when none is left. @p random  uniform over all of its values
[[nodiscard]] std::int64_t refresh_time(std::int64_t now_unix_s, std::int64_t expiration_unix_s,
                                        std::uint32_t random) noexcept;

}  // namespace controlplane::configuration
