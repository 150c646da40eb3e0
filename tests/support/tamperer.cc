// SPDX-License-Identifier: Apache-2.0
// An on-path attacker for the demo and the scenarios: sits between two veths, passes every frame on
// and flips one bit in the message body of some RELOAD messages. Everything else of such a message
// stays valid, checksums included, so only its signature can tell.
//
// tamperer --a veth0 --b veth1 --one-in 100 --seed 7 --stats stats.json --log tampered.jsonl
//
// Writes its counts to the stats file on SIGUSR1 and at the end (SIGTERM, SIGINT). The log has a
// line per tampered message, so that a test can look for each one further down the path.

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/frame_view.h"

namespace tests::support {
namespace {

struct Direction {
  std::uint64_t frames = 0;
  std::uint64_t messages =
      0;  ///< whole messages in data frames, the ones that may be tampered with
  std::uint64_t tampered = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t socket_drops = 0;
};

struct Interface {
  std::string name;
  int socket = -1;
};

bool open_interface(Interface& interface) {
  interface.socket = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (interface.socket < 0) {
    std::perror("tamperer: socket (needs CAP_NET_RAW)");
    return false;
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.name.c_str()));
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  const int one = 1;
  const int buffer_bytes = 32 << 20;
  if (address.sll_ifindex == 0 ||
      bind(interface.socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(interface.socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
                 sizeof(promiscuous)) != 0 ||
      setsockopt(interface.socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0) {
    std::fprintf(stderr, "tamperer: %s: %s\n", interface.name.c_str(), std::strerror(errno));
    return false;
  }
  setsockopt(interface.socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
  return true;
}

class Tamperer {
 public:
  Tamperer(std::uint32_t one_in, std::uint64_t seed, std::FILE* log)
      : one_in_(one_in), random_(seed), log_(log) {}

  /// Moves everything that waits at @p from to @p to.
  void pump(const Interface& from, const Interface& to, Direction& direction) {
    for (;;) {
      const ssize_t length = recv(from.socket, frame_.data(), frame_.size(), 0);
      if (length <= 0) break;
      ++direction.frames;
      const std::span<std::byte> frame(frame_.data(), static_cast<std::size_t>(length));
      tamper(frame, from.name, direction);
      while (send(to.socket, frame.data(), frame.size(), 0) < 0) {
        if (errno == EAGAIN || errno == ENOBUFS) {
          pollfd writable{to.socket, POLLOUT, 0};
          poll(&writable, 1, 10);
          continue;
        }
        ++direction.send_errors;
        break;
      }
    }
    tpacket_stats stats{};
    socklen_t size = sizeof(stats);
    if (getsockopt(from.socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
      direction.socket_drops += stats.tp_drops;
    }
  }

 private:
  void tamper(std::span<std::byte> frame, const std::string& from, Direction& direction) {
    const FrameView view = view_frame(frame);
    if (!view.is_message || view.body.empty()) return;
    ++direction.messages;
    if (one_in_ == 0 || random_() % one_in_ != 0) return;
    const std::size_t bit = random_() % (view.body.size() * 8);
    const auto flipped = static_cast<std::size_t>(view.body.data() - frame.data()) + bit / 8;
    frame[flipped] ^= std::byte{static_cast<unsigned char>(1U << (bit % 8))};
    fix_udp_checksum(frame, view);
    ++direction.tampered;
    if (log_ != nullptr) {
      std::fprintf(log_,
                   "{\"from\": \"%s\", \"transaction\": \"%016llx\", \"code\": %u, "
                   "\"contents\": \"%016llx\"}\n",
                   from.c_str(), static_cast<unsigned long long>(view.transaction),
                   view.message_code,
                   static_cast<unsigned long long>(contents_fingerprint(view.contents)));
    }
  }

  std::uint32_t one_in_;
  std::mt19937_64 random_;
  std::FILE* log_;
  std::array<std::byte, 65536> frame_{};
};

nlohmann::json to_json(const Direction& direction) {
  return {{"frames", direction.frames},
          {"messages", direction.messages},
          {"tampered", direction.tampered},
          {"send_errors", direction.send_errors},
          {"socket_drops", direction.socket_drops}};
}

void write_stats(const std::string& path, const Direction& from_a, const Direction& from_b) {
  const nlohmann::json stats = {{"from_a", to_json(from_a)}, {"from_b", to_json(from_b)}};
  // Written aside and renamed, so a reader never meets half a file.
  const std::string aside = path + ".new";
  std::ofstream(aside) << stats.dump() << '\n';
  std::rename(aside.c_str(), path.c_str());
}

int run(int argc, char** argv) {
  CLI::App app{"passes frames between two interfaces and flips a bit in some RELOAD messages"};
  Interface a;
  Interface b;
  std::uint32_t one_in = 100;
  std::uint64_t seed = 1;
  std::string stats_path;
  std::string log_path;
  app.add_option("--a", a.name, "one interface")->required();
  app.add_option("--b", b.name, "the other")->required();
  app.add_option("--one-in", one_in, "tamper with one message of this many; 0 with none");
  app.add_option("--seed", seed, "which messages and which bits");
  app.add_option("--stats", stats_path, "JSON counts, on SIGUSR1 and at the end")->required();
  app.add_option("--log", log_path, "a JSON line per tampered message");
  CLI11_PARSE(app, argc, argv);
  if (!open_interface(a) || !open_interface(b)) return 1;
  std::FILE* log = log_path.empty() ? nullptr : std::fopen(log_path.c_str(), "w");

  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_NONBLOCK);

  Direction from_a;
  Direction from_b;
  Tamperer tamperer(one_in, seed, log);
  for (bool running = true; running;) {
    std::array<pollfd, 3> waiting{pollfd{a.socket, POLLIN, 0}, pollfd{b.socket, POLLIN, 0},
                                  pollfd{signal_fd, POLLIN, 0}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
    tamperer.pump(a, b, from_a);
    tamperer.pump(b, a, from_b);
    signalfd_siginfo received{};
    while (read(signal_fd, &received, sizeof(received)) == sizeof(received)) {
      if (received.ssi_signo != SIGUSR1) running = false;
      if (log != nullptr) std::fflush(log);
      write_stats(stats_path, from_a, from_b);
    }
  }
  if (log != nullptr) std::fclose(log);
  return 0;
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }
