// SPDX-License-Identifier: Apache-2.0
// Cycles per message through the whole pipeline of one worker, from RX to TX, and per stage.
//
//   bare/port:ring/bytes:300            rx_burst and tx_burst on the same ports, nothing else
//   pipeline/port:ring/bytes:300/verify:off
//   pipeline/port:ring/bytes:300/verify:off/link:dtls
//   openssl_ed25519/bytes:300           one signature check by OpenSSL: what verify:all cannot beat
//                                       with the portable kernel
//
// A message here is a whole exchange on two lab links: the data frame comes in and is acknowledged,
// the message goes out on the other link, and that link's ack comes in. Only the node is timed;
// a feeder between the turns plays both neighbours, so all is warm in the cache. Compare lines of
// one run: the machine's speed changes between runs (docs/performance.md). `cycles` is the median
// over the turns, `cycles_p10` the tenth percentile, stages are medians too; `lost` is the part of
// the messages that found the window or the queue of link 1 full. link:dtls is the same exchange on
// two secure links with AES-128-GCM: message and ack are opened, and both are sealed.
//
// ring: both ports net_ring, each message with its own transaction ID; replay window on unless
// messages must be repeated (verify:all). The feeder gives the node's frames back unchanged, as a
// NIC does, so those kept for retransmission are not copied. pcap: messages from net_pcap with
// infinite_rx, which repeats them, so the replay window is off.

#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench_eal.h"
#include "bench/feeder.h"
#include "bench/samples.h"
#include "tests/dataplane/pcap_file.h"
#include "tests/dataplane/secure_node.h"

namespace {

using namespace bench;
using tests::dataplane::Aead;
using tests::dataplane::PcapFile;
using tests::dataplane::RigSetting;
using tests::dataplane::SecureNode;
using wire::shm::VerifyPolicy;

enum class Source : std::uint8_t { kRing, kPcap };

/// A rig with its feeder; for pcap the messages come from a file instead of the feeder.
struct Subject {
  Subject(Source source, std::size_t bytes, VerifyPolicy verify) : source_(source) {
    RigSetting setting;
    setting.verify = verify;
    setting.like_a_nic = true;
    const bool repeats = source == Source::kPcap || verify != VerifyPolicy::kOff;
    setting.replay_window_ms = repeats ? 0 : 2000;
    setting.digest_cache_entries = 0;  // repeated messages are to be checked
    if (source == Source::kPcap) {
      NodeRig plain;  // only to build the frames
      file_ = std::make_unique<PcapFile>(Feeder(plain, bytes, true).frames());
      setting.first_device = file_->device(true);
    }
    rig = std::make_unique<NodeRig>(setting);
    if (source == Source::kPcap) rig->expect_in_ports(kRepeated);
    rig->add_signer(signer());
    feeder = std::make_unique<Feeder>(*rig, bytes, repeats);
  }
  void feed() {
    if (source_ == Source::kRing) feeder->send_messages();
  }
  unsigned acknowledge() { return feeder->acknowledge(); }
  [[nodiscard]] NodeRig& node() const { return *rig; }

  std::unique_ptr<PcapFile> file_;
  std::unique_ptr<NodeRig> rig;
  std::unique_ptr<Feeder> feeder;
  Source source_;
};

/// The same with both links secure; the neighbours seal and open outside of what is timed.
struct SecureSubject {
  SecureSubject(std::size_t bytes, VerifyPolicy verify)
      : repeats_(verify != VerifyPolicy::kOff), node_(setting(verify)) {
    node_.rig.add_signer(signer());
    for (unsigned port = 0; port < NodeRig::kPorts; ++port) node_.install(port, Aead::kAes128Gcm);
    for (std::size_t i = 0; i < kRepeated; ++i) {
      messages_.push_back(message_of(node_.rig, i + 1, bytes));
    }
  }
  void feed() {
    for (unsigned i = 0; i < kPerTurn; ++i) {
      ++transaction_;
      Bytes& message = messages_[transaction_ % messages_.size()];
      if (!repeats_) {
        wire::store_be64(&message[wire::reload::header_offset::kTransactionId], transaction_);
      }
      node_.send(0, message);
    }
  }
  unsigned acknowledge() {
    (void)node_.collect(0);
    return static_cast<unsigned>(node_.collect(1).size());
  }
  [[nodiscard]] NodeRig& node() { return node_.rig; }

