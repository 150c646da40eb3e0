// SPDX-License-Identifier: Apache-2.0

#include "tests/topology/chord_overlay.h"

#include <algorithm>
#include <utility>

#include "config/node_config.h"
#include "controlplane/topology/ring.h"

namespace tests {

using controlplane::overlay::Answer;
using controlplane::overlay::Now;
using controlplane::overlay::Outcome;
using controlplane::topology::Membership;
using controlplane::topology::Target;
using controlplane::topology::Wishes;
using controlplane::topology::chord::ChordTopology;
using controlplane::topology::chord::kSecond;
using wire::reload::MessageCode;
using wire::reload::NodeId;
namespace ring = controlplane::topology::ring;

namespace {

constexpr std::uint64_t kTimerNs = 3 * kSecond;  // F-01
constexpr unsigned kSends = 5;                   // F-04
constexpr std::size_t kMostHops = 100;           // initial-ttl
/// Nodes that others know to begin with.
constexpr std::size_t kBootstrapNodes = 3;

bool later(std::uint64_t a_ns, std::uint64_t a, std::uint64_t b_ns, std::uint64_t b) {
  return std::pair(a_ns, a) > std::pair(b_ns, b);
}

}  // namespace

ChordOverlay::ChordOverlay(const controlplane::topology::chord::Settings& settings,
                           const Network& network, std::uint64_t seed)
    : settings_(settings), network_(network), random_(seed) {
  now_.ns = kSecond;
}

std::size_t ChordOverlay::add() {
  const ring::Point high = random_();
  return add(ring::node_id(high << 64U | random_()));
}

std::size_t ChordOverlay::add(const NodeId& id) {
  auto node = std::make_unique<Node>();
  node->id = id;
  node->topology = std::make_unique<ChordTopology>(
      id, settings_, [generator = std::mt19937_64(random_())]() mutable { return generator(); });
  by_id_[id] = nodes_.size();
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void ChordOverlay::found(std::size_t node) {
  nodes_[node]->expected = true;
  call(node, [](ChordTopology& it, const Now& now, Wishes& wishes) { it.found(now, wishes); });
}

void ChordOverlay::join(std::size_t node) {
  nodes_[node]->expected = true;
  call(node, [](ChordTopology& it, const Now& now, Wishes& wishes) { it.join(now, wishes); });
}

void ChordOverlay::leave(std::size_t node) {
  nodes_[node]->expected = false;
  call(node, [](ChordTopology& it, const Now& now, Wishes& wishes) { it.leave(now, wishes); });
}

void ChordOverlay::crash(std::size_t node) {
  nodes_[node]->alive = false;
  nodes_[node]->expected = false;
}

void ChordOverlay::move_to_group(std::size_t node, unsigned group) { nodes_[node]->group = group; }

void ChordOverlay::heal() {
  for (const auto& node : nodes_) node->group = 0;
  // The core tries failed links again every second.
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]->alive) continue;
    for (auto& [peer, half] : nodes_[i]->links) {
      const auto other = index_of(peer);
      if (!half.failed || !other || !reaches(i, *other)) continue;
      half.failed = false;
      after(kSecond, [this, i, slot = half.slot] {
        call(i, [slot](ChordTopology& it, const Now& now, Wishes& wishes) {
          it.link_changed(now, slot, true, wishes);
        });
      });
    }
  }
}

// --- time ----------------------------------------------------------------------------------------

void ChordOverlay::after(std::uint64_t ns, std::function<void()> what) {
  events_.push_back({now_.ns + ns, ++last_order_, std::move(what)});
  std::push_heap(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
    return later(a.at_ns, a.order, b.at_ns, b.order);
  });
}

void ChordOverlay::run_for(std::uint64_t ns) {
  const std::uint64_t end_ns = now_.ns + ns;
  while (!events_.empty() && events_.front().at_ns <= end_ns) {
    std::pop_heap(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
      return later(a.at_ns, a.order, b.at_ns, b.order);
    });
    const Event event = std::move(events_.back());
    events_.pop_back();
    now_.ns = event.at_ns;
    event.what();
  }
  now_.ns = end_ns;
}

std::optional<std::uint64_t> ChordOverlay::run_until(const std::function<bool()>& done,
                                                     std::uint64_t limit_ns) {
  const std::uint64_t begin_ns = now_.ns;
  while (!done()) {
    if (now_.ns - begin_ns >= limit_ns) return std::nullopt;
    run_for(kSecond);
  }
  return now_.ns - begin_ns;
}

