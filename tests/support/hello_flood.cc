// SPDX-License-Identifier: Apache-2.0
// Floods a node with the first message of DTLS handshakes from forged addresses: strangers of one
// network and, one in four, a configured peer; half of all show a cookie that nobody gave them.
// Each is well-formed and has a random of its own. Sends from an interface of this namespace.
//
// hello_flood --interface n3-n2 --from-mac 02:.. --to-mac 02:.. --to 10.64.1.1:6084
//             --peer 10.64.1.2:6084 --rate 20000 --seconds 20
//
// Prints one JSON object with what it sent.

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "config/node_config.h"
#include "tests/support/frame_view.h"
#include "wire/byte_order.h"
#include "wire/dtls/client_hello.h"

namespace tests::support {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kIpAt = 14;
constexpr std::size_t kUdpAt = kIpAt + 20;
constexpr std::size_t kCookieBytes = 17;  // as long as the node's own

struct Options {
  std::string interface, from_mac, to_mac, to, peer;
  double rate = 20000, seconds = 20;
};

void append(Bytes& to, std::uint64_t value, std::size_t bytes) {
  while (bytes-- > 0) to.push_back(static_cast<std::byte>(value >> (8 * bytes)));
}

/// A record with a ClientHello: ECDHE with AES-128-GCM, no compression, no extensions.
Bytes client_hello(std::mt19937_64& random, bool with_cookie) {
  const std::size_t cookie = with_cookie ? kCookieBytes : 0;
  Bytes body;
  append(body, wire::dtls::kVersion12, 2);
  for (std::size_t at = 0; at < wire::dtls::kRandomBytes; at += 8) append(body, random(), 8);
  append(body, 0, 1);  // no session
  append(body, cookie, 1);
  for (std::size_t at = 0; at < cookie; ++at) append(body, random() & 0xffU, 1);
  append(body, 0x0004c02bc02f, 6);
  append(body, 0x0100, 2);
  Bytes record;
  append(record, static_cast<std::uint64_t>(wire::dtls::ContentType::kHandshake), 1);
  append(record, wire::dtls::kVersion10, 2);
  append(record, 0, 8);
  append(record, wire::dtls::kHandshakeHeaderBytes + body.size(), 2);
  append(record, static_cast<std::uint64_t>(wire::dtls::HandshakeType::kClientHello), 1);
  append(record, body.size(), 3);
  append(record, with_cookie ? 1 : 0, 2);
  append(record, 0, 3);
  append(record, body.size(), 3);
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

class Flood {
 public:
  explicit Flood(const Options& options)
      : options_(options), to_(endpoint(options.to)), peer_(endpoint(options.peer)) {
    socket_ = socket(AF_PACKET, SOCK_RAW, 0);  // 0: it receives nothing
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(options.interface.c_str()));
    if (socket_ < 0 || address.sll_ifindex == 0 ||
        bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error(options.interface + ": " + std::strerror(errno));
    }
    append_mac(ethernet_, options.to_mac);
    append_mac(ethernet_, options.from_mac);
    append(ethernet_, ETHERTYPE_IP, 2);
  }
  ~Flood() { close(socket_); }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  /// Behind the rate it does not catch up in one burst: a machine that stood still is no enemy.
  void run() {
    const auto start = Clock::now();
    double owed = 0;
    for (auto last = start; seconds_since(start) < options_.seconds;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      owed = std::min(owed + seconds_since(last) * options_.rate, options_.rate / 20);
      last = Clock::now();
      for (; owed >= 1; owed -= 1) send_one();
    }
    seconds_ = seconds_since(start);
  }

  [[nodiscard]] nlohmann::json report() const {
    return {{"sent", sent_},
            {"as_peer", as_peer_},
            {"with_cookie", with_cookie_},
            {"errors", errors_},
            {"per_second", static_cast<double>(sent_) / seconds_}};
  }

 private:
  static wire::shm::Endpoint endpoint(const std::string& text) {
    const auto parsed = config::parse_endpoint(text);
    if (!parsed || parsed->family != 4) throw std::runtime_error(text + ": not an IPv4 endpoint");
    return *parsed;
  }
  static void append_mac(Bytes& to, const std::string& text) {
    std::array<unsigned, 6> parts{};
    if (std::sscanf(text.c_str(), "%x:%x:%x:%x:%x:%x", &parts[0], &parts[1], &parts[2], &parts[3],
                    &parts[4], &parts[5]) != 6) {
      throw std::runtime_error(text + ": not a MAC address");
    }
    for (const unsigned part : parts) append(to, part, 1);
  }
  static void append_ipv4(Bytes& to, const wire::shm::Endpoint& from) {
    for (std::size_t at = 12; at < from.address.size(); ++at) append(to, from.address[at], 1);
  }
  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }

  void send_one() {
    const bool as_peer = sent_ % 4 == 3;
    const bool with_cookie = random_() % 2 == 0;
    const Bytes hello = client_hello(random_, with_cookie);
    Bytes frame = ethernet_;
    append(frame, 0x4500, 2);
    append(frame, 28 + hello.size(), 2);
    append(frame, 0, 4);
    append(frame, 0x4011, 2);  // TTL 64, UDP
    append(frame, 0, 2);
    append_ipv4(frame, peer_);
    if (!as_peer) frame.back() = static_cast<std::byte>(10 + random_() % 240);
    append_ipv4(frame, to_);
    std::uint32_t sum = 0;
    for (std::size_t at = kIpAt; at < kUdpAt; at += 2) sum += wire::load_be16(&frame[at]);
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    wire::store_be16(&frame[kIpAt + 10], static_cast<std::uint16_t>(~sum));
    append(frame, as_peer ? peer_.port : 1024 + random_() % 60000U, 2);
    append(frame, to_.port, 2);
    append(frame, 8 + hello.size(), 2);
    append(frame, 0, 2);
    frame.insert(frame.end(), hello.begin(), hello.end());
    fix_udp_checksum(frame, view_frame(frame));
    if (send(socket_, frame.data(), frame.size(), 0) < 0) {
      ++errors_;
      return;
    }
    ++sent_;
    as_peer_ += as_peer ? 1 : 0;
    with_cookie_ += with_cookie ? 1 : 0;
  }

  const Options& options_;
  wire::shm::Endpoint to_, peer_;
  int socket_ = -1;
  Bytes ethernet_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uint64_t sent_ = 0, as_peer_ = 0, with_cookie_ = 0, errors_ = 0;
  double seconds_ = 1;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"floods a node with ClientHellos from forged addresses"};
  app.add_option("--interface", options.interface, "to send from")->required();
  app.add_option("--from-mac", options.from_mac)->required();
  app.add_option("--to-mac", options.to_mac, "the node's")->required();
  app.add_option("--to", options.to, "the node's address and port")->required();
  app.add_option("--peer", options.peer, "address and port of a configured peer")->required();
  app.add_option("--rate", options.rate, "a second")->check(CLI::Range(1.0, 1e6));
  app.add_option("--seconds", options.seconds)->check(CLI::Range(0.1, 600.0));
  CLI11_PARSE(app, argc, argv);
  try {
    Flood flood(options);
    flood.run();
    std::cout << flood.report().dump() << '\n';
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hello_flood: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }
