// SPDX-License-Identifier: Apache-2.0

#include "tests/support/packet_interface.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

namespace tests::support {

PacketInterface::~PacketInterface() {
  if (socket_ >= 0) close(socket_);
}

PacketInterface::PacketInterface(PacketInterface&& other) noexcept
    : name_(std::move(other.name_)), socket_(std::exchange(other.socket_, -1)) {}

bool PacketInterface::open() {
  socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (socket_ < 0) {
    std::fprintf(stderr, "%s: socket (needs CAP_NET_RAW): %s\n", name_.c_str(),
                 std::strerror(errno));
    return false;
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name_.c_str()));
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  const int one = 1;
  const int buffer_bytes = 32 << 20;
  if (address.sll_ifindex == 0 ||
      bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(socket_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) !=
          0 ||
      setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0) {
    std::fprintf(stderr, "%s: %s\n", name_.c_str(), std::strerror(errno));
    return false;
  }
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
  return true;
}

bool PacketInterface::send(std::span<const std::byte> frame) const {
  while (::send(socket_, frame.data(), frame.size(), 0) < 0) {
    if (errno != EAGAIN && errno != ENOBUFS) return false;
    pollfd writable{socket_, POLLOUT, 0};
    poll(&writable, 1, 10);
  }
  return true;
}

std::uint64_t PacketInterface::take_drops() const {
  tpacket_stats stats{};
  socklen_t size = sizeof(stats);
  const bool ok = getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0;
  return ok ? stats.tp_drops : 0;
}

int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_NONBLOCK);
}

Asked read_signals(int descriptor) {
  Asked asked = Asked::kNothing;
  signalfd_siginfo received{};
  while (read(descriptor, &received, sizeof(received)) == sizeof(received)) {
    if (received.ssi_signo != SIGUSR1) return Asked::kEnd;
    asked = Asked::kCounts;
  }
  return asked;
}

void write_counts(const std::string& path, const nlohmann::json& counts) {
  const std::string aside = path + ".new";
  std::ofstream(aside) << counts.dump() << '\n';
  std::rename(aside.c_str(), path.c_str());
}

}  // namespace tests::support
