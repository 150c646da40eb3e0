// SPDX-License-Identifier: Apache-2.0
// A message through a node made of the kernel's sockets and OpenSSL (bench/baseline).
//
//   sockets/io:each/bytes:300/verify:off
//   sockets/io:trains/bytes:300/verify:all      256 signers, keys decoded beforehand
//   sockets_own_cpu/io:each/bytes:300/verify:off
//   openssl_ed25519/bytes:300                   one signature check by itself
//
// A message is a whole exchange over two DTLS links on loopback, as in pipeline_bench: the data
// frame comes in and is acknowledged, the message goes out on the other link, and that link's ack
// comes in. io:each hands a batch of datagrams to the kernel at a time, io:trains also lets the
// stack carry datagrams of one size as one (UDP_SEGMENT, UDP_GRO), which needs a neighbour that
// sends so.
//
// sockets: the neighbours have their turns on the same thread, so bursts are full (32), nothing is
// waited for and nobody is woken. Only the forwarder is timed. sockets_own_cpu: forwarder on CPU 0,
// neighbours on CPU 1, 128 messages under way; `burst` is how many datagrams a turn then had.
//
// `cycles` are CPU time of the forwarder's thread in ticks of the time-stamp counter, kernel and
// softirq included, a message: the median over the turns (sockets), or the mean (sockets_own_cpu).
// `per_second`: messages of a core that does nothing else. `delivered`: the part of the messages
// that came out.

#include <benchmark/benchmark.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "bench/baseline/socket_forwarder.h"
#include "bench/baseline/socket_neighbors.h"
#include "bench/samples.h"
#include "tests/dataplane/test_signer.h"

