// SPDX-License-Identifier: Apache-2.0
// A bad network for scenarios: passes frames between the two ends of one or more pairs of veths and
// loses, delays, reorders, repeats and holds them up on the way. All pairs share what the path has,
// the rate and the queue of each direction, so flows of several pairs meet in one bottleneck. ARP,
// ICMP and ND pass untouched.
//
// bad_network --pair left0:right0 --pair left1:right1 --loss 5 --delay 25 --jitter 10 --rate 10000
//             --queue 30000 --seed 7 --stats stats.json
//
// Percentages are per frame and direction. A frame meets, in this order: loss, the size limit, the
// bottleneck (a queue that drops what does not fit, and a rate), delay. Jitter keeps the order;
// reordered frames skip the delay and so overtake what is on its way. The counts of each pair and
// direction are written to the stats file on SIGUSR1 and at the end (SIGTERM, SIGINT); "busiest" is
// the most frames that passed in a quarter of a second.

#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "tests/support/packet_interface.h"
#include "wire/byte_order.h"

namespace tests::support {
namespace {

using Clock = std::chrono::steady_clock;
using Frame = std::vector<std::byte>;

constexpr std::size_t kEthernetBytes = 14;

struct Conditions {
  double loss = 0, reorder = 0, duplicate = 0;  // per cent
  double delay_ms = 0, jitter_ms = 0;
  double rate_kbit = 0;  // 0: no limit
  std::uint32_t queue_bytes = 30'000;
  std::uint32_t mtu = 65'535;  // IP bytes
};

struct Counts {
  std::uint64_t frames = 0, untouched = 0, lost = 0, too_big = 0, queue_drops = 0;
  std::uint64_t duplicated = 0, reordered = 0, passed = 0, passed_bytes = 0;
  std::uint64_t send_errors = 0, socket_drops = 0, busiest = 0;

  [[nodiscard]] nlohmann::json to_json() const {
    return {{"frames", frames},
            {"untouched", untouched},
            {"lost", lost},
            {"too_big", too_big},
            {"queue_drops", queue_drops},
            {"duplicated", duplicated},
            {"reordered", reordered},
            {"passed", passed},
            {"passed_bytes", passed_bytes},
            {"send_errors", send_errors},
            {"socket_drops", socket_drops},
            {"busiest", busiest}};
  }
};

/// One way across one pair.
struct Way {
  const PacketInterface* from = nullptr;
  const PacketInterface* to = nullptr;
  Counts counts;
  Clock::time_point span_began;
  std::uint64_t in_span = 0;

  void note_passed(std::size_t bytes, Clock::time_point now) {
    ++counts.passed;
    counts.passed_bytes += bytes;
    if (now - span_began > std::chrono::milliseconds(250)) {
      span_began = now;
      in_span = 0;
    }
    counts.busiest = std::max(counts.busiest, ++in_span);
  }
};

/// Neighbours find each other, and learn what does not fit, however bad the network is.
bool is_untouchable(std::span<const std::byte> frame) {
  if (frame.size() < kEthernetBytes + 20) return true;
  const std::uint16_t type = wire::load_be16(&frame[12]);
  if (type == 0x0800) return std::to_integer<int>(frame[kEthernetBytes + 9]) == IPPROTO_ICMP;
  if (type == 0x86dd) return std::to_integer<int>(frame[kEthernetBytes + 6]) == IPPROTO_ICMPV6;
  return true;
}

/// What all ways of one direction share.
class Direction {
 public:
  Direction(const Conditions& conditions, std::uint64_t seed)
      : conditions_(conditions), random_(seed) {}

  /// Takes a frame that arrived at @p now.
  void take(Way& way, std::span<const std::byte> bytes, Clock::time_point now) {
    Counts& counts = way.counts;
    ++counts.frames;
    if (is_untouchable(bytes)) {
      ++counts.untouched;
      give(way, bytes, now);
      return;
    }
    if (chance(conditions_.loss)) {
      ++counts.lost;
      return;
    }
    if (bytes.size() - kEthernetBytes > conditions_.mtu) {
      ++counts.too_big;
      return;
    }
    const bool twice = chance(conditions_.duplicate);
    if (twice) ++counts.duplicated;
    for (int copies = twice ? 2 : 1; copies != 0; --copies) hold(way, bytes, now);
  }

