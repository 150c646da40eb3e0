// SPDX-License-Identifier: Apache-2.0
// What a CHORD-RELOAD peer is told. The first three come from the configuration document (RFC 6940
// section 11.1); the rest is this implementation's own, with its reason.

#pragma once

#include <cstddef>
#include <cstdint>

namespace controlplane::topology::chord {

inline constexpr std::uint64_t kSecond = 1'000'000'000;

struct Settings {
  /// A client (RFC 6940 section 4.2.1): attached to the peer that is responsible for its Node-ID,
  /// responsible for nothing itself and routed through by nobody.
  bool is_client = false;
  /// chord-update-interval: everybody routed through gets an Update once in this time (I-54).
  std::uint64_t update_interval_ns = 600 * kSecond;
  /// chord-ping-interval: between two searches for a finger (I-56).
  std::uint64_t ping_interval_ns = 3600 * kSecond;
  /// chord-reactive: a change of the Neighbor Table is told at once (I-63).
  bool reactive = true;

  /// The nearest peer on either side gets a Ping once in this time. Only what is sent over a link
  /// shows that it is dead, and messages for the range of a dead peer come to its successor, which
  /// sends nothing to it by itself: without this, a quiet ring learns of a death from an Update,
  /// after minutes. Two messages and two answers a peer; 0: never.
  std::uint64_t liveness_ns = 10 * kSecond;
  /// CHORD-SELF-TUNING (RFC 7363): recovery is periodic, and how often, as well as how large the
  /// tables are, follows from estimates of the ring's size and churn. Alike on all peers.
  bool self_tuning = false;
  std::size_t peers_to_probe = 4;                   ///< number-of-peers-to-probe (N1-13)
  std::uint64_t least_interval_ns = 15 * kSecond;   ///< of stabilization (N1-15)
  std::uint64_t most_interval_ns = 3600 * kSecond;  ///< the RFC has no limit upwards
  /// Needed links over which nothing came for this long are pinged: twice ICE's Tr (N1-11).
  std::uint64_t silence_ns = 30 * kSecond;

  /// Neighbours on each side (I-38). With three, a third of the peers can fail at once and fewer
  /// than one in thirty loses a whole side; what remains is found by the peers beyond.
  std::size_t neighbors_per_side = 3;
  /// Changes of the Neighbor Table that come within this time are told in one Update: a burst of
  /// joins changes a table many times a second.
  std::uint64_t gather_ns = kSecond / 10;
  /// A peer we attached to, or admitted, is taken to be one without having sent an Update for this
  /// long. The lifetime of a request at the default reliability timer.
  std::uint64_t contact_ns = 15 * kSecond;
  /// A peer that failed is not attached to for this long just because others still name it: they
  /// need time to find out.
  std::uint64_t avoid_ns = 30 * kSecond;
  /// The RFC's successor replacement hold-down time (I-43).
  std::uint64_t hold_down_ns = 30 * kSecond;
  /// A failed link may come back for this long before it is closed.
  std::uint64_t failed_link_ns = 60 * kSecond;
  /// A link that neither end needs is closed after this many update intervals without a sign that
  /// the other end does: its Updates come once an interval, give or take a half.
  std::uint64_t idle_intervals = 2;
  /// Above this many links, those that are not needed go at once, longest unused first.
  std::size_t comfortable_links = 128;
  /// A join that got nowhere begins again after a second, twice as long each time, up to this.
  std::uint64_t join_backoff_ns = 60 * kSecond;
  /// Longest that one step of joining may take before the join begins again: an Attach with its
  /// retransmissions and the handshake behind it.
  std::uint64_t join_step_ns = 60 * kSecond;
  /// Leaving waits for answers this long.
  std::uint64_t leave_ns = 15 * kSecond;
  /// Links stay so much longer than the last of these answers took, for messages that were sent
  /// through us before.
  std::uint64_t leave_linger_ns = kSecond;
  /// Between two looks for another partition (I-61) when nothing points to one. Each costs a
  /// bootstrap node a handshake, so it is rare.
  std::uint64_t partition_check_ns = 3600 * kSecond;
  /// The same after a quarter of the links, or all fingers (I-46), were lost within an update
  /// interval: first after this, then twice as long each time until it is rare again.
  std::uint64_t partition_alarm_ns = 60 * kSecond;
};

}  // namespace controlplane::topology::chord
