// SPDX-License-Identifier: Apache-2.0
// What goes into the handshakes of a node's links and what comes out of them.
//
// Like the core of overlay/ this part has no sockets, threads and clocks: an adapter tells it the
// time with every input and carries out what it finds in Outputs. Randomness is OpenSSL's.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "controlplane/overlay/io.h"
#include "controlplane/trust/certificate_checker.h"
#include "wire/dtls/aead.h"
#include "wire/reload/ids.h"
#include "wire/shm/association.h"
#include "wire/shm/commands.h"

namespace controlplane::links {

using overlay::kMillisecond;
using overlay::kNever;
using overlay::Now;
using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t kSecond = 1000 * kMillisecond;

/// Overwrites @p bytes in a way the compiler keeps.
void wipe(std::span<std::byte> bytes) noexcept;

/// Overwrites memory before it goes back to the heap.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  explicit WipingAllocator(const WipingAllocator<U>&) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* at, std::size_t count) noexcept {
    wipe({reinterpret_cast<std::byte*>(at), count * sizeof(T)});
    std::allocator<T>().deallocate(at, count);
  }
  friend bool operator==(WipingAllocator, WipingAllocator) { return true; }
};

/// Where a link's datagrams go to and come from.
struct EndpointPair {
  wire::shm::Endpoint local;
  wire::shm::Endpoint remote;
  friend bool operator==(const EndpointPair&, const EndpointPair&) = default;
};

/// Whose handshake the first of a link is. Once a link had keys, the lower Node-ID goes first.
enum class Initiative : std::uint8_t {
  kLowerNodeId,
  kOurs,         ///< this node is the client (X-30: who answered an Attach)
  kTheirs,       ///< it is the server, and waits
  kTheirsFirst,  ///< it waits, but not for ever: the other end may believe it has this link
};

/// A DTLS link (DTLS-UDP-SR-NO-ICE, C-28).
struct SecureLink {
  std::uint16_t slot = wire::shm::kNoLink;  ///< slot and generation as in its LinkRecord
  std::uint8_t generation = 0;
  std::uint16_t mtu = 1500;  ///< IP bytes, at least 576
  EndpointPair endpoints;
  /// Who must be at the other end. All zeros, which is nobody's Node-ID: whoever proves one; from
  /// then on it must be that one. Needs certificates.
  wire::reload::NodeId peer;
  Initiative initiative = Initiative::kLowerNodeId;
};

/// Who spoke to this node from an address that no link has, and how an answer gets there.
struct Stranger {
  EndpointPair endpoints;
  std::uint16_t port = 0;             ///< the dataplane's, by index
  std::array<std::uint8_t, 6> mac{};  ///< the station next to that port
};

// --- outputs -------------------------------------------------------------------------------------

/// A UDP payload to be sent as it is between the endpoints of a link.
struct Datagram {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
  Bytes bytes;
};

/// A plaintext to be sealed by the dataplane as one record under the keys of @p association, with
/// their next sequence number: after the take-over only the dataplane numbers records of epoch 1.
struct PlainRecord {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
  std::uint8_t content_type = 0;  ///< 21 alert or 22 handshake
  std::uint32_t association = 0;
  Bytes bytes;
};

/// A UDP payload to be sent as it is to somebody who has no link.
struct Reply {
  Stranger to;
  Bytes bytes;
};

/// A stranger that can be reached where it says it is wants a handshake. To let it have one, give
/// Handshakes a link with these endpoints, and then this datagram.
struct Admission {
  Stranger from;
  Bytes client_hello;
};

/// All keys of a link are to go. The link stays.
struct Forget {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
};

enum class Role : std::uint8_t { kClient, kServer };
[[nodiscard]] const char* role_name(Role role) noexcept;  ///< "client", "server"

/// Why a handshake came to nothing, or an association to its end.
enum class Failure : std::uint8_t {
  kNone,
#define LINK_FAILURE(name, text, sentence) k##name,
#include "controlplane/links/link_failure.def"
#undef LINK_FAILURE
};
[[nodiscard]] const char* failure_name(Failure failure) noexcept;      ///< "timed_out"; "none"
[[nodiscard]] const char* failure_sentence(Failure failure) noexcept;  ///< for the operator

inline constexpr int kNoAlert = -1;

/// What a failed handshake leaves for the operator and for those who judge peers. Nothing in it but
/// kCertificateRefused is more than hearsay: datagrams in clear can be forged.
struct FailureReport {
  Failure failure = Failure::kNone;
  trust::Refusal refusal = trust::Refusal::kNone;  ///< with kCertificateRefused
  int alert_sent = kNoAlert;                       ///< AlertDescription, RFC 5246 section 7.2
  int alert_received = kNoAlert;
  std::string detail;  ///< more than the sentence knows, or empty; may quote the peer's certificate
};

/// All of it in a sentence for the log.
[[nodiscard]] std::string describe(const FailureReport& failure);

/// A link changed for its operator to see.
struct LinkReport {
  enum class Kind : std::uint8_t { kSecured, kRekeyed, kHandshakeFailed, kClosed };
  Kind kind = Kind::kSecured;
  Role role = Role::kClient;  ///< ours in the handshake meant
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
  wire::dtls::Aead aead{};        ///< kSecured, kRekeyed
  std::uint32_t association = 0;  ///< 0 with kHandshakeFailed
  std::uint64_t retry_ns = 0;     ///< kHandshakeFailed, kClosed: until the next attempt of ours
  wire::reload::NodeId peer;      ///< as in SecureLink: all zeros while nobody was proven
  FailureReport failure;          ///< kHandshakeFailed, kClosed
};

/// Collects what a step asks for, to be carried out in the order of the members: the keys of an
/// association go down before the flight that lets the peer use them. The adapter empties it;
/// capacity is kept.
struct Outputs {
  std::vector<wire::shm::AssociationRecord, WipingAllocator<wire::shm::AssociationRecord>>
      associations;                  ///< secret, see there
  std::vector<Datagram> datagrams;   ///< in order
  std::vector<PlainRecord> records;  ///< in order
  std::vector<Reply> replies;
  std::vector<Admission> admissions;
  std::vector<Forget> forgets;
  std::vector<LinkReport> reports;
  std::vector<std::string> key_log;  ///< NSS key log lines, only when asked for; secret

  ~Outputs() { clear(); }
  Outputs() = default;
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;
  /// Wipes what is secret.
  void clear() noexcept;
};

}  // namespace controlplane::links