void ChordOverlay::plan_tick(std::size_t node) {
  const std::uint64_t due_ns = nodes_[node]->topology->next_deadline();
  if (due_ns >= nodes_[node]->tick_ns || due_ns == controlplane::overlay::kNever) return;
  nodes_[node]->tick_ns = due_ns;
  after(due_ns > now_.ns ? due_ns - now_.ns : 0, [this, node, due_ns] {
    if (nodes_[node]->tick_ns != due_ns) return;  // an earlier one has been planned
    nodes_[node]->tick_ns = controlplane::overlay::kNever;
    call(node, [](ChordTopology& it, const Now& now, Wishes& wishes) { it.tick(now, wishes); });
  });
}

// --- wishes --------------------------------------------------------------------------------------

void ChordOverlay::call(std::size_t index, const Call& what) {
  if (!nodes_[index]->alive) return;
  Wishes wishes;
  what(*nodes_[index]->topology, now_, wishes);
  for (const Wishes::Attach& attach : wishes.attach) {
    auto open = std::make_shared<Transaction>();
    open->from = index;
    open->target = attach.target;
    open->ticket = attach.ticket;
    open->attach = true;
    open->send_update = attach.send_update;
    send(open);
  }
  for (Wishes::Request& request : wishes.requests) {
    auto open = std::make_shared<Transaction>();
    open->from = index;
    open->target = request.target;
    open->ticket = request.ticket;
    open->code = request.code;
    open->body = std::move(request.body);
    send(open);
  }
  for (const NodeId& peer : wishes.close) close(index, peer);
  if (wishes.bootstrap) bootstrap(index);
  plan_tick(index);
}

void ChordOverlay::bootstrap(std::size_t node) {
  std::vector<std::size_t> choice;
  for (std::size_t i = 0; i < std::min(nodes_.size(), kBootstrapNodes); ++i) {
    if (i != node && reaches(node, i)) choice.push_back(i);
  }
  if (choice.empty()) {
    after(5 * kSecond, [this, node] {
      call(node, [](ChordTopology& it, const Now& now, Wishes& wishes) {
        it.bootstrapped(now, std::nullopt, wishes);
      });
    });
    return;
  }
  const std::size_t chosen = choice[random_() % choice.size()];
  after(4 * network_.latency_ns, [this, node, chosen] {
    if (!reaches(node, chosen)) return;
    link(chosen, node);
    call(node, [id = nodes_[chosen]->id](ChordTopology& it, const Now& now, Wishes& wishes) {
      it.bootstrapped(now, id, wishes);
    });
  });
}

/// Both ends have it from the same moment on.
void ChordOverlay::link(std::size_t node, std::size_t peer) {
  std::vector<std::pair<std::size_t, std::size_t>> fresh;
  for (const auto& [at, to] : {std::pair(node, peer), std::pair(peer, node)}) {
    const auto [found, is_new] = nodes_[at]->links.try_emplace(nodes_[to]->id);
    if (!is_new && !found->second.failed) continue;
    found->second = {nodes_[at]->next_slot++, false};
    fresh.emplace_back(at, to);
  }
  for (const auto& [at, to] : fresh) {
    const NodeId& id = nodes_[to]->id;
    const std::uint16_t slot = nodes_[at]->links[id].slot;
    call(at, [&id, slot](ChordTopology& it, const Now& now, Wishes& wishes) {
      it.linked(now, id, slot, wishes);
    });
  }
}

void ChordOverlay::close(std::size_t node, const NodeId& peer) {
  const auto other = index_of(peer);
  if (nodes_[node]->links.erase(peer) == 0 || !other) return;
  call(node, [&peer](ChordTopology& it, const Now& now, Wishes& wishes) {
    it.unlinked(now, peer, wishes);
  });
  const auto half = nodes_[*other]->links.find(nodes_[node]->id);
  if (!reaches(node, *other) || half == nodes_[*other]->links.end()) return;
  after(network_.latency_ns,
        [this, node, other = *other, slot = half->second.slot, id = nodes_[node]->id] {
          const auto still = nodes_[other]->links.find(id);
          // It may have been made anew meanwhile.
          if (still == nodes_[other]->links.end() || still->second.slot != slot ||
              nodes_[node]->links.contains(nodes_[other]->id)) {
            return;
          }
          nodes_[other]->links.erase(still);
          call(other, [&id](ChordTopology& it, const Now& now, Wishes& wishes) {
            it.unlinked(now, id, wishes);
          });
        });
}

