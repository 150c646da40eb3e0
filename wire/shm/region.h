// SPDX-License-Identifier: Apache-2.0
// The shared memory of one node: a file on tmpfs that both processes map (docs/shared-memory.md).
//
//   header      who made it, layout hash, incarnations, heartbeats     each process writes its own
//   tables      routes, policy                                         control plane rw, lcores ro
//   dataplane   progress, counters, link status, trace, node status    dataplane rw, others ro
//   rings       commands and injected down; events and packets up      both rw, one writer an index
//
// Whoever comes first creates it; both can then be started, stopped and killed in any order. Each
// process holds an OFD lock on one byte of the file as its role, so a second dataplane on the same
// region is refused, and a dead owner is seen at once, without guessing from heartbeats.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "wire/shm/commands.h"
#include "wire/shm/counters.h"
#include "wire/shm/events.h"
#include "wire/shm/layout.h"
#include "wire/shm/link_status.h"
#include "wire/shm/packet_record.h"
#include "wire/shm/policy_table.h"
#include "wire/shm/published_table.h"
#include "wire/shm/route_table.h"
#include "wire/shm/spsc_ring.h"
#include "wire/shm/trace.h"

namespace wire::shm {

inline constexpr std::array<char, 8> kRegionMagic = {'H', 'O', 'P', 'S', 'E', 'A', 'L', '\0'};

/// What one process says of itself. Written by that process only.
struct alignas(kCacheLine) ProcessStatus {
  std::atomic<std::uint64_t> incarnation{0};  ///< up by one at each start
  std::atomic<std::uint64_t> heartbeat{0};    ///< CLOCK_MONOTONIC ns of the last housekeeping turn
  std::atomic<std::uint32_t> pid{0};
};

struct alignas(kPageBytes) RegionHeader {
  // These three keep their places in every build, so that builds recognise each other's regions.
  std::array<char, 8> magic{};  ///< kRegionMagic
  std::uint64_t layout_hash = 0;
  std::atomic<std::uint32_t> ready{0};  ///< stored last, release
  ProcessStatus dataplane;
  ProcessStatus controlplane;
};

struct alignas(kPageBytes) TableSection {
  PublishedTable<RouteTable> routes;
  PublishedTable<PolicyTable> policy;
};

/// What the dataplane says of itself as a whole. Written by its main lcore.
struct alignas(kCacheLine) DataplaneStatus {
  std::atomic<std::uint32_t> worker_count{0};
  std::atomic<std::uint32_t> headless{0};        ///< 1: no control plane holds its role
  std::atomic<std::uint64_t> headless_since{0};  ///< CLOCK_MONOTONIC ns; valid while headless
  std::atomic<std::uint64_t> resyncs{0};         ///< completed (kResyncEnd applied)
  std::atomic<std::uint64_t> tsc_hz{0};
  std::atomic<std::uint64_t> links{0};            ///< in the link table now
  std::atomic<std::uint64_t> signers{0};          ///< in the signer table now
  std::atomic<std::uint64_t> commands{0};         ///< applied since start
  std::atomic<std::uint64_t> command_errors{0};   ///< refused: no room, bad key, bad slot
  std::atomic<std::uint64_t> capture_packets{0};  ///< written by the running or last capture
  std::atomic<std::uint32_t> capturing{0};
  // Tables of known signers.
  std::atomic<std::uint64_t> table_bytes{0};  ///< the bound; 0: the kernel or the node has none
  std::atomic<std::uint64_t> table_bytes_used{0};  ///< in use, being built, waiting for readers
  std::atomic<std::uint64_t> tables{0};            ///< that checks find
  std::atomic<std::uint64_t> table_builds{0};      ///< completed since start
  std::atomic<std::uint64_t> table_evictions{0};   ///< for the sake of other signers
  std::atomic<std::uint64_t> table_builds_abandoned{0};  ///< because the signer was removed
  std::atomic<std::uint32_t> table_huge_pages{0};        ///< 1: the tables lie in huge pages
  std::array<char, 32> kernel{};                         ///< verify kernel in use
  std::array<char, 16> poll{};
};

struct alignas(kPageBytes) DataplaneSection {
  DataplaneStatus status;
  std::array<LcoreProgress, kMaxLcores> routes_progress{};
  std::array<LcoreProgress, kMaxLcores> policy_progress{};
  std::array<LcoreCounters, kMaxLcores> counters{};
  std::array<LinkStatus, kMaxLinks> links{};
  std::array<TraceRing, kMaxLcores> traces{};
};

inline constexpr std::size_t kCommandRing = 4096;
inline constexpr std::size_t kPacketRing = 512;
inline constexpr std::size_t kHandshakeRing = 256;
inline constexpr std::size_t kEventRing = 1024;

using CommandRing = SpscRing<Command, kCommandRing>;
using PacketRing = SpscRing<PacketRecord, kPacketRing>;
using HandshakeRing = SpscRing<PacketRecord, kHandshakeRing>;
using EventRing = SpscRing<Event, kEventRing>;

struct LcoreRings {
  PacketRing urgent;        ///< up: liveness and topology deliveries, unknown signers
  PacketRing bulk;          ///< up: other deliveries, messages to be answered with an error
  HandshakeRing handshake;  ///< up: so that a flood of ClientHellos displaces no delivery
  PacketRing virtual_out;   ///< up: messages for virtual links this lcore owns
  EventRing events;         ///< up
  /// Down. What names a link goes to the lcore that owns it, slot % worker_count: elsewhere
  /// kDatagram, kRecord and kVirtualIn are dropped as link_down.
  PacketRing injected;
};

struct alignas(kPageBytes) RingSection {
  CommandRing commands;  ///< down, to the main lcore
  std::array<LcoreRings, kMaxLcores> lcores;
};

struct NodeRegion {
  RegionHeader header;
  TableSection tables;
  DataplaneSection dataplane;
  RingSection rings;
};

/// constexpr over sizes, alignments and offsets of everything above, and over the names in
/// drop_reason.def, stage.def and counter.def.
[[nodiscard]] std::uint64_t layout_hash() noexcept;

enum class Role : std::uint8_t { kDataplane, kControlplane, kObserver };

enum class AttachState : std::uint8_t {
  kAttached,
  kAbsent,       ///< no such file, and an observer does not create one
  kNotReady,     ///< another process is still creating it
  kWrongLayout,  ///< made by another build while one of its processes still runs, or no region
  kRoleTaken,    ///< another process already is this node's dataplane or control plane
  kSystemError,  ///< errno in AttachResult
};

class Region;
struct AttachResult {
  AttachState state = AttachState::kSystemError;
  int error = 0;                 ///< errno with kSystemError
  std::uint32_t holder_pid = 0;  ///< with kRoleTaken
  std::unique_ptr<Region> region;
};
[[nodiscard]] const char* attach_state_text(AttachState state) noexcept;

/// A mapping of the region in the right protections for @p role. Unmaps and gives up the role when
/// destroyed. The pages are excluded from core dumps.
class Region {
 public:
  /// Creates the file when absent (not as observer); replaces one of another layout when no process
  /// holds a role on it. A starting dataplane clears its own section (worker count 0, counters 0,
  /// progress offline), discards what is queued to it (commands, injected messages) and then raises
  /// its incarnation: whoever sees a new incarnation must send everything again. A starting control
  /// plane raises its incarnation and leaves its tables as they are. Records that a process put
  /// into its rings before it died stay there for the other.
  ///
  /// Waits up to a second for another process that is attaching at the same moment.
  [[nodiscard]] static AttachResult attach(const std::string& path, Role role);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  /// The region. Writing outside the sections of one's role faults.
  [[nodiscard]] NodeRegion& operator*() const noexcept { return *region_; }
  [[nodiscard]] NodeRegion* operator->() const noexcept { return region_; }
  /// True while a process holds @p role. A system call; not for the packet path.
  [[nodiscard]] bool role_is_held(Role role) const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  Region(std::string path, int fd, NodeRegion* region, Role role) noexcept;
  std::string path_;
  int fd_;
  NodeRegion* region_;
  Role role_;
};

}  // namespace wire::shm
