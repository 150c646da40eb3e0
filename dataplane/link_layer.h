// SPDX-License-Identifier: Apache-2.0
// What one worker keeps for the links it owns: receiver memory, sender, queues, headers, messages
// in flight. No other worker touches it.

#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/burst.h"
#include "dataplane/doors.h"
#include "dataplane/early_records.h"
#include "dataplane/evidence.h"
#include "dataplane/hand_off.h"
#include "dataplane/handshake_intake.h"
#include "dataplane/keyed_tables.h"
#include "dataplane/link_runtime.h"
#include "dataplane/neighbors.h"
#include "dataplane/port_table.h"
#include "dataplane/secure_link.h"
#include "dataplane/transmit_queues.h"
#include "wire/shm/policy_table.h"
#include "wire/shm/region.h"

namespace dataplane {

/// What a link layer works with. All of it outlives the link layer.
struct LinkSurroundings {
  std::uint32_t worker = 0;
  std::uint32_t workers = 1;
  std::uint32_t max_links = 0;
  std::uint64_t tsc_hz = 0;
  const LinkTable& table;
  const PortTable& ports;
  const NeighborTable& neighbors;
  HandOff& hand_off;
  TransmitQueues& transmit;
  Doors& doors;
  rte_mempool& pool;  ///< of this worker, for acks and copies; private area for a PacketContext
  std::span<wire::shm::LinkStatus> status;  ///< DataplaneSection::links
  wire::shm::LcoreRings& rings;             ///< of this worker
  wire::shm::LcoreCounters& counters;       ///< of this worker
  crypto::LinkCipher* cipher = nullptr;     ///< of this worker; secure links need it
};

class LinkLayer {
 public:
  /// Messages of one link that wait for its next hop's MAC address.
  static constexpr std::uint32_t kResolvingLimit = 16;

  /// nullptr: out of memory. Reserves address space for all links; memory is taken as they come.
  static std::unique_ptr<LinkLayer> create(const LinkSurroundings& surroundings);
  ~LinkLayer();  ///< frees what still waits or is in flight
  LinkLayer(const LinkLayer&) = delete;
  LinkLayer& operator=(const LinkLayer&) = delete;

  [[nodiscard]] const LinkSurroundings& around() const noexcept { return around_; }
  /// The state of a link this worker owns, reset when the slot has another association by now.
  /// @pre entry.owner == around().worker
  [[nodiscard]] LinkRuntime& open(const LinkEntry& entry) noexcept {
    LinkRuntime& link = at(entry.record.slot);
    if (link.revision != entry.revision) [[unlikely]]
      follow(link, entry);
    return link;
  }
  [[nodiscard]] wire::shm::LinkStatus& status(const LinkRuntime& link) const noexcept {
    return around_.status[link.slot];
  }
  [[nodiscard]] std::uint64_t us_of(std::uint64_t tsc) noexcept {
    if (tsc != converted_tsc_) {  // all packets of a turn ask for the same
      converted_tsc_ = tsc;
      converted_us_ = static_cast<std::uint64_t>(static_cast<double>(tsc) * us_per_tsc_);
    }
    return converted_us_;
  }
  /// link_receive: LinkTable::by_address for a burst, with a memory of recent pairs in front of it,
  /// because neighbours are few and their frames come in rows. Cost: 10 cycles for a pair met
  /// lately.
  void find(std::span<const wire::shm::Endpoint* const> pairs,
            std::span<const LinkEntry*> entries) noexcept;

