// SPDX-License-Identifier: Apache-2.0
// Workers as threads of their own, with commands, traces and captures in between: what a thread
// sanitizer must find nothing in.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/dataplane/node_rig.h"
#include "tests/dataplane/secure_node.h"
#include "tests/support/unpinned_thread.h"

namespace {

using namespace tests::dataplane;
using tests::dataplane::Bytes;
using wire::shm::LcoreCounters;

/// A thread for each worker of a node, until join() or the end, also when an assertion leaves
/// early.
class Workers {
 public:
  Workers(NodeRig& rig, std::uint32_t count) {
    for (std::uint32_t worker = 0; worker < count; ++worker) {
      threads_.push_back(tests::unpinned_thread([this, &rig, worker] {
        while (!stop_.load(std::memory_order_relaxed)) {
          if (rig.plane().turn(worker) == 0) std::this_thread::yield();
        }
      }));
    }
  }
  ~Workers() { join(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  void join() {
    stop_.store(true);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(NodeThreads, ForwardOnTwoWorkersWhileTablesChange) {
  NodeRig rig({.workers = 2, .family = 4, .replay_window_ms = 0});
  TestSigner signer(3);
  rig.add_signer(signer);
  constexpr std::uint64_t kMessages = 200;
  std::vector<Bytes> messages;
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    messages.push_back(rig.ping(id, NodeRig::neighbor(id % 2)).sign(signer.identity()));
  }
  Workers workers(rig, 2);
  wire::shm::Command trace;
  trace.kind = wire::shm::CommandKind::kSetTrace;
  trace.trace = {};
  wire::shm::Command capture;
  capture.kind = wire::shm::CommandKind::kStartCapture;
  capture.capture = {};
  std::strcpy(capture.capture.path.data(), "/dev/null");
  rig.command(capture);
  std::size_t forwarded = 0;
  const auto collect = [&](unsigned port) {
    for (const Bytes& frame : rig.frames(port)) {
      const Bytes payload = rig.udp_payload(frame);
      if (NodeRig::is_ack(payload)) continue;
      ++forwarded;
      Bytes ack(wire::reload::kAckFrameBytes);
      wire::reload::write_ack_frame(wire::load_be32(&payload[1]), 0, ack);
      rig.send_frame(port, udp_frame(rig.them(port), rig.us(port), ack));
    }
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (std::uint64_t sent = 0; forwarded < kMessages;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << forwarded << " came out";
    for (unsigned n = 0; n < 4 && sent < kMessages; ++n, ++sent) {
      rig.send(sent % 2 == 0 ? 0 : 1, messages[sent]);
    }
    trace.trace.sample_one_in = static_cast<std::uint32_t>(sent % 3);
    rig.command(trace);
    rig.add_signer(signer);  // a new entry each time; the old one is freed behind the readers
    collect(0);
    collect(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  workers.join();
  EXPECT_EQ(rig.count(&LcoreCounters::verified), kMessages);
  EXPECT_EQ(rig.unaccounted(), 0);
  EXPECT_GE(rig.region().dataplane.status.capture_packets.load(), kMessages);
}

TEST(NodeThreads, ForwardOnSecureLinksWhileTheyGetNewKeys) {
  SecureNode node(2);
  NodeRig& rig = node.rig;
  TestSigner signer(3);
  rig.add_signer(signer);
  node.install(0, Aead::kAes128Gcm);
  node.install(1, Aead::kAes128Gcm);
  constexpr std::uint64_t kMessages = 200;
  Workers workers(rig, 2);
  std::array<std::size_t, 2> out{};
  std::uint64_t installed_at = 0;
  unsigned installs = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (std::uint64_t sent = 0; out[0] + out[1] < kMessages;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << out[0] + out[1] << " came out";
    for (unsigned n = 0; n < 4 && sent < kMessages; ++n, ++sent) {
      const unsigned from = sent % 2 == 0 ? 0 : 1;
      node.send(from, rig.ping(sent + 1, NodeRig::neighbor(1 - from)).sign(signer.identity()));
    }
    // Keys go when the next but one come. Some of what is sealed with the last ones must be through
    // on both links, or a slow worker would find records that nobody can open any more.
    if (sent >= installed_at + 20 && sent < kMessages &&
        std::ranges::min(out) > installed_at / 2 + 2) {
      node.install(0, static_cast<Aead>(++installs % 3));
      node.install(1, static_cast<Aead>(installs % 3));
      installed_at = sent;
    }
    out[0] += node.collect(0).size();
    out[1] += node.collect(1).size();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  workers.join();
  EXPECT_GE(installs, 3U);
  EXPECT_EQ(rig.count(&LcoreCounters::verified), kMessages);
  EXPECT_EQ(rig.drops(wire::shm::DropReason::kRecordForged), 0U);
  rig.settle();
  EXPECT_EQ(rig.unaccounted(), 0);
}

}  // namespace
