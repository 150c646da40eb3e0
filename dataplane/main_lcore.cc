// SPDX-License-Identifier: Apache-2.0
#include "dataplane/main_lcore.h"

#include <time.h>

#include <utility>

namespace dataplane {
namespace {

std::uint64_t monotonic_ns() noexcept {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

MainLcore::MainLcore(wire::shm::NodeRegion& region, const PortTable& ports, LinkTable& links,
                     SignerTable& signers, NeighborTable& neighbors, TraceSwitch& trace,
                     Capture& capture, KnownSigners& known_signers,
                     std::function<bool()> control_plane_lives)
    : region_(region),
      ports_(ports),
      links_(links),
      neighbors_(neighbors),
      trace_(trace),
      capture_(capture),
      known_signers_(known_signers),
      control_plane_lives_(std::move(control_plane_lives)),
      applier_(links, signers, *this, region.dataplane.status) {}

std::size_t MainLcore::turn() {
  const std::uint64_t now_ns = monotonic_ns();
  const std::size_t applied = applier_.turn(region_.rings.commands, kCommandsPerTurn, now_ns);
  if (sweep_neighbors_) {
    sweep_neighbors_ = false;
    neighbors_.sweep(links_, ports_);
  }
  capture_.drain();
  region_.header.dataplane.heartbeat.store(now_ns, std::memory_order_relaxed);
  known_signers_.turn(now_ns, kTablesUs);
  known_signers_.publish(region_.dataplane.status);
  if (now_ns >= next_look_ns_) look_for_control_plane(now_ns);
  return applied;
}

void MainLcore::look_for_control_plane(std::uint64_t now_ns) {
  next_look_ns_ = now_ns + kLifeSignMs * 1'000'000;
  wire::shm::DataplaneStatus& status = region_.dataplane.status;
  const bool headless = !control_plane_lives_();
  const bool was_headless = status.headless.load(std::memory_order_relaxed) != 0;
  if (headless == was_headless) return;
  if (headless) status.headless_since.store(now_ns, std::memory_order_relaxed);
  status.headless.store(headless ? 1 : 0, std::memory_order_release);
}

bool MainLcore::prepare_link(const wire::shm::LinkRecord& link, std::string& why) {
  if (link.protocol == wire::shm::LinkProtocol::kVirtual)
    return true;  // no packet of it comes here
  if (link.port >= ports_.count) {
    why = "link " + std::to_string(link.slot) + ": no port " + std::to_string(link.port);
    return false;
  }
  const wire::shm::Endpoint hop = next_hop_on(ports_[link.port], link.remote);
  if (hop.family == 0) {
    why = "link " + std::to_string(link.slot) +
          ": its peer is neither on the port's networks nor " + "behind a gateway";
    return false;
  }
  if (!neighbors_.require(link.port, hop)) {
    why = "link " + std::to_string(link.slot) + ": no room for its next hop";
    return false;
  }
  return true;
}

void MainLcore::stop_capture() {
  capture_.drain();
  capture_.stop();
}

}  // namespace dataplane
