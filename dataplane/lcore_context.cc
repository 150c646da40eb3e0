// SPDX-License-Identifier: Apache-2.0
#include "dataplane/lcore_context.h"

namespace dataplane {

LcoreContext::LcoreContext(std::uint32_t index, const Shared& shared, rte_ring* captured) noexcept
    : worker(index),
      around(shared),
      counters(shared.region.dataplane.counters[index]),
      rings(shared.region.rings.lcores[index]),
      route_reader(shared.region.tables.routes, shared.region.dataplane.routes_progress[index]),
      policy_reader(shared.region.tables.policy, shared.region.dataplane.policy_progress[index]),
      tracer(static_cast<std::uint8_t>(index), shared.trace, shared.region.dataplane.traces[index],
             counters),
      capture(static_cast<std::uint8_t>(index), shared.capture, shared.capture_pool, captured,
              counters),
      doors(index, shared.region, tracer, capture, shared.tsc_hz),
      transmit(index, shared.ports, shared.hand_off, doors, counters),
      clock(counters),
      idle(shared.adaptive, shared.idle_sleep_us, counters) {
  if (index == 0) {
    resolver.emplace(shared.ports, shared.neighbors, shared.pool, transmit, doors, counters,
                     shared.tsc_hz);
  }
  receive.assign(shared.ports, index, shared.workers);
  ethernet = {.worker = index,
              .ports = &shared.ports,
              .resolver = resolver ? &*resolver : nullptr,
              .hand_off = &shared.hand_off,
              .transmit = &transmit,
              .doors = &doors};
  demux = {.worker = index, .links = &shared.links, .hand_off = &shared.hand_off};
  rewrite.pool = shared.pool;
}

bool LcoreContext::allocate(std::string& why) {
  why = "no memory for worker " + std::to_string(worker);
  const auto lcore = static_cast<std::uint8_t>(worker);
  cipher = crypto::LinkCipher::create(why);
  if (cipher == nullptr) return false;
  links = LinkLayer::create({.worker = worker,
                             .workers = around.workers,
                             .max_links = around.max_links,
                             .tsc_hz = around.tsc_hz,
                             .table = around.links,
                             .ports = around.ports,
                             .neighbors = around.neighbors,
                             .hand_off = around.hand_off,
                             .transmit = transmit,
                             .doors = doors,
                             .pool = *around.pool,
                             .status = around.region.dataplane.links,
                             .rings = rings,
                             .counters = counters,
                             .cipher = cipher.get()});
  admit = AdmitState::create(around.max_signers, around.tsc_hz, around.secret);
  verify = VerifyState::create({.kernel = &around.kernel,
                                .tables = &around.tables,
                                .rings = &rings,
                                .links = around.region.dataplane.links,
                                .lcore = lcore,
                                .tsc_hz = around.tsc_hz,
                                .secret = around.secret,
                                .digest_cache_entries = around.digest_cache_entries});
  return links != nullptr && admit != nullptr && verify != nullptr;
}

}  // namespace dataplane
