// SPDX-License-Identifier: Apache-2.0
#include "dataplane/lcore_loop.h"

#include "dataplane/lcore_intake.h"
#include "dataplane/lcore_upkeep.h"
#include "dataplane/stages/deliver.h"
#include "dataplane/stages/drop.h"
#include "dataplane/stages/link_receive.h"
#include "dataplane/stages/link_send.h"
#include "dataplane/stages/parse.h"
#include "dataplane/stages/route.h"

namespace dataplane {
namespace {

using wire::shm::Stage;

/// Runs a stage unless the burst is empty, and charges it the time.
template <class Call>
void timed(LcoreContext& lcore, Stage stage, const Burst& burst, Call&& call) noexcept {
  const unsigned packets = burst.count();
  if (packets == 0) return;
  call();
  lcore.clock.lap(stage, packets);
}

// Each function takes a burst from one entry point of the pipeline to its doors.

void to_the_links(LcoreContext& l, Burst& burst) noexcept {
  timed(l, Stage::kLinkSend, burst, [&] { link_send(burst, *l.links, *l.policy, l.turn.tsc); });
  drop(burst, l.doors);
}

void from_route(LcoreContext& l, Burst& burst) noexcept {
  timed(l, Stage::kRoute, burst, [&] { route(burst, *l.routes, l.around.links); });
  timed(l, Stage::kRewrite, burst,
        [&] { rewrite(burst, *l.policy, l.around.links, l.rewrite, l.counters); });
  timed(l, Stage::kDeliver, burst, [&] { deliver(burst, l.rings, l.counters); });
  to_the_links(l, burst);
  while (release_pieces(l.pieces, l.rewrite) != 0) to_the_links(l, l.pieces);
}

void from_verify(LcoreContext& l, Burst& burst) noexcept {
  timed(l, Stage::kVerify, burst,
        [&] { verify(burst, *l.policy, l.around.signers, *l.verify, l.turn, l.counters); });
  from_route(l, burst);
  while (release_for_route(burst, *l.verify) != 0) from_route(l, burst);
}

/// Messages as they came over a link.
void from_parse(LcoreContext& l, Burst& burst) noexcept {
  timed(l, Stage::kParse, burst, [&] { parse(burst, *l.policy); });
  timed(l, Stage::kAdmit, burst, [&] {
    admit(burst, *l.policy, l.around.links, l.around.signers, l.tracer, *l.admit, l.turn);
  });
  from_verify(l, burst);
}

void from_link_receive(LcoreContext& l, Burst& burst) noexcept {
  timed(l, Stage::kLinkReceive, burst,
        [&] { link_receive(burst, *l.links, *l.policy, l.turn.tsc); });
  from_parse(l, burst);
}

/// Datagrams whose keys came, and what stood behind the first record of one.
void from_further(LcoreContext& l, Burst& burst) noexcept {
  while (const unsigned further = l.links->take_further(burst)) {
    l.worked += further;
    from_link_receive(l, burst);
  }
}

void from_receive(LcoreContext& l, Burst& burst) noexcept {
  receive(burst, l.receive, l.capture, l.turn.tsc, l.counters);
  if (burst.live == 0) return;
  l.worked += burst.size;
  l.counters.rx_turns.add(1);
  l.clock.lap(Stage::kReceive, burst.count());
  timed(l, Stage::kEthernet, burst, [&] { ethernet(burst, l.ethernet, l.counters); });
  timed(l, Stage::kDemux, burst, [&] { demux(burst, l.demux, l.counters); });
  from_link_receive(l, burst);
}

/// Messages of our own control plane pass neither admit nor verify. Those that it read from a
/// neighbour's stream are that neighbour's.
void from_control_plane(LcoreContext& l, Burst& burst) noexcept {
  take_injected(l, burst);
  timed(l, Stage::kParse, burst, [&] { parse(burst, *l.policy); });
  from_route(l, burst);
  if (l.from_streams.live != 0) from_parse(l, l.from_streams);
}

void from_other_lcores(LcoreContext& l, std::uint32_t other) noexcept {
  take_given(l, other);
  timed(l, Stage::kEthernet, l.given_neighbor, [&] { meet_neighbors(l, l.given_neighbor); });
  drop(l.given_neighbor, l.doors);
  from_link_receive(l, l.given_link_receive);
  to_the_links(l, l.given_link_send);
}

void from_holds(LcoreContext& l, Burst& burst) noexcept {
  unsigned released = 0;
  do {
    released = release_for_verify(burst, *l.policy, l.around.signers, *l.verify, l.turn);
    l.worked += released;
    from_verify(l, burst);
  } while (released == kBurstSize);
}

}  // namespace

unsigned run_turn(LcoreContext& l) noexcept {
  begin_turn(l);
  from_receive(l, l.burst);
  for (std::uint32_t other = 0; other < l.around.workers; ++other) {
    if (other != l.worker) from_other_lcores(l, other);
  }
  from_further(l, l.burst);
  from_control_plane(l, l.burst);
  from_holds(l, l.burst);
  return end_turn(l);
}

void run_lcore(LcoreContext& l, const std::atomic<bool>& stop) noexcept {
  while (!stop.load(std::memory_order_relaxed)) {
    if (run_turn(l) != 0) {
      l.idle.worked();
    } else {
      l.idle.rest();
    }
  }
}

}  // namespace dataplane
