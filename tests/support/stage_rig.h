// SPDX-License-Identifier: Apache-2.0
// One lcore's surroundings without ports: mbufs, tables, counters, rings and a clock that only the
// test moves. Needs a running EAL. Time runs at 1 GHz, so a TSC cycle is a nanosecond.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "crypto/signing_key.h"
#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/stages/admit.h"
#include "dataplane/stages/rewrite.h"
#include "dataplane/stages/verify.h"
#include "dataplane/tracer.h"
#include "dataplane/turn.h"
#include "wire/reload/message_builder.h"
#include "wire/shm/policy_table.h"
#include "wire/shm/region.h"
#include "wire/shm/route_table.h"

namespace tests {

using wire::reload::Bytes;
using wire::reload::NodeId;

/// The point @p high * 2^64 of the ring plus one, so that 0 is no invalid Node-ID.
[[nodiscard]] NodeId node_at(std::uint64_t high);

/// A signer that holds a key, and what the control plane would say of it.
struct TestSigner {
  std::shared_ptr<crypto::SigningKey> key;
  wire::reload::SigningIdentity identity;  ///< carries a placeholder of a certificate
  wire::shm::SignerRecord record;
};
/// @param tag  told apart by this: two signers of one tag have one SignerKey
[[nodiscard]] TestSigner make_signer(crypto::Algorithm algorithm, std::uint8_t tag);
/// The same with a made-up signature: fast, and verified by nobody.
[[nodiscard]] TestSigner make_forger(std::uint8_t tag);

struct StageRig {
  static constexpr std::uint64_t kTscHz = 1'000'000'000;
  static constexpr std::uint64_t kMs = kTscHz / 1000;
  static constexpr std::uint32_t kOverlay = 0x65b0781f;

  StageRig();
  ~StageRig();
  StageRig(const StageRig&) = delete;
  StageRig& operator=(const StageRig&) = delete;

  /// An mbuf as link_receive leaves it, received on @p link_in (as the link table has it).
  [[nodiscard]] rte_mbuf* packet(std::span<const std::byte> message, std::uint16_t link_in = 0);
  void add_link(std::uint16_t slot, const NodeId& peer,
                wire::shm::LinkClass cls = wire::shm::LinkClass::kBackbone,
                std::uint16_t mtu = 1500, std::uint8_t generation = 1, bool barred = false);
  void know(const wire::shm::SignerRecord& record);
  /// Own Node-ID, predecessor and neighbours. Each pair is a node and its link's slot.
  void set_routes(const NodeId& self, const NodeId& predecessor,
                  std::vector<std::pair<NodeId, std::uint16_t>> connections,
                  std::vector<std::pair<NodeId, std::uint16_t>> peers);

  /// A Ping request for @p destination under transaction @p id.
  [[nodiscard]] wire::reload::MessageBuilder ping(const NodeId& destination, std::uint64_t id = 1,
                                                  std::size_t padding = 100) const;

  /// Frees all packets the burst still has, and clears it.
  static void free(dataplane::Burst& burst);
  /// Mbufs not in the pool: what somebody holds or lost.
  [[nodiscard]] std::size_t mbufs_in_use() const;
  void advance_ms(std::uint64_t ms) { turn.tsc += ms * kMs; }

  rte_mempool* pool;
  std::unique_ptr<dataplane::Quiescence> quiescence;
  std::unique_ptr<dataplane::LinkTable> links;
  std::unique_ptr<dataplane::SignerTable> signers;
  std::unique_ptr<wire::shm::RouteTable> routes = std::make_unique<wire::shm::RouteTable>();
  std::unique_ptr<wire::shm::LcoreRings> rings = std::make_unique<wire::shm::LcoreRings>();
  std::unique_ptr<wire::shm::LcoreCounters> counters = std::make_unique<wire::shm::LcoreCounters>();
  std::unique_ptr<wire::shm::LinkStatus[]> link_status{
      new wire::shm::LinkStatus[wire::shm::kMaxLinks]};
  std::unique_ptr<wire::shm::TraceRing> traces = std::make_unique<wire::shm::TraceRing>();
  dataplane::TraceSwitch trace_switch;
  dataplane::Tracer tracer{0, trace_switch, *traces, *counters};
  wire::shm::PolicyTable policy;
  dataplane::Turn turn{5'000 * kMs, 1'700'000'000};

  std::unique_ptr<dataplane::AdmitState> admit_state;
  std::unique_ptr<dataplane::VerifyState> verify_state;
  dataplane::RewriteState rewrite_state;
};

/// Bursts for one line of a test: a burst of the given packets.
[[nodiscard]] dataplane::Burst burst_of(std::initializer_list<rte_mbuf*> mbufs);
/// "verify:bad_signature" for slot @p i; "live", "delivered", "taken" when it was not dropped.
[[nodiscard]] std::string fate(const dataplane::Burst& burst, unsigned i = 0);

}  // namespace tests
