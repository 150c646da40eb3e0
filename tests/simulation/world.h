// SPDX-License-Identifier: Apache-2.0
// A simulated overlay: any number of nodes, each with the real core (controlplane/overlay) and the
// real overlay algorithm, on one virtual clock. Links, loss, delay, partitions, crashes and skewed
// clocks are the world's; messages are whole RELOAD messages and are forwarded hop by hop by the
// routing rule of the dataplane (wire/shm/next_hop.h).
//
// Everything follows from the settings, the seed among them, and the order of calls.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controlplane/overlay/node.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/random.h"

namespace tests::simulation {

inline constexpr std::uint64_t kMillisecondNs = 1'000'000;
inline constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// What lies between nodes.
struct NetworkModel {
  std::uint64_t min_delay_ns = 10 * kMillisecondNs;  ///< one way; each pair has its own between
  std::uint64_t max_delay_ns = 100 * kMillisecondNs;
  std::uint64_t jitter_ns = 2 * kMillisecondNs;  ///< per message, so some overtake others
  double loss = 0;       ///< of a message on a link, per try; links try five times (C-17)
  double duplicate = 0;  ///< of an arrived message
};

struct WorldSettings {
  using MakeTopology = std::function<std::unique_ptr<controlplane::topology::TopologyPlugin>(
      const wire::reload::NodeId& self, controlplane::overlay::RandomSource random)>;

  std::uint64_t seed = 1;
  NetworkModel network;
  MakeTopology make_topology;
  MakeTopology make_client;  ///< of nodes that add_client() makes
  /// Of every node; self and addresses are filled in.
  controlplane::overlay::Settings node;
  std::size_t bootstrap_nodes = 3;  ///< the first nodes of the world are the configured ones
};

/// How a request of the test ended.
struct Lookup {
  bool done = false;
  controlplane::overlay::Outcome outcome = controlplane::overlay::Outcome::kTimedOut;
  std::uint16_t error_code = 0;
  wire::reload::NodeId responder;
  wire::reload::NodeId responsible;  ///< who should have answered, as the world saw it at the start
  std::uint32_t hops = 0;            ///< of the first copy that was delivered
  std::uint32_t sends = 0;
  std::uint64_t rtt_ns = 0;
};

struct WorldCounters {
  static constexpr std::size_t kCodes = 64;
  std::uint64_t messages = 0;  ///< put on a link, so a message of three hops counts thrice
  /// The same by message code; errors and fragments without a code are in the last.
  std::array<std::uint64_t, kCodes> by_code{};
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;       ///< gone for good: no try arrived, or nobody was there
  std::uint64_t dropped = 0;    ///< by a node on the way, with a reason
  std::uint64_t delivered = 0;  ///< to their destination
  std::uint64_t handshakes = 0;
};

class World {
 public:
  explicit World(WorldSettings settings);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- nodes ---------------------------------------------------------------------------------

  /// A node that is there but has not joined. Its Node-ID is random unless given.
  std::uint32_t add(const std::optional<wire::reload::NodeId>& id = std::nullopt);
  /// The same, in the role of a client.
  std::uint32_t add_client();
  void wish(std::uint32_t node, controlplane::overlay::MembershipWish what);
  /// kill -9: no farewell, no memory.
  void crash(std::uint32_t node);
  /// A crashed node, new but for its Node-ID. It joins when told to.
  void restart(std::uint32_t node);
  /// A link between two nodes that is there at once, handshake and all. Nothing if there is one.
  void connect(std::uint32_t client, std::uint32_t server);
  /// Its wall clock is off by so much; timers are not.
  void skew(std::uint32_t node, std::int64_t milliseconds);

  // --- network -------------------------------------------------------------------------------

  /// Nothing passes between nodes of different groups. Nodes are in group 0 at first.
  void set_group(std::uint32_t node, std::uint32_t group);

  // --- time ----------------------------------------------------------------------------------

  void run_for(std::uint64_t ns);
  /// Runs until @p done, asked every @p every_ns, or for @p limit_ns. True when done.
  bool run_until(const std::function<bool()>& done, std::uint64_t limit_ns,
                 std::uint64_t every_ns = kSecondNs);
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }

