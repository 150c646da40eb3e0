// SPDX-License-Identifier: Apache-2.0
// CHORD-RELOAD (RFC 6940 section 10) as the overlay core's algorithm.
//
// Every table is a consequence of one: the links, and which of them lead to peers. The Neighbor
// Table is the nearest of those peers, the predecessor the nearest that has sent an Update, the
// Routing Table all that have. So a failure, an Update or a Leave changes a link and settle() draws
// the conclusions, and there is no second place to forget one in.
//
//   chord_topology.cc   links, timers, questions
//   joining.cc          from a bootstrap node to membership
//   serving.cc          Join, Leave, Update, RouteQuery, Probe
//   updates.cc          what Updates teach and when they are sent
//   failing.cc          lost neighbours and fingers, leaving
//   stabilizing.cc      what is done from time to time
//   client.cc           what a client does instead
//   self_tuning.cc      what a peer of CHORD-SELF-TUNING does instead (RFC 7363)
//
// Memory is some 100 bytes a link, and links are O(log N). Every call costs O(links), those that
// bring an Update O(links + names in it).

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/topology/chord/estimates.h"
#include "controlplane/topology/chord/finger_table.h"
#include "controlplane/topology/chord/link_table.h"
#include "controlplane/topology/chord/neighbor_table.h"
#include "controlplane/topology/chord/settings.h"
#include "controlplane/topology/topology_plugin.h"
#include "wire/reload/chord_bodies.h"

namespace controlplane::topology::chord {

/// A row for operators.
struct NeighborView {
  wire::reload::NodeId id;
  std::uint16_t slot = wire::shm::kNoLink;
  bool ready = false;              ///< has sent an Update, takes transit traffic
  std::uint64_t table_age_ns = 0;  ///< since its neighbours were last heard; kNever: never
};
struct FingerView {
  unsigned index = 0;  ///< from 1, half way round
  wire::reload::NodeId start;
  std::optional<wire::reload::NodeId> peer;
  bool valid = false;  ///< false with a peer: it stands in for a lost one
};

class ChordTopology final : public TopologyPlugin {
 public:
  ChordTopology(const wire::reload::NodeId& self, const Settings& settings,
                overlay::RandomSource random);

  // --- TopologyPlugin ----------------------------------------------------------------------------
  void found(const overlay::Now& now, Wishes& wishes) override;
  void join(const overlay::Now& now, Wishes& wishes) override;
  void leave(const overlay::Now& now, Wishes& wishes) override;
  [[nodiscard]] Membership membership() const noexcept override { return membership_; }
  void bootstrapped(const overlay::Now& now, const std::optional<wire::reload::NodeId>& node,
                    Wishes& wishes) override;
  void linked(const overlay::Now& now, const wire::reload::NodeId& peer, std::uint16_t slot,
              Wishes& wishes) override;
  void unlinked(const overlay::Now& now, const wire::reload::NodeId& peer, Wishes& wishes) override;
  void link_changed(const overlay::Now& now, std::uint16_t slot, bool usable,
                    Wishes& wishes) override;
  [[nodiscard]] std::optional<overlay::Answer> serve(const overlay::Now& now,
                                                     const Incoming& request,
                                                     Wishes& wishes) override;
  void finished(const overlay::Now& now, const Finished& result, Wishes& wishes) override;
  void update_wanted(const overlay::Now& now, const wire::reload::NodeId& peer,
                     Wishes& wishes) override;
  void pinged(const overlay::Now& now, const wire::reload::NodeId& peer, Wishes& wishes) override;
  void tick(const overlay::Now& now, Wishes& wishes) override;
  [[nodiscard]] std::uint64_t next_deadline() const noexcept override;
  void fill_routes(wire::shm::RouteTable& table) const override;
  [[nodiscard]] bool is_responsible(std::span<const std::byte> resource_id) const override;
  [[nodiscard]] bool accepts_responder(std::span<const std::byte> resource_id,
                                       const wire::reload::NodeId& responder) const override;

