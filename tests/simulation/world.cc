// SPDX-License-Identifier: Apache-2.0
// The clock of the world.

#include "tests/simulation/world.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/sim_node.h"

namespace tests::simulation {

using controlplane::overlay::Ingress;
using controlplane::overlay::kNever;
using wire::shm::EventKind;
using wire::shm::kNoLink;

void World::run_for(std::uint64_t ns) {
  const std::uint64_t end = now_ns_ + ns;
  while (!queue_.empty() && queue_.next_ns() <= end) {
    SimEvent event = queue_.pop();
    now_ns_ = std::max(now_ns_, event.at_ns);
    happen(std::move(event));
  }
  now_ns_ = end;
}

bool World::run_until(const std::function<bool()>& done, std::uint64_t limit_ns,
                      std::uint64_t every_ns) {
  const std::uint64_t end = now_ns_ + limit_ns;
  while (!done()) {
    if (now_ns_ >= end) return false;
    run_for(std::min(every_ns, end - now_ns_));
  }
  return true;
}

void World::happen(SimEvent event) {
  SimNode& node = *nodes_[event.node];
  if (!node.is_alive || node.incarnation != event.incarnation) {
    if (event.kind == SimEvent::Kind::kArrive) ++counters_.lost;
    return;
  }
  switch (event.kind) {
    case SimEvent::Kind::kWake:
      if (event.at_ns != node.wake_ns) return;  // an earlier one took its place
      node.wake_ns = kNever;
      step(event.node, controlplane::overlay::Tick{});
      return;
    case SimEvent::Kind::kArrive: {
      const Ingress from{event.slot, event.generation};
      if (event.slot != kNoLink && node.link(from) == nullptr) {
        ++counters_.lost;
        return;
      }
      forward(event.node, from, std::move(event.bytes), false);
      return;
    }
    case SimEvent::Kind::kHandshake:
      finish_handshake(event);
      return;
    case SimEvent::Kind::kLinkDead:
      link_event(event, EventKind::kLinkFailed);
      return;
    case SimEvent::Kind::kLinkAlive:
      link_event(event, EventKind::kLinkUp);
      return;
    case SimEvent::Kind::kPeerClosed:
      peer_closed(event);
      return;
  }
}

}  // namespace tests::simulation
