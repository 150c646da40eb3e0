// SPDX-License-Identifier: Apache-2.0
// What the overlay core asks of an overlay algorithm (RFC 6940 section 6.4.1), and what the
// algorithm asks of the core.
//
// The core owns links, Attach, transactions and signatures; the algorithm owns who is whose
// neighbour. Neither has a clock, a socket or randomness of its own: time comes with every call,
// wishes are carried out by the core behind it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlplane/overlay/answer.h"
#include "controlplane/overlay/io.h"
#include "wire/reload/ids.h"
#include "wire/shm/route_table.h"

namespace controlplane::topology {

/// Whom a wish is for.
struct Target {
  enum class Kind : std::uint8_t {
    kNode,      ///< this Node-ID and nobody else
    kResource,  ///< the peer responsible for this point of the ring
  };
  Kind kind = Kind::kNode;
  wire::reload::NodeId id;
  /// First entry of the Destination List: a node in the Connection Table through which the rest is
  /// routed (I-36, I-61). nullopt: routed by our own tables.
  std::optional<wire::reload::NodeId> through;

  [[nodiscard]] static Target node(const wire::reload::NodeId& id) {
    return {Kind::kNode, id, std::nullopt};
  }
  [[nodiscard]] static Target resource(const wire::reload::NodeId& point) {
    return {Kind::kResource, point, std::nullopt};
  }
  [[nodiscard]] Target via(const wire::reload::NodeId& first) const { return {kind, id, first}; }
};

/// Collected in one call and carried out in the order attach, requests, close.
struct Wishes {
  /// Make a link to the target, unless there is one. The outcome comes to finished(), with the same
  /// ticket: kAnswered when the link is up, behind the linked() that says so.
  struct Attach {
    std::uint64_t ticket = 0;
    Target target;
    bool send_update = false;  ///< ask the other side for an Update (G-04)
  };
  /// Start a transaction. The outcome comes to finished().
  struct Request {
    std::uint64_t ticket = 0;
    Target target;
    wire::reload::MessageCode code = wire::reload::MessageCode::kPingReq;
    wire::reload::Bytes body;
    std::optional<overlay::Extension> extension = std::nullopt;
  };
  std::vector<Attach> attach;
  std::vector<Request> requests;
  /// Links that are not needed any more.
  std::vector<wire::reload::NodeId> close;
  /// Make a link to some bootstrap node, another one than the last time if there is a choice. The
  /// outcome comes to bootstrapped().
  bool bootstrap = false;
  std::vector<overlay::Note> notes;
  /// fill_routes() would write another table now.
  bool routes_changed = false;

  [[nodiscard]] bool empty() const noexcept {
    return attach.empty() && requests.empty() && close.empty() && notes.empty() && !bootstrap &&
           !routes_changed;
  }
  void clear() {
    attach.clear();
    requests.clear();
    close.clear();
    bootstrap = false;
    notes.clear();
    routes_changed = false;
  }
};

/// How a wish ended.
struct Finished {
  std::uint64_t ticket = 0;
  overlay::Outcome outcome = overlay::Outcome::kRefused;
  std::uint16_t error_code = 0;                ///< with kError
  wire::reload::NodeId responder;              ///< with kAnswered and kError: who signed
  std::span<const std::byte> body;             ///< of the answer; borrowed for the call
  std::span<const std::byte> extensions = {};  ///< the same
};

/// A request that reached this node, attributed to its signer, its configuration sequence and
/// extensions checked. Borrowed for the call.
struct Incoming {
  std::uint16_t code = 0;
  std::span<const std::byte> body;
  wire::reload::NodeId signer;
  /// The node at the other end of the link it came over; nullopt: from this node itself.
  std::optional<wire::reload::NodeId> neighbour;
  std::span<const std::byte> extensions = {};
};

enum class Membership : std::uint8_t {
  kOutside,  ///< neither joining nor a member, as at first
  kJoining,
  kMember,   ///< responsible for its part of the ring
  kClient,   ///< attached to the peer that is responsible for its Node-ID
  kLeaving,  ///< has said so; still forwards
  kLeft,
};

/// Deterministic and without IO, like the core that owns it.
class TopologyPlugin {
 public:
  virtual ~TopologyPlugin() = default;
  TopologyPlugin() = default;
  TopologyPlugin(const TopologyPlugin&) = delete;
  TopologyPlugin& operator=(const TopologyPlugin&) = delete;

  // --- membership --------------------------------------------------------------------------------

  /// Takes the whole ring: for the first node of an overlay only (I-05).
  virtual void found(const overlay::Now& now, Wishes& wishes);
  /// Becomes a peer, or a client if that is its role, by way of a bootstrap node; tries until it is
  /// one or leave() is called.
  virtual void join(const overlay::Now& now, Wishes& wishes);
  /// Says so to the neighbours (I-64); kLeft, without links, when all have heard it or had time to.
  virtual void leave(const overlay::Now& now, Wishes& wishes);
  [[nodiscard]] virtual Membership membership() const noexcept { return Membership::kMember; }

  /// How Wishes::bootstrap ended: the bootstrap node, which is linked(), or nullopt.
  virtual void bootstrapped(const overlay::Now& now,
                            const std::optional<wire::reload::NodeId>& node, Wishes& wishes);

  // --- what happens to the Connection Table ------------------------------------------------------

  /// A node entered the Connection Table. Told again, also with the same slot, when its link was
  /// made anew: then the node itself may have started anew.
  virtual void linked(const overlay::Now& now, const wire::reload::NodeId& peer, std::uint16_t slot,
                      Wishes& wishes);
  /// It left the table: its link was closed by either end, or given up.
  virtual void unlinked(const overlay::Now& now, const wire::reload::NodeId& peer, Wishes& wishes);
  /// A link of the table failed (nothing goes over it, but it may come back) or came back.
  virtual void link_changed(const overlay::Now& now, std::uint16_t slot, bool usable,
                            Wishes& wishes) = 0;

  // --- messages ----------------------------------------------------------------------------------

  /// Answers Join, Leave, Update, RouteQuery and Probe. nullopt: not a method of this algorithm.
  [[nodiscard]] virtual std::optional<overlay::Answer> serve(const overlay::Now& now,
                                                             const Incoming& request,
                                                             Wishes& wishes);
  /// A node pinged us over its own link: it needs the link.
  virtual void pinged(const overlay::Now& now, const wire::reload::NodeId& peer, Wishes& wishes);
  /// A wish ended.
  virtual void finished(const overlay::Now& now, const Finished& result, Wishes& wishes);
  /// A node that has a link to us asked for an Update in its Attach (G-04).
  virtual void update_wanted(const overlay::Now& now, const wire::reload::NodeId& peer,
                             Wishes& wishes);

  // --- time --------------------------------------------------------------------------------------

  virtual void tick(const overlay::Now& now, Wishes& wishes);
  [[nodiscard]] virtual std::uint64_t next_deadline() const noexcept { return overlay::kNever; }

  // --- questions ---------------------------------------------------------------------------------

  /// Writes the whole table the lcores route by.
  virtual void fill_routes(wire::shm::RouteTable& table) const = 0;

  /// True when this node is responsible for the Resource-ID.
  [[nodiscard]] virtual bool is_responsible(std::span<const std::byte> resource_id) const = 0;

  /// True when @p responder is at least as close to the Resource-ID as every node we know, so that
  /// an answer from it is to be believed (E-12).
  [[nodiscard]] virtual bool accepts_responder(std::span<const std::byte> resource_id,
                                               const wire::reload::NodeId& responder) const = 0;
};

}  // namespace controlplane::topology