 private:
  static RigSetting setting(VerifyPolicy verify) {
    RigSetting setting;
    setting.verify = verify;
    setting.like_a_nic = true;
    setting.replay_window_ms = verify != VerifyPolicy::kOff ? 0 : 2000;
    setting.digest_cache_entries = 0;
    return setting;
  }
  bool repeats_;
  SecureNode node_;
  std::vector<Bytes> messages_;
  std::uint64_t transaction_ = 0;
};

std::string drops_of(const wire::shm::LcoreCounters& counters) {
  std::string names;
  for (std::size_t reason = 0; reason < wire::shm::kDropReasonCount; ++reason) {
    if (counters.drops[reason].get() == 0) continue;
    names += std::string(" ") + wire::shm::kDropReasons[reason].name + "=" +
             std::to_string(counters.drops[reason].get());
  }
  return names;
}

template <class Subject>
void measure(benchmark::State& state, Subject& subject) {
  NodeRig& rig = subject.node();
  const wire::shm::LcoreCounters& counters = rig.region().dataplane.counters[0];
  const double hz = static_cast<double>(rte_get_tsc_hz());
  Samples turns;
  std::array<Samples, wire::shm::kStageCount> stages;
  std::uint64_t left = 0;
  const auto one_turn = [&](bool measured) {
    std::array<std::uint64_t, wire::shm::kStageCount> stage_before;
    for (std::size_t s = 0; s < stages.size(); ++s) {
      stage_before[s] = counters.stages[s].cycles.get();
    }
    subject.feed();
    const std::uint64_t before = rte_rdtsc();
    rig.plane().turn(0);
    const std::uint64_t spent = rte_rdtsc() - before;
    const unsigned messages = subject.acknowledge();
    left += messages;
    if (measured) {
      turns.add(spent, messages);
      for (std::size_t s = 0; s < stages.size(); ++s) {
        stages[s].add(counters.stages[s].cycles.get() - stage_before[s], messages);
      }
    }
    return static_cast<double>(spent) / hz;
  };
  const auto arrived = [&] { return counters.received.get() - counters.acks_received.get(); };
  // Opens the window and warms the caches. What net_pcap brought before anybody acknowledged is
  // sent again after the first RTO, half a second.
  const std::uint64_t patience = rte_rdtsc() + 3 * rte_get_tsc_hz();
  while (left < 200 * kPerTurn && rte_rdtsc() < patience) one_turn(false);
  const std::uint64_t arrived_before = arrived();
  left = 0;
  for (auto _ : state) state.SetIterationTime(one_turn(true));
  state.SetItemsProcessed(static_cast<std::int64_t>(left));
  report(state, turns);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    state.counters[wire::shm::kStages[s].name] = stages[s].quantile(0.5);
  }
  state.counters["lost"] =
      1 - static_cast<double>(left) /
              static_cast<double>(std::max<std::uint64_t>(arrived() - arrived_before, 1));
  // With pcap every other turn is one of acks alone.
  if (left == 0 && state.iterations() > 4)
    state.SkipWithError(("nothing came out:" + drops_of(counters)).c_str());
}

void pipeline(benchmark::State& state, Source source, std::size_t bytes, VerifyPolicy verify) {
  Subject subject(source, bytes, verify);
  measure(state, subject);
}

void secure_pipeline(benchmark::State& state, std::size_t bytes, VerifyPolicy verify) {
  SecureSubject subject(bytes, verify);
  measure(state, subject);
}

/// What the ports alone cost: the same frames, from one port to the other.
void bare(benchmark::State& state, Source source, std::size_t bytes) {
  Subject subject(source, bytes, VerifyPolicy::kOff);
  NodeRig& rig = *subject.rig;
  const std::uint16_t in = rig.plane().ports()[0].id, out = rig.plane().ports()[1].id;
  std::uint64_t messages = 0;
  Samples turns;
  const double hz = static_cast<double>(rte_get_tsc_hz());
  for (auto _ : state) {
    subject.feed();
    std::array<rte_mbuf*, kPerTurn> burst;
    const std::uint64_t before = rte_rdtsc();
    const std::uint16_t taken = rte_eth_rx_burst(in, 0, burst.data(), kPerTurn);
    const std::uint16_t sent = rte_eth_tx_burst(out, 0, burst.data(), taken);
    const std::uint64_t spent = rte_rdtsc() - before;
    rte_pktmbuf_free_bulk(burst.data() + sent, taken - sent);
    Feeder::discard(rig.wire(1).out());
    turns.add(spent, sent);
    messages += sent;
    state.SetIterationTime(static_cast<double>(spent) / hz);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
  report(state, turns);
}

void register_all() {
  const std::array<std::pair<const char*, Source>, 2> sources{
      {{"ring", Source::kRing}, {"pcap", Source::kPcap}}};
  const std::array<std::pair<const char*, VerifyPolicy>, 2> policies{
      {{"off", VerifyPolicy::kOff}, {"all", VerifyPolicy::kAll}}};
  for (const std::size_t bytes : {200U, 300U, 600U, 1200U}) {
    const std::string size = "/bytes:" + std::to_string(bytes);
    benchmark::RegisterBenchmark(("openssl_ed25519" + size).c_str(),
                                 [=](benchmark::State& state) { openssl_ed25519(state, bytes); });
    for (const auto& [port, source] : sources) {
      const std::string on = std::string("/port:") + port + size;
      benchmark::RegisterBenchmark(("bare" + on).c_str(), [=,
                                                           from = source](benchmark::State& state) {
        bare(state, from, bytes);
      })->UseManualTime();
      for (const auto& [name, policy] : policies) {
        benchmark::RegisterBenchmark(("pipeline" + on + "/verify:" + name).c_str(),
                                     [=, from = source, verify = policy](benchmark::State& state) {
                                       pipeline(state, from, bytes, verify);
                                     })
            ->UseManualTime();
      }
    }
    for (const auto& [name, policy] : policies) {
      benchmark::RegisterBenchmark(
          ("pipeline/port:ring" + size + "/verify:" + name + "/link:dtls").c_str(),
          [=, verify = policy](benchmark::State& state) { secure_pipeline(state, bytes, verify); })
          ->UseManualTime();
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return run_benchmarks(argc, argv, register_all); }