  /// Gives what is due. When the next frame is, or the far future.
  Clock::time_point give_due(Clock::time_point now) {
    while (!flying_.empty() && flying_.top().due <= now) {
      // The frame moves out; what orders the heap stays.
      auto& first = const_cast<Flying&>(flying_.top());
      give(*first.way, first.frame, now);
      spare_.push_back(std::move(first.frame));
      flying_.pop();
    }
    return flying_.empty() ? Clock::time_point::max() : flying_.top().due;
  }

 private:
  struct Flying {
    Clock::time_point due;
    std::uint64_t order;
    Way* way;
    Frame frame;
    bool operator<(const Flying& other) const {  // for a heap with the earliest on top
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  static Clock::duration milliseconds(double ms) {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double, std::milli>(ms));
  }
  bool chance(double per_cent) {
    return per_cent > 0 && std::uniform_real_distribution<>(0, 100)(random_) < per_cent;
  }

  void hold(Way& way, std::span<const std::byte> bytes, Clock::time_point now) {
    Clock::time_point out = now;
    if (conditions_.rate_kbit > 0) {
      const double bits_per_ms = conditions_.rate_kbit;
      const double waiting_ms =
          std::max(0.0, std::chrono::duration<double, std::milli>(free_at_ - now).count());
      if (waiting_ms * bits_per_ms / 8 + static_cast<double>(bytes.size()) >
          conditions_.queue_bytes) {
        ++way.counts.queue_drops;
        return;
      }
      free_at_ = std::max(free_at_, now) +
                 milliseconds(static_cast<double>(bytes.size()) * 8 / bits_per_ms);
      out = free_at_;
    }
    if (chance(conditions_.reorder)) {
      ++way.counts.reordered;
    } else {
      const double jitter =
          std::uniform_real_distribution<>(-1, 1)(random_) * conditions_.jitter_ms;
      out += milliseconds(std::max(0.0, conditions_.delay_ms + jitter));
      last_due_ = out = std::max(out, last_due_);
    }
    if (out <= now) {
      give(way, bytes, now);
      return;
    }
    Frame frame;
    if (!spare_.empty()) {
      frame = std::move(spare_.back());
      spare_.pop_back();
    }
    frame.assign(bytes.begin(), bytes.end());
    flying_.push({out, ++order_, &way, std::move(frame)});
  }

  static void give(Way& way, std::span<const std::byte> frame, Clock::time_point now) {
    if (way.to->send(frame)) {
      way.note_passed(frame.size(), now);
    } else {
      ++way.counts.send_errors;
    }
  }

  const Conditions& conditions_;
  std::mt19937_64 random_;
  Clock::time_point free_at_;   // when the bottleneck has sent all it has
  Clock::time_point last_due_;  // of a frame that keeps the order
  std::uint64_t order_ = 0;
  std::priority_queue<Flying> flying_;
  std::vector<Frame> spare_;
};

/// Reads many frames with one system call.
class Reader {
 public:
  Reader() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {room_[i].data(), room_[i].size()};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void pump(Way& way, Direction& direction) {
    for (;;) {
      const int count = recvmmsg(way.from->socket(), headers_.data(), kBatch, 0, nullptr);
      if (count <= 0) break;
      const auto now = Clock::now();
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        direction.take(way, {room_[i].data(), headers_[i].msg_len}, now);
      }
      if (static_cast<std::size_t>(count) < kBatch) break;
    }
  }

