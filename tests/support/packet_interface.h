// SPDX-License-Identifier: Apache-2.0
// What programs on the path share: a network interface whose frames they take and give, the signals
// that end them, and their counts as JSON. AF_PACKET, so CAP_NET_RAW; one thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace tests::support {

/// One end of a veth, promiscuous, without the frames that leave through it. Closes its socket.
class PacketInterface {
 public:
  explicit PacketInterface(std::string name) : name_(std::move(name)) {}
  ~PacketInterface();
  PacketInterface(PacketInterface&& other) noexcept;
  PacketInterface& operator=(PacketInterface&&) = delete;

  /// False, with a line on stderr, when there is no such interface or no permission.
  [[nodiscard]] bool open();
  /// Non-blocking; for poll() and recv().
  [[nodiscard]] int socket() const noexcept { return socket_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Sends a frame, waiting while the socket's buffer is full. False: the kernel refused it.
  [[nodiscard]] bool send(std::span<const std::byte> frame) const;
  /// Frames the kernel dropped since the last call because nobody read them in time.
  [[nodiscard]] std::uint64_t take_drops() const;

 private:
  std::string name_;
  int socket_ = -1;
};

/// Blocks SIGTERM, SIGINT and SIGUSR1 and gives a descriptor that becomes readable with them.
[[nodiscard]] int open_signals();

enum class Asked : std::uint8_t { kNothing, kCounts, kEnd };
/// What the signals that came ask for.
[[nodiscard]] Asked read_signals(int descriptor);

/// Written aside and renamed, so a reader never meets half a file.
void write_counts(const std::string& path, const nlohmann::json& counts);

}  // namespace tests::support
