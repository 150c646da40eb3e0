// SPDX-License-Identifier: Apache-2.0
// Many ChordTopology objects and a network between them, in virtual time: just enough of an overlay
// core to carry out their wishes. Messages are routed by the objects' own tables, every hop takes
// the latency and may lose them; requests are repeated as RFC 6940 section 6.2.1 says. A dead link
// is found out by sending over it. Whatever happens follows from the seed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "controlplane/topology/chord/chord_topology.h"

namespace tests {

class ChordOverlay {
 public:
  struct Network {
    std::uint64_t latency_ns = 20'000'000;
    double loss = 0;  ///< of a message on one hop
  };

  ChordOverlay(const controlplane::topology::chord::Settings& settings, const Network& network,
               std::uint64_t seed);

  /// A new node with a random Node-ID, not in the ring yet. Returns its index.
  std::size_t add();
  std::size_t add(const wire::reload::NodeId& id);
  void found(std::size_t node);
  void join(std::size_t node);
  void leave(std::size_t node);
  /// Gone without a word.
  void crash(std::size_t node);
  /// Nothing passes between nodes of different groups. All are in group 0 at first.
  void move_to_group(std::size_t node, unsigned group);
  void heal();

  void run_for(std::uint64_t ns);
  /// Runs until @p done, asked once a second, or for @p limit_ns. Returns how long it took;
  /// nullopt: it was not done.
  std::optional<std::uint64_t> run_until(const std::function<bool()>& done, std::uint64_t limit_ns);

  /// True when every living node that was told to is a member, and the first predecessor and
  /// successor of each is the true one, of those in its group.
  [[nodiscard]] bool is_ring() const;
  /// Nodes that is_ring() finds fault with, and why, for messages of tests.
  [[nodiscard]] std::string faults() const;

  struct Lookups {
    double mean_hops = 0;
    std::size_t failed = 0;
  };
  /// From random members to random points, repeated like a request up to @p sends times; an arrival
  /// at another than the responsible peer is none.
  [[nodiscard]] Lookups look_up(std::size_t times, unsigned sends = 1);

  [[nodiscard]] const controlplane::topology::chord::ChordTopology& topology(
      std::size_t node) const {
    return *nodes_[node]->topology;
  }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint64_t now_ns() const { return now_.ns; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::mt19937_64& random() { return random_; }
  /// Calls what is given as the core would, and carries out what it wishes.
  using Call =
      std::function<void(controlplane::topology::chord::ChordTopology&,
                         const controlplane::overlay::Now&, controlplane::topology::Wishes&)>;
  void call(std::size_t node, const Call& what);

 private:
  struct Half {
    std::uint16_t slot = 0;
    bool failed = false;
  };
  struct Node {
    wire::reload::NodeId id;
    std::unique_ptr<controlplane::topology::chord::ChordTopology> topology;
    std::map<wire::reload::NodeId, Half> links;
    std::uint16_t next_slot = 0;
    unsigned group = 0;
    bool alive = true;
    bool expected = false;  // to be a member
    std::uint64_t tick_ns = ~std::uint64_t{0};
  };
  struct Event {
    std::uint64_t at_ns = 0;
    std::uint64_t order = 0;
    std::function<void()> what;
  };
  struct Transaction {
    std::size_t from = 0;
    controlplane::topology::Target target;
    std::uint64_t ticket = 0;
    bool attach = false;
    bool send_update = false;
    wire::reload::MessageCode code{};
    wire::reload::Bytes body;
    unsigned sends = 0;
    bool done = false;
  };
  using Shared = std::shared_ptr<Transaction>;

  void after(std::uint64_t ns, std::function<void()> what);
  void plan_tick(std::size_t node);
  void send(const Shared& open);
  void arrive(const Shared& open, const std::vector<std::size_t>& path);
  void attach_arrived(const Shared& open, const std::vector<std::size_t>& path);
  void answer(const Shared& open, const std::vector<std::size_t>& path,
              const controlplane::overlay::Answer& answer);
  void finish(const Shared& open, controlplane::overlay::Outcome outcome,
              const wire::reload::NodeId& responder, std::uint16_t error,
              std::span<const std::byte> body);
  void bootstrap(std::size_t node);
  void close(std::size_t node, const wire::reload::NodeId& peer);
  void link(std::size_t node, std::size_t peer);
  /// Over the link between two nodes, if it works this time; else the sender notices after a while.
  bool hop(std::size_t from, std::size_t to);
  [[nodiscard]] bool walk(std::size_t from, const controlplane::topology::Target& target,
                          std::vector<std::size_t>& path);
  /// The member that answers for the point; nullopt: there is none.
  [[nodiscard]] std::optional<std::size_t> responsible(const wire::reload::NodeId& point) const;
  [[nodiscard]] bool reaches(std::size_t from, std::size_t to) const;
  [[nodiscard]] std::optional<std::size_t> index_of(const wire::reload::NodeId& id) const;
  template <class Report>
  void check(Report report) const;

  controlplane::topology::chord::Settings settings_;
  Network network_;
  std::mt19937_64 random_;
  controlplane::overlay::Now now_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<wire::reload::NodeId, std::size_t> by_id_;
  std::vector<Event> events_;  // a heap
  std::uint64_t last_order_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace tests
