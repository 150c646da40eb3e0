// SPDX-License-Identifier: Apache-2.0
// A connected UDP socket of the kernel, read and written in batches.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace bench::baseline {

/// How datagrams cross the kernel.
enum class Io : std::uint8_t {
  kEach,    ///< recvmmsg and sendmmsg: a batch in one system call, each datagram by itself below
  kTrains,  ///< and UDP_SEGMENT, UDP_GRO: datagrams of one size go through the stack as one
};

/// IPv4, on 127.0.0.1. Used by one thread; never waits.
class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 64;  ///< datagrams of a system call
  static constexpr std::size_t kMaxDatagram = 2048;

  /// nullptr when the system refuses.
  [[nodiscard]] static std::unique_ptr<UdpSocket> open(Io io);
  /// Each sends to the other from now on, and takes nothing from anybody else.
  [[nodiscard]] static bool connect(UdpSocket& a, UdpSocket& b);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// What has come, at most about kBatch datagrams. Valid until the next call.
  [[nodiscard]] std::span<const std::span<const std::byte>> receive();
  /// Where the next datagram to send is written; push() then says how long it is, and sends the
  /// batch when it is full.
  [[nodiscard]] std::span<std::byte> room() noexcept { return outgoing_[queued_]; }
  void push(std::size_t bytes);
  /// Sends what was pushed. What the kernel does not take is lost, and counted.
  void flush();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  /// With trains a datagram may come in as part of a buffer of up to 64 kB.
  static constexpr std::size_t kTrainBytes = 65535;
  static constexpr std::size_t kTrains = 4;
  static constexpr std::size_t kMaxTrainPayload = 65000;
  /// For one control message with an int, which is all UDP_GRO and UDP_SEGMENT need.
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
  };

  UdpSocket(Io io, int descriptor);
  unsigned queue_each() noexcept;
  unsigned queue_trains() noexcept;

  Io io_;
  int descriptor_;
  std::size_t in_buffers_, in_buffer_bytes_;
  std::vector<std::byte> in_memory_;
  std::vector<iovec> in_vectors_;
  std::vector<Control> in_control_;
  std::vector<mmsghdr> in_headers_;
  std::vector<std::span<const std::byte>> arrived_;

  std::vector<std::array<std::byte, kMaxDatagram>> outgoing_;
  std::array<iovec, kBatch> out_vectors_;
  std::array<Control, kBatch> out_control_;
  std::array<mmsghdr, kBatch> out_headers_;
  std::size_t queued_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace bench::baseline