  // --- requests ------------------------------------------------------------------------------

  /// A Ping from @p node to the peer responsible for @p point. The result is filled in while the
  /// world runs; the reference stays good.
  Lookup& look_up(std::uint32_t node, const wire::reload::NodeId& point);
  /// A Ping from @p node to the node with this Node-ID.
  Lookup& ask(std::uint32_t node, const wire::reload::NodeId& whom);
  /// Ends the life of all results so far.
  void forget_lookups();

  // --- what is the case ----------------------------------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool is_alive(std::uint32_t node) const;
  [[nodiscard]] bool is_member(std::uint32_t node) const;
  [[nodiscard]] bool is_client(std::uint32_t node) const;  ///< and attached
  [[nodiscard]] const wire::reload::NodeId& id_of(std::uint32_t node) const;
  [[nodiscard]] std::vector<std::uint32_t> members() const;
  /// The algorithm of a node that is alive.
  [[nodiscard]] const controlplane::topology::TopologyPlugin& topology_of(std::uint32_t node) const;
  /// Links of a node, failed ones included.
  [[nodiscard]] std::size_t links_of(std::uint32_t node) const;
  /// The member whose range @p point is in, if there is a member at all.
  [[nodiscard]] std::optional<std::uint32_t> responsible_for(
      const wire::reload::NodeId& point) const;
  /// Members that route by a false neighbour: their predecessor or their nearest peer upwards is
  /// not the true one among the members of their group. Empty: one right ring per group.
  [[nodiscard]] std::vector<std::uint32_t> misplaced() const;
  [[nodiscard]] const WorldCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] Random& random() noexcept { return random_; }

 private:
  struct SimNode;

  // world_nodes.cc
  std::uint32_t place(const std::optional<wire::reload::NodeId>& id, bool is_client);
  void boot(std::uint32_t index);
  Lookup& ping(std::uint32_t node, wire::reload::Bytes destination_list,
               const wire::reload::NodeId& responsible);
  void step(std::uint32_t index, const controlplane::overlay::Input& input);
  void carry_out(std::uint32_t index, controlplane::overlay::Outputs& out);
  void plan_wake(std::uint32_t index);
  [[nodiscard]] controlplane::overlay::Now now_of(const SimNode& node) const;

  // world_links.cc
  void open_link(std::uint32_t index, const controlplane::overlay::OpenLink& wish);
  void bootstrap(std::uint32_t index);
  void plan_handshake(std::uint32_t client, std::uint32_t server, bool for_bootstrap,
                      std::uint64_t wait_ns = 0);
  void finish_handshake(const SimEvent& event);
  void close_link(std::uint32_t index, const controlplane::overlay::Ingress& link);
  std::uint16_t take_slot(std::uint32_t index, std::uint32_t peer);
  void send(std::uint32_t index, std::uint16_t slot, std::uint16_t code, wire::reload::Bytes bytes);
  void link_event(const SimEvent& event, wire::shm::EventKind kind);
  void peer_closed(const SimEvent& event);
  [[nodiscard]] bool is_reachable(std::uint32_t from, std::uint32_t to) const;
  [[nodiscard]] std::uint64_t delay_between(std::uint32_t a, std::uint32_t b);

  // world_forward.cc
  void forward(std::uint32_t index, const controlplane::overlay::Ingress& from,
               wire::reload::Bytes bytes, bool injected);
  void inject(std::uint32_t index, controlplane::overlay::Outgoing message);

  void happen(SimEvent event);

  WorldSettings settings_;
  Random random_;
  EventQueue queue_;
  std::uint64_t now_ns_ = 0;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::map<wire::reload::NodeId, std::uint32_t> by_id_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Lookup>> lookups_;  // by ticket
  std::unordered_map<std::uint64_t, std::uint64_t> tracked_;            // transaction to ticket
  std::uint64_t next_ticket_ = 1;
  std::uint64_t untracked_ticket_ = 0;  // of the request that is just being made
  std::unique_ptr<wire::shm::RouteTable> scratch_;
  WorldCounters counters_;
};

}  // namespace tests::simulation
