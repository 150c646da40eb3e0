// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/socket_neighbors.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace bench::baseline {

using namespace wire::reload;

std::optional<NeighborEnd> connect_neighbor(SocketForwarder& forwarder, const NodeId& peer, Io io,
                                            Records records) {
  std::unique_ptr<UdpSocket> near = UdpSocket::open(io), far = UdpSocket::open(io);
  if (near == nullptr || far == nullptr || !UdpSocket::connect(*near, *far)) return std::nullopt;
  std::unique_ptr<DtlsEnd> server, client;
  if (records == Records::kDtls) {
    const std::unique_ptr<DtlsIdentity> ours = DtlsIdentity::make(), theirs = DtlsIdentity::make();
    if (ours == nullptr || theirs == nullptr) return std::nullopt;
    server = DtlsEnd::create(DtlsEnd::Role::kServer, *ours, *theirs);
    client = DtlsEnd::create(DtlsEnd::Role::kClient, *theirs, *ours);
    if (server == nullptr || client == nullptr || !DtlsEnd::connect(*client, *server)) {
      return std::nullopt;
    }
  }
  forwarder.add_link(peer, std::move(near), std::move(server));
  return NeighborEnd{std::move(far), std::move(client)};
}

std::optional<SocketNode> SocketNode::create(const SocketForwarder::Setting& setting,
                                             const Wiring& wiring, std::vector<Bytes> messages) {
  SocketNode made;
  made.forwarder = std::make_unique<SocketForwarder>(setting);
  const auto connect = [&](const NodeId& peer) {
    return connect_neighbor(*made.forwarder, peer, wiring.io, wiring.records);
  };
  std::optional<NeighborEnd> sender = connect(wiring.sender), taker = connect(wiring.taker);
  if (!sender || !taker) return std::nullopt;
  made.neighbors =
      std::make_unique<SocketNeighbors>(std::move(*sender), std::move(*taker), std::move(messages));
  return made;
}

SocketNeighbors::SocketNeighbors(NeighborEnd sender, NeighborEnd taker, std::vector<Bytes> messages)
    : sender_(std::move(sender)), taker_(std::move(taker)), messages_(std::move(messages)) {}

void SocketNeighbors::push(NeighborEnd& end, std::span<const std::byte> frame) {
  if (end.dtls != nullptr) {
    end.socket->push(end.dtls->seal(frame, end.socket->room()));
  } else {
    std::ranges::copy(frame, end.socket->room().begin());
    end.socket->push(frame.size());
  }
}

bool SocketNeighbors::read(NeighborEnd& end, std::span<const std::byte> datagram, Frame& frame) {
  if (end.dtls == nullptr) return parse_frame(datagram, frame).ok();
  const std::size_t bytes = end.dtls->open(datagram, frame_);
  return parse_frame(std::span(frame_).first(bytes), frame).ok();
}

void SocketNeighbors::send(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const Bytes& message = messages_[sequence_ % messages_.size()];
    write_data_frame_header(++sequence_, static_cast<std::uint32_t>(message.size()), frame_);
    std::ranges::copy(message, frame_.begin() + kDataFrameOverhead);
    push(sender_, std::span(frame_).first(kDataFrameOverhead + message.size()));
  }
  sender_.socket->flush();
}

unsigned SocketNeighbors::acknowledge() {
  Frame frame;
  unsigned messages = 0;
  // Until nothing is left: a batch may be shorter than what has come.
  for (auto came = sender_.socket->receive(); !came.empty(); came = sender_.socket->receive()) {
    for (const std::span<const std::byte> datagram : came) {
      acked_ += read(sender_, datagram, frame) && frame.is_ack ? 1 : 0;
    }
  }
  for (auto came = taker_.socket->receive(); !came.empty(); came = taker_.socket->receive()) {
    for (const std::span<const std::byte> datagram : came) {
      if (!read(taker_, datagram, frame) || frame.is_ack) continue;
      std::array<std::byte, kAckFrameBytes> ack;
      write_ack_frame(frame.sequence, received_.note(frame.sequence), ack);
      push(taker_, ack);
      ++messages;
    }
  }
  taker_.socket->flush();
  arrived_ += messages;
  return messages;
}

void SocketNeighbors::wait(int most_ms) const {
  std::array<pollfd, 2> sockets{
      {{sender_.socket->descriptor(), POLLIN, 0}, {taker_.socket->descriptor(), POLLIN, 0}}};
  (void)::poll(sockets.data(), sockets.size(), most_ms);
}

}  // namespace bench::baseline
