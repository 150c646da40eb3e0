// SPDX-License-Identifier: Apache-2.0
// The two neighbours of a SocketForwarder: one sends messages, the other takes them.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "bench/baseline/dtls_end.h"
#include "bench/baseline/socket_forwarder.h"
#include "bench/baseline/udp_socket.h"

namespace bench::baseline {

using Bytes = std::vector<std::byte>;

/// The far end of a link.
struct NeighborEnd {
  std::unique_ptr<UdpSocket> socket;
  std::unique_ptr<DtlsEnd> dtls;  ///< null: frames go in the clear
};
enum class Records : bool { kNone, kDtls };
/// Gives @p forwarder a link to @p peer, handshake and all. The peer's end of it; nothing when the
/// system or OpenSSL fails.
[[nodiscard]] std::optional<NeighborEnd> connect_neighbor(SocketForwarder& forwarder,
                                                          const wire::reload::NodeId& peer, Io io,
                                                          Records records);

/// Used by one thread, which need not be the forwarder's.
class SocketNeighbors {
 public:
  /// @param messages  for link 0, sent by turns; what comes by link 1 is acknowledged
  SocketNeighbors(NeighborEnd sender, NeighborEnd taker, std::vector<Bytes> messages);

  void send(unsigned count);
  /// Takes what has come on both links and acknowledges the messages. How many those were.
  unsigned acknowledge();
  /// Waits until something comes, but no longer than @p most_ms.
  void wait(int most_ms) const;
  [[nodiscard]] std::uint64_t sent() const noexcept { return sequence_; }
  [[nodiscard]] std::uint64_t acked() const noexcept { return acked_; }      ///< by the forwarder
  [[nodiscard]] std::uint64_t arrived() const noexcept { return arrived_; }  ///< by link 1

 private:
  static void push(NeighborEnd& end, std::span<const std::byte> frame);
  /// Reads one datagram. False when there is no frame in it.
  bool read(NeighborEnd& end, std::span<const std::byte> datagram, wire::reload::Frame& frame);

  NeighborEnd sender_, taker_;
  std::vector<Bytes> messages_;
  std::array<std::byte, UdpSocket::kMaxDatagram> frame_;
  wire::reload::AckWindow received_;
  std::uint32_t sequence_ = 0;
  std::uint64_t acked_ = 0, arrived_ = 0;
};

/// A forwarder between its two neighbours. Nobody's keys are known to it yet.
struct SocketNode {
  struct Wiring {
    Io io = Io::kEach;
    Records records = Records::kDtls;
    wire::reload::NodeId sender, taker;  ///< behind link 0 and link 1
  };
  /// Nothing when the system or OpenSSL fails.
  [[nodiscard]] static std::optional<SocketNode> create(const SocketForwarder::Setting& setting,
                                                        const Wiring& wiring,
                                                        std::vector<Bytes> messages);
  std::unique_ptr<SocketForwarder> forwarder;
  std::unique_ptr<SocketNeighbors> neighbors;
};

}  // namespace bench::baseline
