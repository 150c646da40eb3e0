// SPDX-License-Identifier: Apache-2.0
// A Hopseal node beside a node of the kernel's sockets and OpenSSL (bench/baseline), on the same
// messages, by turns in one loop and on one CPU.
//
//   beside_sockets/link:dtls/io:each/bytes:300/verify:all
//
// `node` and `sockets` are what each takes for a message: CPU time of the thread in ticks of the
// time-stamp counter, kernel included, median over the turns of 32 messages; `ratio` is sockets
// over node. With _p10 the tenth percentiles: the least disturbed turns. A message is a whole
// exchange, as in pipeline_bench and baseline_bench, and only the two nodes are timed.
//
// 256 signers, whose keys both nodes know: Hopseal has its tables of them, OpenSSL a context for
// each. Digest cache off. The node's ports are net_ring, which costs next to nothing, while sockets
// pay for their kernel; so `verify:off` compares the ways to the wire, `verify:all` mostly the
// checks. io:trains is the kernel at its best (bench/README.md).

#include <benchmark/benchmark.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "bench/baseline/socket_neighbors.h"
#include "bench/bench_eal.h"
#include "bench/bench_node.h"
#include "bench/samples.h"
#include "bench/ticks.h"
#include "crypto/kernels/select.h"

namespace {

using namespace bench;
using baseline::Io;
using baseline::Records;
using baseline::SocketNode;
using tests::dataplane::TestSigner;
using wire::shm::LinkProtocol;
using wire::shm::VerifyPolicy;

constexpr std::size_t kSigners = 256;
constexpr std::size_t kBytes = 300;
/// The node's turns are shorter: several in a row, so that it works with its own caches as well.
constexpr unsigned kNodeTurns = 8;
constexpr double kSeconds = 1.5;

struct Case {
  Records records;
  Io io;
  VerifyPolicy verify;
};

/// Knows the same signers, has the same Node-ID and neighbours as a NodeRig.
std::optional<SocketNode> make_sockets(const Case& what, const std::vector<Bytes>& messages,
                                       const std::deque<TestSigner>& signers) {
  wire::reload::ForwardingHeader header;
  if (!wire::reload::parse_forwarding_header(messages.at(0), header).ok()) return std::nullopt;
  std::optional<SocketNode> made = SocketNode::create({.self = tests::dataplane::node_id(0x10),
                                                       .overlay = header.overlay,
                                                       .verify = what.verify == VerifyPolicy::kAll},
                                                      {.io = what.io,
                                                       .records = what.records,
                                                       .sender = NodeRig::neighbor(0),
                                                       .taker = NodeRig::neighbor(1)},
                                                      messages);
  for (const TestSigner& signer : signers) {
    const wire::shm::SignerRecord record = signer.record();
    const auto spki = std::span(record.public_key).first(record.public_key_length);
    if (made && !made->forwarder->add_signer(record.key, spki)) return std::nullopt;
  }
  return made;
}

/// A turn of either node. Adds its cycles to @p turns and returns them.
template <class Send, class Work, class Acknowledge>
double timed(Samples& turns, Send send, Work work, Acknowledge acknowledge) {
  send();
  const double before = cpu_cycles();
  work();
  const double spent = cpu_cycles() - before;
  turns.add(static_cast<std::uint64_t>(spent), acknowledge());
  return spent;
}

void beside_sockets(benchmark::State& state, const Case& what) {
  std::deque<TestSigner> signers;
  for (unsigned n = 1; n <= kSigners; ++n) signers.emplace_back(n);
  const crypto::KernelTable& kernel = crypto::best_kernel();
  BenchNode node(signers, kBytes, kernel.name, what.verify,
                 what.records == Records::kDtls ? LinkProtocol::kDtls : LinkProtocol::kLab);
  const bool has_tables =
      what.verify == VerifyPolicy::kAll && kernel.table_bytes(crypto::Algorithm::kEd25519) != 0;
  if (!node.warm_up(has_tables ? kSigners : 0)) {
    state.SkipWithError("tables are not built in time");
    return;
  }
  std::optional<SocketNode> sockets = make_sockets(what, node.messages(), signers);
  if (!sockets) {
    state.SkipWithError("no sockets, or OpenSSL fails");
    return;
  }
  Samples ours, theirs;
  for (auto _ : state) {
    double spent = 0;
    for (unsigned i = 0; i < kNodeTurns; ++i) {
      spent += timed(
          ours, [&] { node.send_messages(); }, [&] { node.work(); },
          [&] { return node.acknowledge(); });
    }
    spent += timed(
        theirs, [&] { sockets->neighbors->send(kPerTurn); }, [&] { sockets->forwarder->turn(); },
        [&] { return sockets->neighbors->acknowledge(); });
    state.SetIterationTime(spent / cycles_per_second());
  }
  if (sockets->neighbors->arrived() != sockets->neighbors->sent()) {
    state.SkipWithError("sockets lost messages");
    return;
  }
  const auto compare = [&](const std::string& suffix, double q) {
    const double node_cycles = ours.quantile(q), socket_cycles = theirs.quantile(q);
    state.counters["node" + suffix] = node_cycles;
    state.counters["sockets" + suffix] = socket_cycles;
    state.counters["ratio" + suffix] = node_cycles == 0 ? 0 : socket_cycles / node_cycles;
  };
  compare("", 0.5);
  compare("_p10", 0.1);
  state.counters["node_per_second"] = cycles_per_second() / ours.quantile(0.5);
  state.counters["sockets_per_second"] = cycles_per_second() / theirs.quantile(0.5);
}

void register_all() {
  for (const auto& [link, records] : {std::pair{"dtls", Records::kDtls}, {"lab", Records::kNone}}) {
    for (const auto& [io_name, io] : {std::pair{"each", Io::kEach}, {"trains", Io::kTrains}}) {
      for (const auto& [verify_name, verify] :
           {std::pair{"off", VerifyPolicy::kOff}, {"all", VerifyPolicy::kAll}}) {
        const std::string name = std::string("beside_sockets/link:") + link + "/io:" + io_name +
                                 "/bytes:" + std::to_string(kBytes) + "/verify:" + verify_name;
        const Case what{records, io, verify};
        benchmark::RegisterBenchmark(
            name.c_str(), [what](benchmark::State& state) { beside_sockets(state, what); })
            ->UseManualTime()
            ->MinTime(kSeconds);
      }
    }
  }
  benchmark::RegisterBenchmark("openssl_ed25519/bytes:300",
                               [](benchmark::State& state) { openssl_ed25519(state, kBytes); });
}

}  // namespace

int main(int argc, char** argv) { return run_benchmarks(argc, argv, register_all); }
