// SPDX-License-Identifier: Apache-2.0
#include <boost/version.hpp>
#include <cstddef>
#include <string_view>

#include "wire/shm/region.h"

namespace wire::shm {
namespace {

/// FNV-1a, 64 bits.
class Hash {
 public:
  constexpr Hash& number(std::uint64_t value) noexcept {
    for (unsigned shift = 0; shift < 64; shift += 8)
      byte(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  constexpr Hash& text(std::string_view value) noexcept {
    for (const char c : value) byte(static_cast<std::uint8_t>(c));
    byte(0);  // so that two names do not run into one
    return *this;
  }
  template <class T>
  constexpr Hash& type(const char* name) noexcept {
    return text(name).number(sizeof(T)).number(alignof(T));
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  constexpr void byte(std::uint8_t value) noexcept {
    value_ = (value_ ^ value) * 0x00000100000001b3U;
  }
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

#define TYPE(T) hash.type<T>(#T)
#define FIELD(T, member) hash.text(#T "." #member).number(offsetof(T, member))

// Sections and rings are hashed by size and alignment: they are not standard layout (Boost), and
// nothing but the size of what stands before them moves them.
constexpr void add_sections(Hash& hash) noexcept {
  TYPE(NodeRegion);
  TYPE(RegionHeader);
  TYPE(ProcessStatus);
  TYPE(TableSection);
  TYPE(DataplaneSection);
  TYPE(RingSection);
  TYPE(LcoreRings);
  TYPE(CommandRing);
  TYPE(PacketRing);
  TYPE(HandshakeRing);
  TYPE(EventRing);
  TYPE(LcoreProgress);
  TYPE(TraceRing);
  TYPE(LcoreCounters);
  TYPE(VerifyPathCounters);
  TYPE(LinkStatus);
  TYPE(DataplaneStatus);
  FIELD(RegionHeader, dataplane);
  FIELD(RegionHeader, controlplane);
  FIELD(ProcessStatus, heartbeat);
  FIELD(ProcessStatus, pid);
  FIELD(TableSection, policy);
  FIELD(DataplaneSection, routes_progress);
  FIELD(DataplaneSection, policy_progress);
  FIELD(DataplaneSection, counters);
  FIELD(DataplaneSection, links);
  FIELD(DataplaneSection, traces);
  FIELD(DataplaneStatus, headless);
  FIELD(DataplaneStatus, headless_since);
  FIELD(DataplaneStatus, resyncs);
  FIELD(DataplaneStatus, tsc_hz);
  FIELD(DataplaneStatus, links);
  FIELD(DataplaneStatus, signers);
  FIELD(DataplaneStatus, commands);
  FIELD(DataplaneStatus, command_errors);
  FIELD(DataplaneStatus, capture_packets);
  FIELD(DataplaneStatus, capturing);
  FIELD(DataplaneStatus, table_bytes);
  FIELD(DataplaneStatus, table_bytes_used);
  FIELD(DataplaneStatus, tables);
  FIELD(DataplaneStatus, table_builds);
  FIELD(DataplaneStatus, table_evictions);
  FIELD(DataplaneStatus, table_builds_abandoned);
  FIELD(DataplaneStatus, table_huge_pages);
  FIELD(DataplaneStatus, kernel);
  FIELD(DataplaneStatus, poll);
  FIELD(LinkStatus, state);
  FIELD(LinkStatus, owner);
  FIELD(LinkStatus, aead);
  FIELD(LinkStatus, association);
  FIELD(LinkStatus, identity);
  FIELD(LinkStatus, messages_in);
  FIELD(LinkStatus, acks_in);
  FIELD(LinkStatus, duplicates_in);
  FIELD(LinkStatus, queue_drops);
  FIELD(LinkStatus, bad_signatures);
  FIELD(LinkStatus, drops_in);
  FIELD(LinkStatus, srtt_us);
  FIELD(LinkStatus, last_ack_tsc);
  FIELD(LinkStatus, records_in);
  FIELD(LinkStatus, replays);
  FIELD(LinkStatus, bad_records);
  FIELD(LinkStatus, rekeys);
  FIELD(LinkStatus, installed_tsc);
  FIELD(LcoreCounters, drops);
  FIELD(LcoreCounters, stages);
  FIELD(LcoreCounters, verify_batch);
  FIELD(LcoreCounters, verify_paths);
  FIELD(LcoreCounters, lanes_filled);
  FIELD(VerifyPathCounters, cold);
  FIELD(VerifyPathCounters, openssl);
}

constexpr void add_tables(Hash& hash) noexcept {
  TYPE(PublishedTable<RouteTable>);
  TYPE(PublishedTable<PolicyTable>);
  TYPE(RouteTable);
  FIELD(RouteTable, predecessor);
  FIELD(RouteTable, is_peer);
  FIELD(RouteTable, connection_count);
  FIELD(RouteTable, peer_count);
  FIELD(RouteTable, connections);
  FIELD(RouteTable, peers);
  TYPE(RouteEntry);
  FIELD(RouteEntry, link_slot);
  TYPE(PolicyTable);
  FIELD(PolicyTable, configuration_sequence);
  FIELD(PolicyTable, initial_ttl);
  FIELD(PolicyTable, lab_links);
  FIELD(PolicyTable, max_message_size);
  FIELD(PolicyTable, reliability_timer_ms);
  FIELD(PolicyTable, replay_window_ms);
  FIELD(PolicyTable, signer_hold_ms);
  FIELD(PolicyTable, reassembly_timeout_ms);
  FIELD(PolicyTable, queue_age_ms);
  FIELD(PolicyTable, full_via_entries);
  FIELD(PolicyTable, retransmit_transit);
  FIELD(PolicyTable, rekey_records);
  FIELD(PolicyTable, rekey_mib);
  FIELD(PolicyTable, rekey_s);
  FIELD(PolicyTable, handshake_rate);
  FIELD(PolicyTable, unknown_handshake_rate);
  FIELD(PolicyTable, signer_rate);
  FIELD(PolicyTable, classes);
  TYPE(LinkClassPolicy);
  FIELD(LinkClassPolicy, fragments);
  FIELD(LinkClassPolicy, sample_one_in);
  FIELD(LinkClassPolicy, certificates_per_second);
  FIELD(LinkClassPolicy, reassembly_bytes);
  FIELD(LinkClassPolicy, rate);
}

constexpr void add_records(Hash& hash) noexcept {
  TYPE(Command);
  FIELD(Command, link);
  TYPE(Endpoint);
  FIELD(Endpoint, port);
  FIELD(Endpoint, family);
  TYPE(LinkRecord);
  FIELD(LinkRecord, generation);
  FIELD(LinkRecord, protocol);
  FIELD(LinkRecord, link_class);
  FIELD(LinkRecord, barred);
  FIELD(LinkRecord, port);
  FIELD(LinkRecord, mtu);
  FIELD(LinkRecord, local);
  FIELD(LinkRecord, remote);
  FIELD(LinkRecord, peer);
  TYPE(DirectionKeys);
  FIELD(DirectionKeys, iv);
  TYPE(AssociationRecord);
  FIELD(AssociationRecord, generation);
  FIELD(AssociationRecord, aead);
  FIELD(AssociationRecord, association);
  FIELD(AssociationRecord, write_sequence);
  FIELD(AssociationRecord, write);
  FIELD(AssociationRecord, read);
  TYPE(AssociationsOfLink);
  FIELD(AssociationsOfLink, generation);
  TYPE(SignerRecord);
  FIELD(SignerRecord, node_id);
  FIELD(SignerRecord, expires_unix_s);
  FIELD(SignerRecord, algorithm);
  FIELD(SignerRecord, refused);
  FIELD(SignerRecord, public_key_length);
  FIELD(SignerRecord, public_key);
  TYPE(TraceSetting);
  FIELD(TraceSetting, destination);
  TYPE(CaptureSetting);
  FIELD(CaptureSetting, snap_bytes);
  FIELD(CaptureSetting, max_packets);
  FIELD(CaptureSetting, path);
  TYPE(PacketRecord);
  FIELD(PacketRecord, verified);
  FIELD(PacketRecord, reason);
  FIELD(PacketRecord, generation);
  FIELD(PacketRecord, link_slot);
  FIELD(PacketRecord, length);
  FIELD(PacketRecord, port);
  FIELD(PacketRecord, content_type);
  FIELD(PacketRecord, association);
  FIELD(PacketRecord, tsc);
  FIELD(PacketRecord, local);
  FIELD(PacketRecord, remote);
  FIELD(PacketRecord, bytes);
  TYPE(Event);
  FIELD(Event, reason);
  FIELD(Event, link_slot);
  FIELD(Event, generation);
  FIELD(Event, lcore);
  FIELD(Event, sample_length);
  FIELD(Event, count);
  FIELD(Event, transaction_id);
  FIELD(Event, tsc);
  FIELD(Event, sample);
  TYPE(TraceRecord);
  FIELD(TraceRecord, transaction_id);
  FIELD(TraceRecord, destination);
  FIELD(TraceRecord, link_in);
  FIELD(TraceRecord, link_out);
  FIELD(TraceRecord, message_code);
  FIELD(TraceRecord, length);
  FIELD(TraceRecord, outcome);
  FIELD(TraceRecord, reason);
  FIELD(TraceRecord, stage);
  FIELD(TraceRecord, ttl);
  FIELD(TraceRecord, verified);
  FIELD(TraceRecord, lcore);
  FIELD(TraceRecord, cycles);
}

constexpr void add_names(Hash& hash) noexcept {
  for (const DropReasonInfo& reason : kDropReasons) hash.text(reason.name);
  for (const StageInfo& stage : kStages) hash.text(stage.name);
  for (const CounterInfo& counter : kCounters) hash.text(counter.name);
  for (const char* name : kLinkClassNames) hash.text(name);
  for (const char* name : kLinkStateNames) hash.text(name);
  for (const char* name : kLinkProtocolNames) hash.text(name);
  for (const char* name : dtls::kAeadNames) hash.text(name);
}

constexpr std::uint64_t compute() noexcept {
  Hash hash;
  hash.number(kLayoutRevision).number(BOOST_VERSION);
  add_sections(hash);
  add_tables(hash);
  add_records(hash);
  add_names(hash);
  return hash.value();
}

}  // namespace

std::uint64_t layout_hash() noexcept {
  constexpr std::uint64_t kHash = compute();
  return kHash;
}

}  // namespace wire::shm