namespace {

using namespace bench;
using namespace bench::baseline;
using tests::dataplane::node_id;
using tests::dataplane::TestSigner;

constexpr unsigned kPerTurn = 32;
constexpr std::size_t kSigners = 256;
constexpr unsigned kWarmTurns = 20;
constexpr unsigned kUnderWay = 128;
constexpr std::chrono::milliseconds kWarm{200}, kMeasured{800};

const wire::reload::NodeId kSelf = node_id(0x10), kSender = node_id(0x20), kTaker = node_id(0x60);
constexpr wire::reload::OverlayHash kOverlay{0x1234abcd};

/// Made when first asked for.
const std::deque<TestSigner>& signers() {
  static const std::deque<TestSigner> made = [] {
    std::deque<TestSigner> all;
    for (unsigned n = 1; n <= kSigners; ++n) all.emplace_back(n);
    return all;
  }();
  return made;
}

/// Pings of @p bytes for the taker, one of each signer.
std::vector<Bytes> messages_of(std::size_t bytes) {
  std::vector<Bytes> messages;
  for (const TestSigner& signer : signers()) {
    const auto padded = [&](std::size_t padding) {
      wire::reload::MessageBuilder builder;
      return builder.overlay(kOverlay)
          .configuration_sequence(1)
          .transaction(wire::reload::TransactionId{messages.size() + 1})
          .destination(kTaker)
          .contents(wire::reload::MessageCode::kPingReq, wire::reload::ping_request_body(padding))
          .sign(signer.identity());
    };
    messages.push_back(padded(bytes - padded(0).size()));
  }
  return messages;
}

/// Nothing when the system has no sockets for it, or OpenSSL fails.
std::optional<SocketNode> make_node(Io io, std::size_t bytes, bool verify) {
  std::optional<SocketNode> made =
      SocketNode::create({.self = kSelf, .overlay = kOverlay, .verify = verify},
                         {.io = io, .sender = kSender, .taker = kTaker}, messages_of(bytes));
  for (const TestSigner& signer : signers()) {
    const wire::shm::SignerRecord record = signer.record();
    const auto spki = std::span(record.public_key).first(record.public_key_length);
    if (made && !made->forwarder->add_signer(record.key, spki)) return std::nullopt;
  }
  return made;
}

double part(std::uint64_t of, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(of) / static_cast<double>(whole);
}

void sockets(benchmark::State& state, Io io, std::size_t bytes, bool verify) {
  const std::optional<SocketNode> node = make_node(io, bytes, verify);
  if (!node) {
    state.SkipWithError("no sockets, or OpenSSL fails");
    return;
  }
  Samples turns;
  const auto turn = [&](Samples& to) {
    node->neighbors->send(kPerTurn);
    const double before = cpu_cycles();
    node->forwarder->turn();
    const double spent = cpu_cycles() - before;
    to.add(static_cast<std::uint64_t>(spent), node->neighbors->acknowledge());
    return spent / cycles_per_second();
  };
  Samples ignored;
  for (unsigned i = 0; i < kWarmTurns; ++i) turn(ignored);
  const std::uint64_t sent = node->neighbors->sent(), arrived = node->neighbors->arrived();
  for (auto _ : state) state.SetIterationTime(turn(turns));
  const std::uint64_t messages = node->neighbors->arrived() - arrived;
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
  report(state, turns);
  state.counters["per_second"] = cycles_per_second() / turns.quantile(0.5);
  state.counters["delivered"] = part(messages, node->neighbors->sent() - sent);
  if (messages == 0) state.SkipWithError("nothing came out");
}

/// The calling thread stays on one CPU for as long as this lives.
class Pinned {
 public:
  explicit Pinned(int cpu) {
    (void)pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    (void)pthread_setaffinity_np(pthread_self(), sizeof only, &only);
  }
  ~Pinned() { (void)pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

/// What the forwarder's thread did in the time that is measured.
struct OwnCpu {
  double cycles = 0;
  std::uint64_t messages = 0, datagrams = 0, turns = 0;
};

/// The forwarder's thread, until @p stop; @p measure says when to count.
OwnCpu run_forwarder(SocketForwarder& forwarder, const std::atomic<bool>& measure,
                     const std::atomic<bool>& stop) {
  constexpr int kPatienceMs = 10;
  const Pinned pinned(0);
  OwnCpu result;
  SocketForwarder::Counters before;
  double began = 0;
  bool counting = false;
  while (!stop.load(std::memory_order_relaxed)) {
    if (!counting && measure.load(std::memory_order_relaxed)) {
      counting = true;
      before = forwarder.counters();
      began = cpu_cycles();
      result.turns = 0;
    }
    if (forwarder.turn() != 0) {
      ++result.turns;
    } else {
      forwarder.wait(kPatienceMs);
    }
  }
  result.cycles = cpu_cycles() - began;
  result.messages = forwarder.counters().forwarded - before.forwarded;
  result.datagrams = forwarder.counters().datagrams - before.datagrams;
  return result;
}

/// Keeps kUnderWay messages under way for @p time. That is less than sockets buffer, so none is
/// lost; if one were, `delivered` would tell.
void keep_busy(SocketNeighbors& neighbors, std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + time;
  while (Clock::now() < end) {
    if (neighbors.sent() - neighbors.arrived() + kPerTurn <= kUnderWay) neighbors.send(kPerTurn);
    if (neighbors.acknowledge() == 0) neighbors.wait(1);
  }
}

void sockets_own_cpu(benchmark::State& state, Io io, std::size_t bytes, bool verify) {
  if (std::thread::hardware_concurrency() < 2) {
    state.SkipWithError("needs two CPUs");
    return;
  }
  const std::optional<SocketNode> node = make_node(io, bytes, verify);
  if (!node) {
    state.SkipWithError("no sockets, or OpenSSL fails");
    return;
  }
  for (auto _ : state) {
    const std::uint64_t sent = node->neighbors->sent(), arrived = node->neighbors->arrived();
    std::atomic<bool> measure = false, stop = false;
    OwnCpu had;
    std::thread thread([&] { had = run_forwarder(*node->forwarder, measure, stop); });
    {
      const Pinned pinned(1);
      keep_busy(*node->neighbors, kWarm);
      measure.store(true, std::memory_order_relaxed);
      keep_busy(*node->neighbors, kMeasured);
      stop.store(true, std::memory_order_relaxed);
      thread.join();
    }
    while (node->forwarder->turn() + node->neighbors->acknowledge() != 0) continue;
    const double seconds = std::chrono::duration<double>(kMeasured).count();
    state.SetIterationTime(seconds);
    if (had.messages == 0) {
      state.SkipWithError("nothing came out");
      break;
    }
    const double cycles = had.cycles / static_cast<double>(had.messages);
    state.counters["cycles"] = cycles;
    state.counters["per_second"] = cycles_per_second() / cycles;
    state.counters["busy"] = had.cycles / cycles_per_second() / seconds;
    state.counters["burst"] = part(had.datagrams, had.turns);
    state.counters["delivered"] =
        part(node->neighbors->arrived() - arrived, node->neighbors->sent() - sent);
  }
}

void register_all() {
  for (const std::size_t bytes : {300U, 1200U}) {
    const std::string size = "/bytes:" + std::to_string(bytes);
    benchmark::RegisterBenchmark(("openssl_ed25519" + size).c_str(),
                                 [=](benchmark::State& state) { openssl_ed25519(state, bytes); });
    for (const auto& [io_name, io] : {std::pair{"each", Io::kEach}, {"trains", Io::kTrains}}) {
      for (const bool verify : {false, true}) {
        const std::string rest =
            std::string("/io:") + io_name + size + "/verify:" + (verify ? "all" : "off");
        benchmark::RegisterBenchmark(("sockets" + rest).c_str(), [=, way = io](
                                                                     benchmark::State& state) {
          sockets(state, way, bytes, verify);
        })->UseManualTime();
        benchmark::RegisterBenchmark(
            ("sockets_own_cpu" + rest).c_str(),
            [=, way = io](benchmark::State& state) { sockets_own_cpu(state, way, bytes, verify); })
            ->UseManualTime()
            ->Iterations(1);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
