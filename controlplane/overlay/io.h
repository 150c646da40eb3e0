// SPDX-License-Identifier: Apache-2.0
// What goes into the core and what comes out of it.
//
// The core (node.h) has no sockets, threads, clocks or randomness of its own: an adapter tells it
// the time with every input and carries out what it finds in Outputs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "controlplane/overlay/extension.h"
#include "wire/reload/ids.h"
#include "wire/reload/message_builder.h"
#include "wire/shm/commands.h"
#include "wire/shm/counters.h"
#include "wire/shm/events.h"
#include "wire/shm/layout.h"

namespace controlplane::overlay {

/// The time of one step. ns never goes back; unix_ms may.
struct Now {
  std::uint64_t ns = 0;
  std::uint64_t unix_ms = 0;  ///< since 1970

  [[nodiscard]] std::uint64_t unix_s() const noexcept { return unix_ms / 1000; }
};

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};
inline constexpr std::uint64_t kMillisecond = 1'000'000;

/// Tickets from here on are the core's own; a caller's are below.
inline constexpr std::uint64_t kOwnTickets = std::uint64_t{1} << 63U;

/// 64 random bits. Must be unpredictable outside tests (F-09).
using RandomSource = std::function<std::uint64_t()>;

/// Where a packet entered this node. slot is kNoLink for messages this node sent to itself.
struct Ingress {
  std::uint16_t slot = wire::shm::kNoLink;
  std::uint8_t generation = 0;
};

// --- inputs: spans are borrowed for the length of the step ---------------------------------------

/// A message or fragment for this node.
struct Delivery {
  std::span<const std::byte> bytes;
  Ingress from;
  bool verified = false;  ///< the dataplane checked its signature
};

/// A message the dataplane dropped for a reason that has an RFC answer.
struct Refusal {
  std::span<const std::byte> bytes;
  Ingress from;
  bool verified = false;
  wire::shm::DropReason reason{};
};

/// A message whose signer the dataplane does not know; it waits for a verdict.
struct UnknownSigner {
  std::span<const std::byte> bytes;
  Ingress from;
};

/// On a stream the beginning of a message came that is above max-message-size. The link takes no
/// more of it, and is about to be closed.
struct TooLarge {
  std::span<const std::byte> header;  ///< the forwarding header
  Ingress from;
};

/// A secure link got keys (of a stream: a connection), or has none any more and carries nothing.
/// Links are taken to have them until this says otherwise.
struct LinkKeys {
  Ingress link;
  bool present = false;
};

/// A link to a node that its certificate names: it has keys and is in the Connection Table from now
/// on. Also for links this node did not ask for, and again when the peer made its link anew.
struct LinkOpened {
  Ingress link;
  wire::reload::NodeId peer;
};

/// A link left the Connection Table: its slot may get another node.
struct LinkClosed {
  Ingress link;
};

/// What OpenLink asked for did not come about.
struct LinkNotOpened {
  wire::reload::NodeId peer;
};

/// How Outputs::bootstrap ended: the bootstrap node, whose LinkOpened came before; or nothing.
struct Bootstrapped {
  std::optional<wire::reload::NodeId> node;
};

/// What an operator wants with the overlay.
enum class MembershipWish : std::uint8_t {
  kFound,  ///< take the whole ring: the first node of an overlay
  kJoin,
  kLeave,
};

/// Start a transaction. The outcome comes as a RequestResult with the same ticket.
struct Request {
  std::uint64_t ticket = 0;              ///< the caller's mark; 0: nobody wants the result
  wire::reload::Bytes destination_list;  ///< encoded; checked by the core
  wire::reload::MessageCode code = wire::reload::MessageCode::kPingReq;
  wire::reload::Bytes body;
  std::size_t identity = 0;       ///< index into the node's identities
  std::uint64_t lifetime_ns = 0;  ///< give up after this; 0: five reliability timers (F-04)
  std::uint16_t on_link = wire::shm::kNoLink;  ///< send on this link whatever the list says
  std::uint32_t max_response_length = 0;
  std::optional<Extension> extension = std::nullopt;
};

/// Forget the transactions of these tickets; no results follow.
struct Cancel {
  std::uint64_t first_ticket = 0;
  std::uint64_t end_ticket = 0;  ///< one behind the last
};

/// Timers only.
struct Tick {};

/// A configuration document from the operator: adopted like one that a ConfigUpdate brings. Ends
/// with a RequestResult, kAnswered or kRefused.
struct NewDocument {
  std::uint64_t ticket = 0;
  std::string file;
};

using Input = std::variant<Delivery, Refusal, UnknownSigner, TooLarge, wire::shm::Event, LinkKeys,
                           LinkOpened, LinkClosed, LinkNotOpened, Bootstrapped, MembershipWish,
                           NewDocument, Request, Cancel, Tick>;

// --- outputs -------------------------------------------------------------------------------------

/// A signed message to inject.
struct Outgoing {
  wire::reload::Bytes bytes;
  std::uint16_t on_link = wire::shm::kNoLink;  ///< kNoLink: route it by its Destination List
  std::uint8_t generation = 0;
  std::uint64_t transaction = 0;
};

enum class Outcome : std::uint8_t { kAnswered, kError, kTimedOut, kRefused };

struct RequestResult {
  std::uint64_t ticket = 0;
  wire::reload::TransactionId transaction{};
  Outcome outcome = Outcome::kRefused;
  std::uint64_t rtt_ns = 0;  ///< since the first send
  std::uint32_t sends = 0;
  std::uint16_t error_code = 0;    ///< with kError
  std::string text;                ///< kError: error_info; kRefused: why it was not sent
  wire::reload::NodeId responder;  ///< who signed the answer
  wire::reload::Bytes body;        ///< with kAnswered
  wire::reload::Bytes extensions;  ///< with kAnswered: of the answer, encoded
};

/// Something an operator wants to read once.
struct Note {
  enum class Level : std::uint8_t { kNormal, kWarning } level = Level::kNormal;
  std::string text;
};

/// Where a node can be reached without ICE.
struct LinkAddress {
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kDtls;  ///< kDtls or kVirtual
  wire::shm::Endpoint endpoint;
};

/// Make a link to @p peer, whose certificate must name it (G-26, G-28). Ends with LinkOpened or
/// LinkNotOpened; asking again for the same peer replaces the addresses.
struct OpenLink {
  wire::reload::NodeId peer;
  /// True: this node is the TLS client and connects to the addresses. False: it is the
  /// server and is connected to, from one of the addresses or from elsewhere.
  bool active = false;
  std::vector<LinkAddress> addresses;  ///< in the order to be tried
};

/// Collects what a step asks for. The adapter empties it; capacity is kept.
struct Outputs {
  std::vector<Outgoing> messages;
  std::vector<wire::shm::Command> commands;  ///< signers to install, refuse or remove
  std::vector<RequestResult> results;
  std::vector<Note> notes;
  std::vector<OpenLink> open_links;
  std::vector<Ingress> close_links;                ///< LinkClosed follows
  std::vector<wire::reload::NodeId> forget_links;  ///< OpenLink is not wanted any more
  bool bootstrap = false;                          ///< make a link to some bootstrap node
  bool routes_changed = false;

  void clear() {
    messages.clear();
    commands.clear();
    results.clear();
    notes.clear();
    open_links.clear();
    close_links.clear();
    forget_links.clear();
    bootstrap = false;
    routes_changed = false;
  }
};

}  // namespace controlplane::overlay