  // --- for storage -------------------------------------------------------------------------------
  /// The peers that hold our replicas: the next two (I-21).
  [[nodiscard]] std::span<const wire::reload::NodeId> replica_set() const noexcept {
    return replicas_;
  }
  /// Rises when replica_set() changes; when a successor was lost, not before the hold-down time
  /// (I-43, I-52).
  [[nodiscard]] std::uint64_t replica_change() const noexcept { return replica_change_; }
  /// For Probe (I-12).
  void set_num_resources(std::uint32_t resources) noexcept { num_resources_ = resources; }

  // --- for operators and tests -------------------------------------------------------------------
  [[nodiscard]] const wire::reload::NodeId& self() const noexcept { return self_; }
  /// This node itself when it knows no other peer.
  [[nodiscard]] const wire::reload::NodeId& predecessor() const noexcept { return predecessor_; }
  [[nodiscard]] std::vector<NeighborView> predecessors(const overlay::Now& now) const;
  [[nodiscard]] std::vector<NeighborView> successors(const overlay::Now& now) const;
  [[nodiscard]] std::vector<FingerView> fingers() const;
  /// With self-tuning: what the last stabilization went by, and when the next is due at the mean.
  [[nodiscard]] const Estimates& estimates() const noexcept { return estimates_; }
  [[nodiscard]] std::uint64_t interval_ns() const noexcept { return interval_ns_; }
  [[nodiscard]] const LinkTable& links() const noexcept { return links_; }
  /// Where a message for that point goes from here (I-20): this node itself when it is responsible;
  /// nullopt: nowhere.
  [[nodiscard]] std::optional<wire::reload::NodeId> next_hop(
      const wire::reload::NodeId& point) const;

 private:
  /// What a wish was for; the upper byte of its ticket. Of the first group the rest is the number
  /// of a Pending, of the second the serial of a link.
  enum class Purpose : std::uint8_t {
    kNone,
    kAdmit,          ///< Attach to the peer behind us, to join through it
    kWalk,           ///< Attach to the peer behind the last one found (I-33)
    kNeighbor,       ///< Attach to somebody an Update named
    kFinger,         ///< Attach to a finger
    kHome,           ///< a client's Attach to a peer nearer behind it
    kOtherRing,      ///< Attach to a peer of another partition
    kFingerSearch,   ///< Ping into the range of a finger
    kHomePing,       ///< a client's Ping to whoever is responsible for its Node-ID
    kPartitionPing,  ///< Ping to where our successor should answer, through a bootstrap node
    kJoin,
    kFirstOnLink,
    kUpdate = kFirstOnLink,
    kTable,     ///< RouteQuery that asks for an Update
    kProbe,     ///< for its uptime and its estimates
    kLiveness,  ///< Ping to the nearest peer on a side
    kLeave,
  };
  struct Pending {
    std::uint64_t number = 0;
    Purpose purpose = Purpose::kNone;
    std::uint8_t attempt = 0;
    Target target;
  };
  enum class JoinStep : std::uint8_t {
    kNone,
    kPause,      ///< after a failure, until the deadline
    kBootstrap,  ///< waiting for a link to a bootstrap node
    kAdmit,      ///< waiting for the link to the Admitting Peer
    kTable,      ///< waiting for its Update
    kWalk,       ///< there was none: finding successors one at a time
    kNeighbors,  ///< attaching to those that are to be neighbours
    kJoin,       ///< Join is sent; waiting for the Update that names us
  };
  struct Avoided {
    wire::reload::NodeId id;
    std::uint64_t until_ns = 0;
  };
  enum class Loss : std::uint8_t { kFailed, kLeft };

