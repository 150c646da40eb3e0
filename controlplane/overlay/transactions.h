// SPDX-License-Identifier: Apache-2.0
// Requests this node has sent and not yet seen answered (RFC 6940 section 6.2.1; requirements F-01
// to F-10, E-11, E-12).

#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <unordered_map>
#include <vector>

#include "controlplane/overlay/io.h"
#include "controlplane/overlay/node_counters.h"
#include "controlplane/overlay/parsed_message.h"
#include "controlplane/topology/topology_plugin.h"

namespace controlplane::overlay {

/// Sends of one request, the first included (F-03).
inline constexpr std::uint32_t kMaxSends = 5;

struct TransactionLimits {
  std::uint64_t timer_ns = 3000 * kMillisecond;  ///< between sends, constant (F-01, F-03)
  std::size_t open = 65536;                      ///< at the same time; more are refused
};

class Transactions {
 public:
  /// Both references outlive this object.
  Transactions(const TransactionLimits& limits, const topology::TopologyPlugin& topology,
               NodeCounters& counters);

  [[nodiscard]] bool has_room() const noexcept { return open_.size() < limits_.open; }
  [[nodiscard]] bool is_open(wire::reload::TransactionId id) const;
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }
  [[nodiscard]] const TransactionLimits& limits() const noexcept { return limits_; }

  /// Sends @p message for the first time and remembers it.
  /// @pre has_room(), !is_open(id), and request.destination_list passed check_destination_list
  void start(const Now& now, const Request& request, wire::reload::TransactionId id,
             wire::reload::Bytes message, Outputs& out);

  /// An attributed response. It ends its transaction when code and signer may answer it; otherwise
  /// it is counted and ignored, so that retransmission runs on.
  void match(const Now& now, const ParsedMessage& response, const wire::reload::NodeId& signer,
             Outputs& out);

  /// Sends again what is due and fails what has lived its time.
  void expire(const Now& now, Outputs& out);
  /// When expire() has something to do next; kNever with nothing open.
  [[nodiscard]] std::uint64_t next_deadline() const noexcept;

  void cancel(const Cancel& tickets);

 private:
  struct Open {
    std::uint64_t ticket = 0;
    std::uint64_t first_send_ns = 0;
    std::uint64_t give_up_ns = 0;
    std::uint64_t due_ns = 0;
    std::uint32_t sends = 0;
    std::uint16_t code = 0;
    std::uint16_t on_link = wire::shm::kNoLink;
    wire::reload::Bytes message;
    wire::reload::Bytes target;  // last entry of the Destination List
  };
  struct Due {
    std::uint64_t ns;
    std::uint64_t transaction;
    bool operator>(const Due& other) const noexcept { return ns > other.ns; }
  };

  void send(const Now& now, std::uint64_t id, Open& open, Outputs& out);
  /// Takes what is due for nobody from the top of due_, so that no Tick comes for it.
  void drop_settled();
  [[nodiscard]] bool may_answer(const Open& open, const ParsedMessage& response,
                                const wire::reload::NodeId& signer) const;

  TransactionLimits limits_;
  const topology::TopologyPlugin& topology_;
  NodeCounters& counters_;
  std::unordered_map<std::uint64_t, Open> open_;
  // May name transactions that have ended or moved their deadline, but not at the top.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

/// Errors that a node on the path sends in its own name, so that their signer need not be the
/// destination: RFC 6940 sections 6.3.2 and 6.3.2.3, RFC 7851 section 9.4.
[[nodiscard]] bool is_error_of_forwarders(std::uint16_t error_code) noexcept;

}  // namespace controlplane::overlay
