// SPDX-License-Identifier: Apache-2.0
// All that one worker lcore owns. Nothing in here is touched by another thread while the lcore
// runs; what is shared is behind the references, each with its one writer.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/burst.h"
#include "dataplane/capture_tap.h"
#include "dataplane/doors.h"
#include "dataplane/hand_off.h"
#include "dataplane/idle.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/link_layer.h"
#include "dataplane/neighbor_resolver.h"
#include "dataplane/stage_clock.h"
#include "dataplane/stages/admit.h"
#include "dataplane/stages/demux.h"
#include "dataplane/stages/ethernet.h"
#include "dataplane/stages/receive.h"
#include "dataplane/stages/rewrite.h"
#include "dataplane/stages/verify.h"
#include "dataplane/tracer.h"
#include "dataplane/transmit_queues.h"
#include "dataplane/turn.h"
#include "wire/shm/region.h"

namespace dataplane {

/// What all workers of a node share. Made before the first worker starts, outlives the last.
struct Shared {
  wire::shm::NodeRegion& region;
  const PortTable& ports;      // constant
  const LinkTable& links;      // main lcore: rw
  const SignerTable& signers;  // main lcore: rw
  NeighborTable& neighbors;    // entries main lcore, MACs worker 0
  Quiescence& quiescence;
  HandOff& hand_off;             // one producer and one consumer a ring
  const TraceSwitch& trace;      // main lcore: rw
  const CaptureSwitch& capture;  // main lcore: rw
  rte_mempool* pool;             // any
  rte_mempool* capture_pool;     // any
  const crypto::KernelTable& kernel;
  crypto::KeyTablePool& tables;  // main lcore: rw, workers: table()
  std::uint32_t workers;
  std::uint32_t max_links;
  std::uint32_t max_signers;
  std::uint32_t digest_cache_entries;
  std::uint64_t tsc_hz;
  std::uint64_t secret;  // random; keys sampling and the replay hash
  bool adaptive;
  std::uint32_t idle_sleep_us;
};

struct LcoreContext {
  /// @param captured  ring of captured copies to the main lcore
  LcoreContext(std::uint32_t index, const Shared& shared, rte_ring* captured) noexcept;
  /// Allocates the stages' states. False with @p why: out of memory, or the cipher library fails
  /// its known answers.
  [[nodiscard]] bool allocate(std::string& why);

  std::uint32_t worker;
  Shared around;
  wire::shm::LcoreCounters& counters;  // this lcore: rw, others: ro
  wire::shm::LcoreRings& rings;        // this lcore is one end of each

  // Shared tables, pinned once per turn.
  wire::shm::TableReader<wire::shm::RouteTable> route_reader;
  wire::shm::TableReader<wire::shm::PolicyTable> policy_reader;
  const wire::shm::RouteTable* routes = nullptr;
  const wire::shm::PolicyTable* policy = nullptr;

  // Ways out.
  Tracer tracer;
  CaptureTap capture;
  Doors doors;
  TransmitQueues transmit;
  std::optional<NeighborResolver> resolver;  // worker 0

  // State of the stages, in their order.
  ReceiveState receive;
  EthernetState ethernet;
  DemuxState demux;
  std::unique_ptr<crypto::LinkCipher> cipher;
  std::unique_ptr<LinkLayer> links;
  std::unique_ptr<AdmitState> admit;
  std::unique_ptr<VerifyState> verify;
  RewriteState rewrite;

  // Bursts: what came in, what a stage had kept back, and what other lcores gave, by where it goes.
  Burst burst;
  Burst released;
  Burst pieces;
  Burst from_streams;
  Burst given_link_receive;
  Burst given_link_send;
  Burst given_neighbor;

  // Time.
  unsigned worked = 0;  // packets this turn
  Turn turn;
  StageClock clock;
  Idle idle;
  std::uint64_t next_housekeeping_tsc = 0;
  std::uint64_t next_wall_clock_tsc = 0;
};

}  // namespace dataplane