  // chord_topology.cc
  void settle(const overlay::Now& now, Wishes& wishes);
  void resolve_doubt(const overlay::Now& now, Link& link, Wishes& wishes);
  void ask_new_neighbors(const overlay::Now& now, const NeighborTable& before, Wishes& wishes);
  void follow_replicas(const overlay::Now& now);
  [[nodiscard]] std::vector<NeighborView> views(const overlay::Now& now,
                                                std::span<const wire::reload::NodeId> ids) const;
  [[nodiscard]] std::uint64_t ticket(Purpose purpose, std::uint64_t number) const noexcept;
  std::uint64_t open(Purpose purpose, const Target& target, std::uint8_t attempt);
  [[nodiscard]] bool is_open(Purpose purpose) const noexcept;
  [[nodiscard]] bool is_attaching_to(const wire::reload::NodeId& id) const noexcept;
  void attach(Purpose purpose, const Target& target, Wishes& wishes, std::uint8_t attempt = 0);
  void ping(Purpose purpose, const Target& target, Wishes& wishes);
  void note(overlay::Note::Level level, std::string text, Wishes& wishes) const;
  /// @p mean give or take a half, so that what all peers do is not done by all at once.
  [[nodiscard]] std::uint64_t jittered(std::uint64_t mean_ns);

  // joining.cc
  void begin_join(const overlay::Now& now, Wishes& wishes);
  void locate(const overlay::Now& now, const wire::reload::NodeId& through, Wishes& wishes);
  void pause_join(const overlay::Now& now, const char* why, Wishes& wishes);
  void join_deadline(const overlay::Now& now, Wishes& wishes);
  void admitting_found(const overlay::Now& now, const Finished& result, Wishes& wishes);
  void table_came(const overlay::Now& now, Wishes& wishes);
  void walk_on(const overlay::Now& now, const Finished* result, Wishes& wishes);
  void attach_fingers(Wishes& wishes);
  void join_when_attached(const overlay::Now& now, Wishes& wishes);
  void join_answered(const overlay::Now& now, const Finished& result, Wishes& wishes);
  void become_member(const overlay::Now& now, Wishes& wishes);

  // serving.cc
  [[nodiscard]] overlay::Answer serve_join(const overlay::Now& now, const Incoming& request,
                                           Wishes& wishes);
  [[nodiscard]] overlay::Answer serve_leave(const overlay::Now& now, const Incoming& request,
                                            Wishes& wishes);
  [[nodiscard]] overlay::Answer serve_update(const overlay::Now& now, const Incoming& request,
                                             Wishes& wishes);
  [[nodiscard]] overlay::Answer serve_route_query(const overlay::Now& now, const Incoming& request,
                                                  Wishes& wishes);
  [[nodiscard]] overlay::Answer serve_probe(const overlay::Now& now, const Incoming& request);
  [[nodiscard]] std::uint32_t uptime_s(const overlay::Now& now) const noexcept;

  // updates.cc
  void learn(const overlay::Now& now, std::span<const wire::reload::NodeId> names,
             const wire::reload::NodeId& from, Wishes& wishes);
  void attached(const overlay::Now& now, Link& link, Wishes& wishes);
  void compare(const overlay::Now& now, Link& sender, const wire::reload::ChordUpdate& update,
               Wishes& wishes);
  void send_update(const overlay::Now& now, Link& link, wire::reload::ChordUpdateType type,
                   Wishes& wishes);
  void give_update(const overlay::Now& now, Link& link, Wishes& wishes);
  void tell_all(const overlay::Now& now, Wishes& wishes);
  void ask_table(const overlay::Now& now, Link& link, Wishes& wishes);

  // failing.cc
  void lose(const overlay::Now& now, Link& link, Loss loss, Wishes& wishes);
  void drop_finger(const wire::reload::NodeId& id, Wishes& wishes);
  void alarm(const overlay::Now& now);
  void avoid(const overlay::Now& now, const wire::reload::NodeId& id);
  void forgive(const wire::reload::NodeId& id);
  [[nodiscard]] bool avoided(const overlay::Now& now,
                             const wire::reload::NodeId& id) const noexcept;
  void alone(const overlay::Now& now, Wishes& wishes);
  void say_leave(Link& link, Wishes& wishes);
  void leave_answered(const overlay::Now& now);
  void end_leave(Wishes& wishes);

