// SPDX-License-Identifier: Apache-2.0
// One end of a lab link over a kernel UDP socket: framing and acks, as seen from a neighbour that
// uses none of the dataplane's code. It acks what it gets, remembers which of its own frames were
// acked and when, and never retransmits: what is lost shows.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"

namespace tests::support {

using Clock = std::chrono::steady_clock;

class LabLink {
 public:
  struct Counts {
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_acked = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t unknown_acks = 0;  ///< for sequence numbers never sent
    std::uint64_t malformed = 0;     ///< datagrams that are no frame
    std::uint64_t send_errors = 0;
  };

  /// Binds and connects. Endpoints as "10.0.1.1:6084" or "[fd00::1]:6084". Throws on failure.
  LabLink(const std::string& local, const std::string& remote);
  ~LabLink();
  LabLink(const LabLink&) = delete;
  LabLink& operator=(const LabLink&) = delete;

  void send_message(std::span<const std::byte> message);
  void send_datagram(std::span<const std::byte> datagram);  ///< as it is, without framing

  using Receiver = std::function<void(std::span<const std::byte> message)>;
  /// Waits until @p until at the latest, then takes everything that has come: acks it and gives
  /// each message to @p receiver.
  void receive(Clock::time_point until, const Receiver& receiver);

  void stop_acking() noexcept { acking_ = false; }
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const std::vector<double>& ack_times_ms() const noexcept { return ack_times_ms_; }

 private:
  void take(std::span<const std::byte> datagram, const Receiver& receiver);

  int socket_ = -1;
  bool acking_ = true;
  std::uint32_t next_sequence_ = 0;
  wire::reload::AckWindow window_;
  std::unordered_map<std::uint32_t, Clock::time_point> unacked_;
  std::vector<double> ack_times_ms_;
  Counts counts_;
};

}  // namespace tests::support