 private:
  static constexpr std::size_t kBatch = 32;
  std::array<std::array<std::byte, 65'600>, kBatch> room_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> headers_{};
};

struct Pair {
  Pair(const std::string& name_a, const std::string& name_b) : a(name_a), b(name_b) {}
  PacketInterface a, b;
  Way from_a, from_b;
};

nlohmann::json counts_of(const std::vector<std::unique_ptr<Pair>>& pairs) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& pair : pairs) {
    for (Way* way : {&pair->from_a, &pair->from_b}) {
      way->counts.socket_drops += way->from->take_drops();
    }
    all.push_back({{"a", pair->a.name()},
                   {"b", pair->b.name()},
                   {"from_a", pair->from_a.counts.to_json()},
                   {"from_b", pair->from_b.counts.to_json()}});
  }
  return {{"pairs", all}};
}

int run(int argc, char** argv) {
  CLI::App app{"passes frames between pairs of interfaces over a path with faults"};
  Conditions conditions;
  std::vector<std::string> names;
  std::uint64_t seed = 1;
  std::string stats_path;
  const auto per_cent = CLI::Range(0.0, 100.0);
  app.add_option("--pair", names, "two interfaces, A:B; may be repeated")->required();
  app.add_option("--loss", conditions.loss, "per cent of frames")->check(per_cent);
  app.add_option("--reorder", conditions.reorder, "per cent that skip the delay")->check(per_cent);
  app.add_option("--duplicate", conditions.duplicate, "per cent that come twice")->check(per_cent);
  app.add_option("--delay", conditions.delay_ms, "ms, one way")->check(CLI::NonNegativeNumber);
  app.add_option("--jitter", conditions.jitter_ms, "ms more or less")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rate", conditions.rate_kbit, "kbit/s of each direction; 0: no limit")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--queue", conditions.queue_bytes, "bytes that may wait for the rate");
  app.add_option("--mtu", conditions.mtu, "longest IP packet that passes");
  app.add_option("--seed", seed, "which frames");
  app.add_option("--stats", stats_path, "JSON counts, on SIGUSR1 and at the end")->required();
  CLI11_PARSE(app, argc, argv);

  std::vector<std::unique_ptr<Pair>> pairs;
  for (const std::string& name : names) {
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos) {
      std::fprintf(stderr, "bad_network: %s: a pair is A:B\n", name.c_str());
      return 1;
    }
    Pair& pair =
        *pairs.emplace_back(std::make_unique<Pair>(name.substr(0, colon), name.substr(colon + 1)));
    if (!pair.a.open() || !pair.b.open()) return 1;
    pair.from_a.from = pair.from_b.to = &pair.a;
    pair.from_b.from = pair.from_a.to = &pair.b;
  }
  // The kernel would add 50 us to every wait.
  prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
  Direction forward(conditions, seed);
  Direction backward(conditions, seed + 1);
  const auto reader = std::make_unique<Reader>();

  std::vector<pollfd> waiting{{open_signals(), POLLIN, 0}};
  for (const auto& pair : pairs) {
    waiting.push_back({pair->a.socket(), POLLIN, 0});
    waiting.push_back({pair->b.socket(), POLLIN, 0});
  }
  for (;;) {
    const auto now = Clock::now();
    const auto next = std::min(forward.give_due(now), backward.give_due(now));
    timespec timeout{};
    if (next != Clock::time_point::max()) {
      const auto left = std::max<std::int64_t>(
          0, std::chrono::duration_cast<std::chrono::nanoseconds>(next - Clock::now()).count());
      timeout = {left / 1'000'000'000, left % 1'000'000'000};
    }
    if (ppoll(waiting.data(), waiting.size(), next != Clock::time_point::max() ? &timeout : nullptr,
              nullptr) < 0 &&
        errno != EINTR) {
      std::perror("bad_network: ppoll");
      return 1;
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (waiting[1 + 2 * i].revents != 0) reader->pump(pairs[i]->from_a, forward);
      if (waiting[2 + 2 * i].revents != 0) reader->pump(pairs[i]->from_b, backward);
    }
    if (waiting[0].revents == 0) continue;
    const Asked asked = read_signals(waiting[0].fd);
    if (asked != Asked::kNothing) write_counts(stats_path, counts_of(pairs));
    if (asked == Asked::kEnd) return 0;
  }
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }
