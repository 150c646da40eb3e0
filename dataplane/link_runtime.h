// SPDX-License-Identifier: Apache-2.0
// The state of one link, sender and receiver, on the worker that owns it.

#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "dataplane/link_headers.h"
#include "dataplane/mbuf_queue.h"
#include "dataplane/neighbors.h"
#include "dataplane/sr_sender.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_contents.h"

namespace dataplane {

struct alignas(wire::shm::kCacheLine) LinkRuntime {
  std::uint64_t version = 0;           ///< LinkEntry::version this state belongs to; 0: closed
  std::uint64_t revision = 0;          ///< LinkEntry::revision likewise
  const Neighbor* hop = nullptr;       ///< null: no next hop on the port
  const Neighbor* neighbor = nullptr;  ///< hop, while messages may be sent; else null
  LinkRuntime* next_ready = nullptr;
  std::uint32_t queued = 0;  ///< in all queues
  std::uint16_t slot = 0;
  std::uint16_t port = 0;
  std::uint8_t generation = 0;
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kLab;
  bool is_ready = false;        ///< in the list of links to serve at the end of the turn
  bool shares_buffers = false;  ///< Port::tx_shares_buffers
  wire::reload::AckWindow receiver;
  std::array<MbufQueue, wire::reload::kTrafficClassCount> queues;
  LinkHeaders headers;
  SrSender sender;
  /// Messages in flight that may have to be sent again, by SrSender::slot_of: one reference each,
  /// data from the Ethernet header on; on a secure link see PacketContext::sealed_by. nullptr also
  /// when the keys of one are gone.
  std::array<rte_mbuf*, SrSender::kWindow> kept{};

  /// Where messages go; 0: nowhere yet.
  [[nodiscard]] std::uint64_t mac() const noexcept {
    return neighbor != nullptr ? neighbor->mac() : 0;
  }
  [[nodiscard]] std::uint64_t hop_mac() const noexcept { return hop != nullptr ? hop->mac() : 0; }
};
static_assert(sizeof(LinkRuntime) <= 8192, "design section 9: at most 8 KiB per link");

/// The order in which classes are served.
inline constexpr std::array kServingOrder = {
    wire::reload::TrafficClass::kLiveness, wire::reload::TrafficClass::kTopology,
    wire::reload::TrafficClass::kMedia, wire::reload::TrafficClass::kBulk};

/// Waiting messages of one link and class, by TrafficClass. Beyond it new ones are dropped.
inline constexpr std::array<std::uint32_t, wire::reload::kTrafficClassCount> kQueueLimit = [] {
  std::array<std::uint32_t, wire::reload::kTrafficClassCount> limit{};
  limit[static_cast<std::size_t>(wire::reload::TrafficClass::kLiveness)] = 256;
  limit[static_cast<std::size_t>(wire::reload::TrafficClass::kTopology)] = 256;
  limit[static_cast<std::size_t>(wire::reload::TrafficClass::kMedia)] = 256;
  limit[static_cast<std::size_t>(wire::reload::TrafficClass::kBulk)] = 1024;
  return limit;
}();

}  // namespace dataplane