// --- messages ------------------------------------------------------------------------------------

std::optional<std::size_t> ChordOverlay::index_of(const NodeId& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

bool ChordOverlay::reaches(std::size_t from, std::size_t to) const {
  return nodes_[from]->alive && nodes_[to]->alive && nodes_[from]->group == nodes_[to]->group;
}

bool ChordOverlay::hop(std::size_t from, std::size_t to) {
  ++messages_;
  const auto found = nodes_[from]->links.find(nodes_[to]->id);
  if (found == nodes_[from]->links.end() || found->second.failed) return false;
  if (!reaches(from, to) || !nodes_[to]->links.contains(nodes_[from]->id)) {
    found->second.failed = true;
    after(kTimerNs, [this, from, slot = found->second.slot] {
      call(from, [slot](ChordTopology& it, const Now& now, Wishes& wishes) {
        it.link_changed(now, slot, false, wishes);
      });
    });
    return false;
  }
  return std::uniform_real_distribution<>(0, 1)(random_) >= network_.loss;
}

/// The nodes a message crosses, with the first and the last.
bool ChordOverlay::walk(std::size_t from, const Target& target, std::vector<std::size_t>& path) {
  path = {from};
  const auto go = [&](const NodeId& id) {
    const auto next = index_of(id);
    if (!next || !hop(path.back(), *next)) return false;
    path.push_back(*next);
    return true;
  };
  if (target.through && !go(*target.through)) return false;
  while (path.size() <= kMostHops) {
    const ChordTopology& at = *nodes_[path.back()]->topology;
    if (target.kind == Target::Kind::kNode && at.self() == target.id) return true;
    const bool direct = target.kind == Target::Kind::kNode && at.links().find(target.id) != nullptr;
    const auto next = direct ? std::optional(target.id) : at.next_hop(target.id);
    if (!next) return false;
    if (*next == at.self()) return target.kind == Target::Kind::kResource;  // else B-11
    if (!go(*next)) return false;
  }
  return false;
}

void ChordOverlay::send(const Shared& open) {
  if (open->done || !nodes_[open->from]->alive) return;
  if (open->sends++ == kSends) {
    finish(open, Outcome::kTimedOut, {}, 0, {});
    return;
  }
  after(kTimerNs, [this, open] { send(open); });
  std::vector<std::size_t> path;
  if (!walk(open->from, open->target, path)) return;
  after(network_.latency_ns * (path.size() - 1), [this, open, path] { arrive(open, path); });
}

void ChordOverlay::arrive(const Shared& open, const std::vector<std::size_t>& path) {
  const std::size_t at = path.back();
  if (open->done || !nodes_[at]->alive) return;
  if (open->attach) {
    attach_arrived(open, path);
    return;
  }
  if (open->code == MessageCode::kPingReq) {
    answer(open, path, {MessageCode::kPingAns, {}});
    return;
  }
  controlplane::topology::Incoming incoming;
  incoming.code = static_cast<std::uint16_t>(open->code);
  incoming.body = open->body;
  incoming.signer = nodes_[open->from]->id;
  if (path.size() > 1) incoming.neighbour = nodes_[path[path.size() - 2]]->id;
  call(at, [&](ChordTopology& it, const Now& now, Wishes& wishes) {
    const auto served = it.serve(now, incoming, wishes);
    if (served) answer(open, path, *served);
  });
}

void ChordOverlay::attach_arrived(const Shared& open, const std::vector<std::size_t>& path) {
  const std::size_t at = path.back();
  const std::size_t from = open->from;
  if (at == from) {
    finish(open, Outcome::kRefused, {}, 0, {});
    return;
  }
  // The answer goes back the way, then there are two round trips of a handshake.
  after(network_.latency_ns * (path.size() + 3), [this, open, at, from] {
    if (open->done || !nodes_[at]->alive || !reaches(at, from)) return;
    link(at, from);
    finish(open, Outcome::kAnswered, nodes_[at]->id, 0, {});
    if (!open->send_update) return;
    call(at, [id = nodes_[from]->id](ChordTopology& it, const Now& now, Wishes& wishes) {
      it.update_wanted(now, id, wishes);
    });
  });
}

void ChordOverlay::answer(const Shared& open, const std::vector<std::size_t>& path,
                          const Answer& answer) {
  for (std::size_t i = path.size() - 1; i != 0; --i) {
    if (!hop(path[i], path[i - 1])) return;
  }
  after(network_.latency_ns * (path.size() - 1), [this, open, answer, at = path.back()] {
    const NodeId& responder = nodes_[at]->id;
    // E-12, where our own tables led.
    if (open->target.kind == Target::Kind::kResource && !open->target.through &&
        !nodes_[open->from]->topology->accepts_responder(open->target.id.bytes, responder)) {
      return;
    }
    wire::reload::ErrorResponse error;
    if (answer.is_error()) {
      (void)wire::reload::parse_error_response(answer.body, error);
      finish(open, Outcome::kError, responder, error.error_code, {});
    } else {
      finish(open, Outcome::kAnswered, responder, 0, answer.body);
    }
  });
}

void ChordOverlay::finish(const Shared& open, Outcome outcome, const NodeId& responder,
                          std::uint16_t error, std::span<const std::byte> body) {
  if (std::exchange(open->done, true)) return;
  call(open->from, [&](ChordTopology& it, const Now& now, Wishes& wishes) {
    it.finished(now, {open->ticket, outcome, error, responder, body}, wishes);
  });
}

// --- what has become of it -----------------------------------------------------------------------

template <class Report>
void ChordOverlay::check(Report report) const {
  std::map<unsigned, std::map<NodeId, const Node*>> rings;
  for (const auto& node : nodes_) {
    if (!node->alive || !node->expected) continue;
    if (node->topology->membership() != Membership::kMember) report(*node, "is no member");
    rings[node->group][node->id] = node.get();
  }
  for (const auto& [group, members] : rings) {
    for (auto it = members.begin(); it != members.end(); ++it) {
      const auto next = std::next(it) == members.end() ? members.begin() : std::next(it);
      const ChordTopology& at = *it->second->topology;
      const auto successors = at.successors(now_);
      const NodeId successor = successors.empty() ? at.self() : successors.front().id;
      if (successor != next->first) report(*it->second, "has a wrong successor");
      if (next->second->topology->predecessor() != it->first) {
        report(*next->second, "has a wrong predecessor");
      }
    }
  }
}

bool ChordOverlay::is_ring() const {
  bool right = true;
  check([&right](const Node&, const char*) { right = false; });
  return right;
}

std::string ChordOverlay::faults() const {
  std::string text;
  check([&text](const Node& node, const char* what) {
    text += config::to_string(node.id) + " " + what + "\n";
  });
  return text;
}

std::optional<std::size_t> ChordOverlay::responsible(const NodeId& point) const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]->alive || nodes_[i]->topology->membership() != Membership::kMember) continue;
    if (!best || ring::distance(point, nodes_[i]->id) < ring::distance(point, nodes_[*best]->id)) {
      best = i;
    }
  }
  return best;
}

ChordOverlay::Lookups ChordOverlay::look_up(std::size_t times, unsigned sends) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->alive && nodes_[i]->topology->membership() == Membership::kMember) {
      members.push_back(i);
    }
  }
  std::vector<std::pair<std::size_t, NodeId>> open;
  for (std::size_t i = 0; i < times && !members.empty(); ++i) {
    const ring::Point high = random_();
    open.emplace_back(members[random_() % members.size()], ring::node_id(high << 64U | random_()));
  }
  std::size_t hops = 0;
  const double loss = std::exchange(network_.loss, 0);
  while (sends-- != 0) {
    std::erase_if(open, [&](const auto& lookup) {
      std::vector<std::size_t> path;
      const bool arrives = walk(lookup.first, Target::resource(lookup.second), path) &&
                           path.back() == responsible(lookup.second);
      hops += arrives ? path.size() - 1 : 0;
      return arrives;
    });
    if (open.empty()) break;
    if (sends != 0) run_for(kTimerNs);
  }
  network_.loss = loss;
  const std::size_t arrived = times - open.size();
  return {arrived == 0 ? 0 : static_cast<double>(hops) / static_cast<double>(arrived), open.size()};
}

}  // namespace tests
