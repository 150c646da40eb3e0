// SPDX-License-Identifier: Apache-2.0
// Records control plane -> dataplane. The main lcore of the dataplane applies them to the keyed
// tables it owns. Every command but kInstallAssociation is idempotent: after either side restarts
// the control plane sends kResyncBegin, all links and signers again, then kResyncEnd, and the
// dataplane sweeps what was not repeated.
//
// Keys are never sent again: a dataplane that starts has none and asks for handshakes
// (EventKind::kAssociationWanted), and one that goes on keeps its own.

#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "wire/reload/ids.h"
#include "wire/reload/security_block.h"
#include "wire/shm/association.h"
#include "wire/shm/layout.h"
#include "wire/shm/policy_table.h"

namespace wire::shm {

/// IPv4 addresses are stored in the last four bytes, the rest zero (as in ::a.b.c.d); family says.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;   ///< host order
  std::uint8_t family = 0;  ///< 4, 6, or 0 for none
  std::uint8_t zero = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
static_assert(sizeof(Endpoint) == 20);

/// What a link speaks. It decides who frames, seals and retransmits.
enum class LinkProtocol : std::uint8_t {
  kLab,      ///< frames of RFC 6940 section 6.6.2 in plain UDP; must be enabled by name
  kDtls,     ///< the same frames in DTLS 1.2 records (DTLS-UDP-SR-NO-ICE); needs an association
  kVirtual,  ///< a stream whose socket, cipher and framing are the control plane's (TLS over TCP)
};
inline constexpr const char* kLinkProtocolNames[] = {"lab", "dtls", "tls"};

/// A link to one neighbour. Keyed by slot; (local, remote) must be unique. Of a virtual link the
/// endpoints name the stream and no packet; its port and mtu mean nothing.
struct LinkRecord {
  std::uint16_t slot = kNoLink;  ///< 0..kMaxLinks-1
  std::uint8_t generation = 0;   ///< 0..7, up by one each time the slot gets another node
  LinkProtocol protocol = LinkProtocol::kLab;
  LinkClass link_class = LinkClass::kUntrusted;
  std::uint8_t barred = 0;   ///< 1: standing forbids taking messages from it
  std::uint16_t port = 0;    ///< index of the dataplane port, order of node.toml
  std::uint16_t mtu = 1500;  ///< IP bytes
  std::uint16_t zero = 0;
  Endpoint local;
  Endpoint remote;
  reload::NodeId peer;
};

enum class SignatureAlgorithm : std::uint8_t { kRsaPkcs1Sha256, kEcdsaP256Sha256, kEd25519 };

/// Values of SignerRecord::refused.
inline constexpr std::uint8_t kRefusedCertificate =
    1;                                              ///< its certificate is no good: signer_refused
inline constexpr std::uint8_t kRefusedBadNode = 2;  ///< it is a bad node: banned

/// A signer whose certificate the control plane has checked, or refused.
struct SignerRecord {
  reload::SignerKey key;
  reload::NodeId node_id;
  std::uint64_t expires_unix_s = 0;
  SignatureAlgorithm algorithm = SignatureAlgorithm::kEd25519;
  std::uint8_t refused = 0;  ///< not 0: drop its messages; no key given
  std::uint16_t public_key_length = 0;
  std::uint32_t zero = 0;
  std::array<std::byte, kMaxPublicKeyBytes> public_key{};  ///< DER SubjectPublicKeyInfo
};

/// Which messages leave trace records.
struct TraceSetting {
  std::uint32_t sample_one_in = 0;  ///< 0: off
  std::uint32_t zero = 0;
  reload::NodeId destination;  ///< all zeros: any; else only messages for this Node-ID
};

struct CaptureSetting {
  std::uint32_t sample_one_in = 1;
  std::uint32_t snap_bytes = 2048;
  std::uint64_t max_packets = 0;  ///< 0: until stopped
  std::array<char, 256> path{};   ///< pcapng file, zero terminated; the dataplane creates it
};

enum class CommandKind : std::uint32_t {
  kResyncBegin,
  kResyncEnd,
  kUpsertLink,
  kRemoveLink,  ///< link.slot and link.generation
  kUpsertSigner,
  kRemoveSigner,  ///< signer.key
  kSetTrace,
  kStartCapture,
  kStopCapture,
  /// association: keys for a kDtls link. Sending changes to them at once; those it had are still
  /// tried on records that come in, for a minute or until the next install. Applied again, it is
  /// refused: a number is installed once, or sequence numbers would be used twice.
  kInstallAssociation,
  kForgetAssociations,  ///< forget: all keys of a link, at once; the link stays
};

struct Command {
  CommandKind kind = CommandKind::kResyncBegin;
  std::uint32_t zero = 0;
  union {
    LinkRecord link;
    SignerRecord signer;
    TraceSetting trace;
    CaptureSetting capture;
    AssociationRecord association;  ///< whoever copies the command wipes the copy
    AssociationsOfLink forget;
  };

  Command() noexcept : signer{} {}
};
static_assert(std::is_trivially_copyable_v<Command>);

}  // namespace wire::shm