  /// link_receive: an ack for @p link arrived. False: for a number never sent.
  [[nodiscard]] bool acknowledge(LinkRuntime& link, std::uint32_t sequence, std::uint32_t received,
                                 std::uint64_t now_tsc) noexcept;
  /// link_receive: sends an ack. @p mbuf is fresh from the pool.
  void send_ack(const LinkRuntime& link, std::uint32_t sequence, std::uint32_t received,
                rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept;
  /// link_receive: a datagram of a handshake. True: the control plane has a copy of it.
  [[nodiscard]] bool take_handshake(const LinkRuntime& link, const PacketContext& context,
                                    std::span<const std::byte> datagram,
                                    const wire::shm::PolicyTable& policy, std::uint64_t now_tsc,
                                    wire::shm::DropReason& why) noexcept {
    SecureLink& secure = secure_[link.slot];
    secure.handshake_tsc = now_tsc;
    return handshakes_.from_link(context, datagram, secure.handshakes, policy, now_tsc, why);
  }
  /// link_receive: the same, of an address pair that no link has.
  [[nodiscard]] bool take_handshake_of_stranger(const PacketContext& context,
                                                std::span<const std::byte> frame,
                                                std::span<const std::byte> datagram,
                                                const wire::shm::PolicyTable& policy,
                                                std::uint64_t now_tsc,
                                                wire::shm::DropReason& why) noexcept {
    return handshakes_.from_stranger(context, frame, datagram, policy, now_tsc, why);
  }
  [[nodiscard]] SecureLink& secure(const LinkRuntime& link) noexcept { return secure_[link.slot]; }
  /// link_receive: keeps a datagram until its keys come, at most EarlyRecords::kHoldMs; then it is
  /// dropped, and counted as @p otherwise. False: there is no room; it is still the caller's.
  [[nodiscard]] bool hold_early(rte_mbuf* mbuf, wire::shm::DropReason otherwise,
                                std::uint64_t now_tsc) noexcept {
    context_of(mbuf).early_as = otherwise;
    return early_.hold(mbuf, now_tsc);
  }
  /// link_receive: takes a record that failed authentication to account. @p record is borrowed.
  void note_forgery(const LinkRuntime& link, std::span<const std::byte> record,
                    std::uint64_t now_tsc) noexcept;
  /// link_receive: what stands behind the first record of the datagram in @p mbuf becomes a
  /// datagram of its own. Lost when there is no buffer, as if the network had lost it.
  void split_off(rte_mbuf* mbuf, std::size_t from) noexcept;
  /// Fills @p burst, which must be empty, with datagrams that go to link_receive again. Returns how
  /// many; call until it is 0.
  unsigned take_further(Burst& burst) noexcept;
  /// take_injected: seals the plaintext in @p mbuf under the keys numbered @p association.
  void send_record(LinkRuntime& link, rte_mbuf* mbuf, std::uint8_t content_type,
                   std::uint32_t association) noexcept;
  /// Seals what the turn collected and gives it to the TX queues. Once per turn, before
  /// TransmitQueues::flush().
  void flush_records() noexcept;
  /// take_injected: sends the control plane's datagram in @p mbuf as it is, or lets it wait for the
  /// next hop's MAC address.
  void send_datagram(LinkRuntime& link, rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept;
  /// link_send: gives a message for a virtual link to the control plane.
  void pass_to_stream(LinkRuntime& link, rte_mbuf* mbuf) noexcept;
  /// link_send: takes a message for @p link; sends, queues or drops it.
  void submit(LinkRuntime& link, rte_mbuf* mbuf, const wire::shm::PolicyTable& policy,
              std::uint64_t now_tsc) noexcept;
  /// link_send: serves the links that acknowledge() made ready, and at the end of each turn those
  /// that only wait for pacing.
  void serve_ready(const wire::shm::PolicyTable& policy, std::uint64_t now_tsc) noexcept;

  /// First thing in a turn: follows what became of links and their keys. Cost: one load while
  /// nothing did. Keys that the table let go of are not touched after it.
  void begin_turn(std::uint64_t now_tsc) noexcept {
    now_tsc_ = now_tsc;
    if (around_.table.version() != table_version_) [[unlikely]]
      follow_table();
  }
  /// Timers, ages, status: a slice of the links at each call, all of them in kSlices calls. Call
  /// about every millisecond.
  void housekeep(const wire::shm::PolicyTable& policy, std::uint64_t now_tsc) noexcept;
  static constexpr std::uint32_t kSlices = 8;

  /// Packets in queues, for the ledger's `held`. Extra pieces are not in it.
  [[nodiscard]] std::uint32_t held() const noexcept {
    return held_ + static_cast<std::uint32_t>(early_.size() + further_.size());
  }
  /// Drops everything that waits with @p reason and lets go of all that is in flight.
  void close_all(wire::shm::DropReason reason) noexcept;

 private:
  static constexpr std::size_t kRecent = 32;
  explicit LinkLayer(const LinkSurroundings& surroundings) noexcept;
  [[nodiscard]] LinkRuntime& at(std::uint32_t slot) noexcept { return runtimes_[slot]; }
  void follow(LinkRuntime& link, const LinkEntry& entry) noexcept;
  void reset(LinkRuntime& link, const LinkEntry& entry) noexcept;
  void close(LinkRuntime& link, wire::shm::DropReason reason) noexcept;
  void follow_table() noexcept;
  void publish_identity(const wire::shm::LinkRecord& record) noexcept;
  void publish(const LinkRuntime& link) noexcept;
  void publish_records(const LinkRuntime& link) noexcept;
  void tell(const LinkRuntime& link, wire::shm::EventKind kind, std::uint64_t count,
            std::uint64_t now_tsc) noexcept;
  void make_ready(LinkRuntime& link) noexcept;
  void serve(LinkRuntime& link, const wire::shm::PolicyTable& policy,
             std::uint64_t now_tsc) noexcept;
  void serve_lost(LinkRuntime& link, std::uint64_t now_tsc) noexcept;
  void drop_aged(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                 std::uint64_t now_tsc) noexcept;
  void drop_queued(LinkRuntime& link, wire::shm::DropReason reason) noexcept;
  void enqueue(LinkRuntime& link, rte_mbuf* mbuf, std::uint64_t now_tsc) noexcept;
  [[nodiscard]] rte_mbuf* dequeue(LinkRuntime& link) noexcept;
  void transmit(LinkRuntime& link, rte_mbuf* mbuf, const wire::shm::PolicyTable& policy,
                std::uint64_t now_tsc, std::uint64_t mac) noexcept;
  void release(LinkRuntime& link, std::uint32_t slot) noexcept;
  void serve_datagrams(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                       std::uint64_t now_tsc) noexcept;
  void drop_datagrams(LinkRuntime& link, wire::shm::DropReason reason) noexcept;
  void drop_early(std::uint64_t now_tsc) noexcept;
  // Keys and records of secure links.
  struct Sealing {
    const LinkRuntime* link;
    rte_mbuf* mbuf;
    std::uint32_t number;  // of the association
  };
  void adopt_keys(LinkRuntime& link, const LinkEntry& entry) noexcept;
  void use_keys(LinkRuntime& link, const Association* keys) noexcept;
  [[nodiscard]] static bool is_sealing(const SecureLink& secure) noexcept;
  static void retire(RecordState& state, std::uint32_t& number, SecureLink& secure) noexcept;
  void housekeep_keys(LinkRuntime& link, const wire::shm::PolicyTable& policy,
                      std::uint64_t now_tsc) noexcept;
  void add_record(const LinkRuntime& link, rte_mbuf* mbuf, wire::dtls::ContentType type,
                  RecordState& state, std::uint32_t number) noexcept;
  /// Of a frame in the clear, as data of the link.
  void add_frame(const LinkRuntime& link, rte_mbuf* frame) noexcept {
    SecureLink& mine = secure_[link.slot];
    add_record(link, frame, wire::dtls::ContentType::kApplicationData, mine.current, mine.number);
  }
  void drop_unsealed(const LinkRuntime& link, rte_mbuf* mbuf,
                     wire::shm::DropReason reason) noexcept;
  [[nodiscard]] bool unseal(const LinkRuntime& link, rte_mbuf* mbuf,
                            const RecordState& by) noexcept;
  void unseal_kept(LinkRuntime& link, const SecureLink& secure) noexcept;

  LinkSurroundings around_;
  double us_per_tsc_;
  std::uint64_t now_tsc_ = 0;  // when the turn began
  std::uint64_t converted_tsc_ = 0;
  std::uint64_t converted_us_ = 0;
  std::uint64_t asked_tsc_ = 0;
  std::uint64_t asked_us_ = 0;
  std::uint32_t used_ = 0;           // one more than the highest slot ever opened
  LinkRuntime* runtimes_ = nullptr;  // by slot; memory is taken only for links this worker owns
  SecureLink* secure_ = nullptr;     // likewise
  HandshakeIntake handshakes_;
  EarlyRecords early_;
  MbufQueue further_;  // datagrams for link_receive
  std::unique_ptr<Evidence> forgeries_;
  unsigned sealing_count_ = 0;
  std::array<Sealing, kBurstSize> sealing_;
  std::array<SealJob, kBurstSize> seal_jobs_;  // of sealing_
  std::uint32_t held_ = 0;
  std::uint32_t next_slice_ = 0;
  std::uint64_t table_version_ = 0;
  std::uint64_t recent_version_ = 0;  // of the table; entries of another one may be gone
  std::array<const LinkEntry*, kRecent> recent_{};
  LinkRuntime* first_ready_ = nullptr;
};

}  // namespace dataplane
