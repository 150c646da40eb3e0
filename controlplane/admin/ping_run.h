// SPDX-License-Identifier: Apache-2.0
// One `hopsealctl ping`: sends Pings at a pace and writes a JSON line per result.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "controlplane/admin/http_server.h"
#include "controlplane/admin/latency_histogram.h"
#include "controlplane/overlay/io.h"

namespace controlplane::admin {

struct PingOptions {
  wire::reload::Bytes destination_list;
  std::size_t identity = 0;
  std::uint64_t count = 4;
  std::uint64_t interval_ns = 1000 * overlay::kMillisecond;
  std::size_t padding = 0;
  std::uint64_t lifetime_ns = 0;  ///< per request; 0: five reliability timers
  bool quiet = false;             ///< the summary only
};

/// Starts a request; its result comes back under the ticket.
using Submit = std::function<void(overlay::Request)>;

class PingRun {
 public:
  static constexpr std::uint64_t kMaxCount = 10'000'000;
  static constexpr std::uint64_t kMinIntervalNs = 100'000;  ///< 10 000 requests a second
  /// A pause longer than this is not made up for by a burst.
  static constexpr std::uint64_t kMaxPerTurn = 64;
  /// A client that reads slower than this lets results pile up pauses the run.
  static constexpr std::size_t kMaxPendingBytes = 1 << 20;

  /// @param first_ticket  this run uses tickets from here on, one per request
  PingRun(PingOptions options, std::uint64_t first_ticket, std::shared_ptr<LineStream> stream);

  /// Sends what is due. True while the run goes on.
  [[nodiscard]] bool turn(const overlay::Now& now, const Submit& submit);
  /// When turn() has something to send next; kNever when all is sent.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept;
  void take(const overlay::RequestResult& result);

  [[nodiscard]] std::uint64_t first_ticket() const noexcept { return first_ticket_; }
  /// One behind the last ticket this run may use.
  [[nodiscard]] std::uint64_t end_ticket() const noexcept { return first_ticket_ + options_.count; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t open() const noexcept { return sent_ - ended_; }

 private:
  void write_summary();

  PingOptions options_;
  wire::reload::Bytes body_;
  std::uint64_t first_ticket_;
  std::shared_ptr<LineStream> stream_;
  std::uint64_t next_ns_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;  // errors and refusals
  std::uint64_t timeouts_ = 0;
  LatencyHistogram rtt_us_;
};

}  // namespace controlplane::admin