  // stabilizing.cc
  void start_timers(const overlay::Now& now);
  void probe_nearest(const overlay::Now& now, Wishes& wishes);
  void update_next(const overlay::Now& now, Wishes& wishes);
  void search_finger(unsigned i, Wishes& wishes);
  void finger_answered(const overlay::Now& now, const Finished& result, Wishes& wishes);
  void check_partition(const overlay::Now& now, Wishes& wishes);
  void partition_answered(const overlay::Now& now, const Pending& ping, const Finished& result,
                          Wishes& wishes);
  void sweep(const overlay::Now& now, Wishes& wishes);
  void close_idle(const overlay::Now& now, Wishes& wishes);
  [[nodiscard]] bool needs(const Link& link) const noexcept;

  // self_tuning.cc
  void tune(const overlay::Now& now);
  void stabilize(const overlay::Now& now, Wishes& wishes);
  void probe(Link& link, Wishes& wishes);
  void probe_answered(const overlay::Now& now, Link& link, const Finished& result);
  void take_estimates(std::span<const std::byte> extensions);
  [[nodiscard]] overlay::Extension shared_estimates() const;
  void greet(const overlay::Now& now, const NeighborTable& before, Wishes& wishes);
  void keep_alive(const overlay::Now& now, Wishes& wishes);

  // client.cc
  void become_client(const overlay::Now& now, Wishes& wishes);
  void move_closer(const overlay::Now& now, std::span<const wire::reload::NodeId> names,
                   const wire::reload::NodeId& from, Wishes& wishes);
  void move_to(const overlay::Now& now, Link& home, Wishes& wishes);
  void home_attached(const overlay::Now& now, const Pending& open, const Finished& result,
                     Wishes& wishes);
  void ask_for_home(const overlay::Now& now, Wishes& wishes);
  void home_answered(const overlay::Now& now, const Finished& result, Wishes& wishes);
  void keep_home(const overlay::Now& now, Wishes& wishes);

  wire::reload::NodeId self_;
  Settings settings_;
  overlay::RandomSource random_;

  Membership membership_ = Membership::kOutside;
  bool founder_ = false;
  LinkTable links_;
  NeighborTable neighbors_;
  FingerTable fingers_;
  wire::reload::NodeId predecessor_;
  std::vector<Pending> pending_;
  std::vector<Avoided> avoided_;
  std::uint64_t last_number_ = 0;

  /// Something changed about who is a peer; settle() is due.
  bool unsettled_ = false;
  bool last_loss_was_leave_ = false;
  /// Of the Neighbor Table, so that nobody is told the same twice.
  std::uint32_t version_ = 0;

  JoinStep join_step_ = JoinStep::kNone;
  bool asked_again_ = false;
  unsigned join_failures_ = 0;
  unsigned walked_ = 0;
  /// Of a client also afterwards: the peer it is reached through.
  wire::reload::NodeId admitting_;

  std::vector<wire::reload::NodeId> replicas_;
  std::uint64_t replica_change_ = 0;
  std::uint32_t num_resources_ = 0;

  FailureHistory failures_;
  Estimates own_estimates_;
  Estimates estimates_;                                 // agreed on with others
  std::vector<wire::reload::SelfTuningData> received_;  // since the last stabilization
  std::uint64_t interval_ns_ = 0;

  std::size_t leaves_open_ = 0;
  std::size_t losses_ = 0;  // within this update interval
  bool checking_partition_ = false;
  wire::reload::NodeId update_cursor_;

  std::uint64_t started_ns_ = 0;
  std::uint64_t partition_wait_ns_ = 0;
  std::uint64_t losses_since_ns_ = 0;
  // Deadlines.
  std::uint64_t join_due_ns_ = overlay::kNever;
  std::uint64_t tell_due_ns_ = overlay::kNever;
  std::uint64_t update_due_ns_ = overlay::kNever;
  std::uint64_t liveness_due_ns_ = overlay::kNever;
  std::uint64_t finger_due_ns_ = overlay::kNever;
  std::uint64_t partition_due_ns_ = overlay::kNever;
  std::uint64_t replicas_due_ns_ = overlay::kNever;
  std::uint64_t sweep_due_ns_ = overlay::kNever;
  std::uint64_t leave_due_ns_ = overlay::kNever;
  std::uint64_t home_due_ns_ = overlay::kNever;
  std::uint64_t keep_alive_due_ns_ = overlay::kNever;
};

}  // namespace controlplane::topology::chord
