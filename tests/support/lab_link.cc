// SPDX-License-Identifier: Apache-2.0

#include "tests/support/lab_link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "config/node_config.h"

namespace tests::support {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress to_socket_address(const std::string& text) {
  const auto endpoint = config::parse_endpoint(text);
  if (!endpoint) throw std::runtime_error(text + ": not an address with a port");
  SocketAddress address;
  if (endpoint->family == 4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(endpoint->port);
    std::memcpy(&in->sin_addr, &endpoint->address[12], 4);
    address.length = sizeof(sockaddr_in);
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(endpoint->port);
    std::memcpy(&in6->sin6_addr, endpoint->address.data(), 16);
    address.length = sizeof(sockaddr_in6);
  }
  return address;
}

}  // namespace

LabLink::LabLink(const std::string& local, const std::string& remote) {
  const SocketAddress from = to_socket_address(local);
  const SocketAddress to = to_socket_address(remote);
  const int buffer_bytes = 16 << 20;
  socket_ = socket(from.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (socket_ < 0 ||
      bind(socket_, reinterpret_cast<const sockaddr*>(&from.storage), from.length) != 0 ||
      connect(socket_, reinterpret_cast<const sockaddr*>(&to.storage), to.length) != 0) {
    throw std::runtime_error(local + " to " + remote + ": " + std::strerror(errno));
  }
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
  setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
}

LabLink::~LabLink() { close(socket_); }

void LabLink::send_datagram(std::span<const std::byte> datagram) {
  // An ICMP error for an earlier datagram is reported once by the next call: try again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (send(socket_, datagram.data(), datagram.size(), 0) >= 0) return;
    if (errno == EAGAIN) {
      pollfd writable{socket_, POLLOUT, 0};
      poll(&writable, 1, 10);
    }
  }
  ++counts_.send_errors;
}

void LabLink::send_message(std::span<const std::byte> message) {
  wire::reload::Bytes frame(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(next_sequence_, static_cast<std::uint32_t>(message.size()),
                                        frame);
  frame.insert(frame.end(), message.begin(), message.end());
  unacked_[next_sequence_++] = Clock::now();
  ++counts_.frames_sent;
  send_datagram(frame);
}

void LabLink::take(std::span<const std::byte> datagram, const Receiver& receiver) {
  wire::reload::Frame frame;
  if (!wire::reload::parse_frame(datagram, frame).ok()) {
    ++counts_.malformed;
    return;
  }
  if (frame.is_ack) {
    const auto sent = unacked_.find(frame.sequence);
    if (sent == unacked_.end()) {
      if (frame.sequence >= next_sequence_) ++counts_.unknown_acks;
      return;
    }
    const std::chrono::duration<double, std::milli> waited = Clock::now() - sent->second;
    ack_times_ms_.push_back(waited.count());
    unacked_.erase(sent);
    ++counts_.frames_acked;
    return;
  }
  const std::uint32_t received = window_.note(frame.sequence);
  if (acking_) {
    std::array<std::byte, wire::reload::kAckFrameBytes> ack{};
    wire::reload::write_ack_frame(frame.sequence, received, ack);
    send_datagram(ack);
  }
  ++counts_.messages_received;
  receiver(frame.message);
}

void LabLink::receive(Clock::time_point until, const Receiver& receiver) {
  const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(until - Clock::now());
  const timespec timeout{wait.count() > 0 ? wait.count() / 1000000000 : 0,
                         wait.count() > 0 ? wait.count() % 1000000000 : 0};
  pollfd readable{socket_, POLLIN, 0};
  if (ppoll(&readable, 1, &timeout, nullptr) <= 0) return;
  std::array<std::byte, 65536> datagram;
  for (;;) {
    const ssize_t length = recv(socket_, datagram.data(), datagram.size(), 0);
    if (length < 0 && errno == ECONNREFUSED) continue;
    if (length < 0) return;
    take({datagram.data(), static_cast<std::size_t>(length)}, receiver);
  }
}

}  // namespace tests::support
