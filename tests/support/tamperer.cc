// SPDX-License-Identifier: Apache-2.0
// An on-path attacker for the demo and the scenarios: sits between two veths, passes every frame on
// and flips one bit in the body of some RELOAD messages, or where links are encrypted in some
// records. All else stays valid, checksums included, so only the message's signature can tell, or
// the record's tag. With --attack-records it does not flip bits but takes records through all of
// record_attacks.h.
//
// tamperer --a veth0 --b veth1 --one-in 100 --seed 7 --stats stats.json --log tampered.jsonl
//
// Writes its counts to the stats file on SIGUSR1 and at the end (SIGTERM, SIGINT). The log has a
// line per tampered message or record, so that a test can look for each one further down the path.

#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/frame_view.h"
#include "tests/support/packet_interface.h"
#include "tests/support/record_attacks.h"

namespace tests::support {
namespace {

struct Direction {
  explicit Direction(std::uint32_t one_in) : attacks(one_in) {}

  std::uint64_t frames = 0;
  /// Those that may be tampered with: whole messages in data frames, records of application data.
  std::uint64_t messages = 0;
  std::uint64_t tampered = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t socket_drops = 0;
  RecordAttacks attacks;
};

class Tamperer {
 public:
  /// @param attack_records  take records through all attacks instead of flipping bits
  Tamperer(std::uint32_t one_in, std::uint64_t seed, std::FILE* log, bool attack_records)
      : one_in_(one_in), random_(seed), log_(log), attack_records_(attack_records) {}

  /// Moves everything that waits at @p from to @p to.
  void pump(const PacketInterface& from, const PacketInterface& to, Direction& direction) {
    for (;;) {
      const ssize_t length = recv(from.socket(), frame_.data(), frame_.size(), 0);
      if (length <= 0) break;
      ++direction.frames;
      const std::span<std::byte> frame(frame_.data(), static_cast<std::size_t>(length));
      if (attack_records_) {
        attack(frame, to, direction);
        continue;
      }
      tamper(frame, from.name(), direction);
      if (!to.send(frame)) ++direction.send_errors;
    }
    direction.socket_drops += from.take_drops();
  }

 private:
  void attack(std::span<std::byte> frame, const PacketInterface& to, Direction& direction) {
    const FrameView view = view_frame(frame);
    outgoing_.clear();
    if (view.is_record && one_in_ != 0) {
      ++direction.messages;
      direction.attacks.pass(frame, view, outgoing_);
    } else {
      outgoing_.emplace_back(frame.begin(), frame.end());
    }
    for (const RecordAttacks::Frame& sent : outgoing_) {
      if (!to.send(sent)) ++direction.send_errors;
    }
  }

  void tamper(std::span<std::byte> frame, const std::string& from, Direction& direction) {
    const FrameView view = view_frame(frame);
    const std::span<std::byte> target = view.is_record ? view.fragment : view.body;
    if (target.empty()) return;
    ++direction.messages;
    if (one_in_ == 0 || random_() % one_in_ != 0) return;
    const std::size_t bit = random_() % (target.size() * 8);
    target[bit / 8] ^= std::byte{static_cast<unsigned char>(1U << (bit % 8))};
    fix_udp_checksum(frame, view);
    ++direction.tampered;
    if (log_ != nullptr && view.is_record) {
      std::fprintf(log_, "{\"from\": \"%s\", \"sequence\": %llu}\n", from.c_str(),
                   static_cast<unsigned long long>(view.sequence));
    } else if (log_ != nullptr) {
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
  bool attack_records_;
  std::vector<RecordAttacks::Frame> outgoing_;
  std::array<std::byte, 65536> frame_{};
};

nlohmann::json to_json(const Direction& direction) {
  nlohmann::json attacks;
  for (std::size_t i = 0; i < kRecordAttackCount; ++i) {
    attacks[kRecordAttackNames[i]] = direction.attacks.counts()[i];
  }
  return {{"frames", direction.frames},           {"attacks", attacks},
          {"messages", direction.messages},       {"tampered", direction.tampered},
          {"send_errors", direction.send_errors}, {"socket_drops", direction.socket_drops}};
}

int run(int argc, char** argv) {
  CLI::App app{"passes frames between two interfaces and flips a bit in some messages or records"};
  std::string name_a;
  std::string name_b;
  std::uint32_t one_in = 100;
  std::uint64_t seed = 1;
  std::string stats_path;
  std::string log_path;
  bool attack_records = false;
  app.add_option("--a", name_a, "one interface")->required();
  app.add_option("--b", name_b, "the other")->required();
  app.add_option("--one-in", one_in, "tamper with one message of this many; 0 with none");
  app.add_option("--seed", seed, "which messages and which bits");
  app.add_option("--stats", stats_path, "JSON counts, on SIGUSR1 and at the end")->required();
  app.add_option("--log", log_path, "a JSON line per tampered message");
  app.add_flag("--attack-records", attack_records, "all attacks on records, in turn");
  CLI11_PARSE(app, argc, argv);
  PacketInterface a(name_a);
  PacketInterface b(name_b);
  if (!a.open() || !b.open()) return 1;
  std::FILE* log = log_path.empty() ? nullptr : std::fopen(log_path.c_str(), "w");

  const int signals = open_signals();
  Direction from_a(one_in);
  Direction from_b(one_in);
  Tamperer tamperer(one_in, seed, log, attack_records);
  for (bool running = true; running;) {
    std::array<pollfd, 3> waiting{pollfd{a.socket(), POLLIN, 0}, pollfd{b.socket(), POLLIN, 0},
                                  pollfd{signals, POLLIN, 0}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
    tamperer.pump(a, b, from_a);
    tamperer.pump(b, a, from_b);
    const Asked asked = read_signals(signals);
    if (asked == Asked::kNothing) continue;
    running = asked != Asked::kEnd;
    if (log != nullptr) std::fflush(log);
    write_counts(stats_path, {{"from_a", to_json(from_a)}, {"from_b", to_json(from_b)}});
  }
  if (log != nullptr) std::fclose(log);
  return 0;
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }
