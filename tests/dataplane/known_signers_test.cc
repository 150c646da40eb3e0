// SPDX-License-Identifier: Apache-2.0
// Tables of known signers in a whole dataplane: built by the main lcore, used by the workers. Needs
// a kernel with tables; elsewhere the pool's own tests (tests/crypto) stand alone.

#include "dataplane/known_signers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <thread>

#include "crypto/kernels/select.h"
#include "tests/dataplane/node_rig.h"
#include "tests/support/unpinned_thread.h"

namespace {

using namespace tests::dataplane;
using tests::dataplane::Bytes;
using wire::shm::DropReason;
using wire::shm::LcoreCounters;
using wire::shm::VerifyPathCounters;

constexpr auto kEd25519 = static_cast<std::size_t>(wire::shm::SignatureAlgorithm::kEd25519);
constexpr std::size_t kBurst = 32;

/// The kernel with tables that runs here, or nullptr.
const crypto::KernelTable* kernel_with_tables() {
  for (const crypto::KernelTable* kernel : crypto::all_kernels()) {
    if (crypto::runs_here(*kernel) && kernel->table_bytes(crypto::Algorithm::kEd25519) != 0) {
      return kernel;
    }
  }
  return nullptr;
}

class KnownSigners : public ::testing::Test {
 protected:
  void SetUp() override {
    kernel_ = kernel_with_tables();
    if (kernel_ == nullptr) GTEST_SKIP() << "no kernel of this CPU has tables of known signers";
    rig_ = std::make_unique<NodeRig>(RigSetting{.replay_window_ms = 0,
                                                .digest_cache_entries = 0,
                                                .max_signers = 400,
                                                .known_signer_mib = 1,
                                                .kernel = kernel_->name});
    slots_ = (std::size_t{1} << 20U) / kernel_->table_bytes(crypto::Algorithm::kEd25519);
  }
  [[nodiscard]] const wire::shm::DataplaneStatus& status() const {
    return rig_->region().dataplane.status;
  }
  TestSigner& new_signer() {
    TestSigner& signer = signers_.emplace_back(static_cast<unsigned>(signers_.size() + 1));
    rig_->add_signer(signer);
    return signer;
  }
  [[nodiscard]] Bytes message_of(const TestSigner& signer) {
    return rig_->ping(++transaction_, NodeRig::neighbor(1)).sign(signer.identity());
  }
  /// Messages of these signers in turn, a burst of them. Returns how many were found good.
  std::size_t send(const std::vector<const TestSigner*>& signers, std::size_t count = kBurst) {
    const std::uint64_t before = rig_->count(&LcoreCounters::verified);
    for (std::size_t i = 0; i < count; ++i) {
      rig_->send(0, message_of(*signers[i % signers.size()]));
    }
    rig_->turn(4);
    acknowledge();
    rig_->turn(2);
    return rig_->count(&LcoreCounters::verified) - before;
  }
  /// Plays the neighbours: takes what left, so that the links stay up.
  void acknowledge() {
    for (const Bytes& frame : rig_->frames(1)) {
      const Bytes payload = rig_->udp_payload(frame);
      if (NodeRig::is_ack(payload)) continue;
      Bytes ack(wire::reload::kAckFrameBytes);
      wire::reload::write_ack_frame(wire::load_be32(&payload[1]), 0, ack);
      rig_->send_frame(1, udp_frame(rig_->them(1), rig_->us(1), ack));
    }
    (void)rig_->frames(0);
  }
  /// The main lcore's turns over some sweeps of the pool, and as many as a slow machine needs too.
  void housekeeping() {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(2 * crypto::KeyTablePool::kSweepMs);
    constexpr unsigned kTurns = 100;
    for (unsigned turn = 0; turn < kTurns || std::chrono::steady_clock::now() < end; ++turn) {
      rig_->turn();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  /// Checks of Ed25519 signatures so far, by @p path.
  [[nodiscard]] std::uint64_t checks(wire::shm::Counter VerifyPathCounters::*path) {
    rig_->settle();
    return (rig_->region().dataplane.counters[0].verify_paths[kEd25519].*path).get();
  }

  const crypto::KernelTable* kernel_ = nullptr;
  std::size_t slots_ = 0;
  std::unique_ptr<NodeRig> rig_;
  std::deque<TestSigner> signers_;
  std::uint64_t transaction_ = 0;
};

TEST_F(KnownSigners, AreCheckedWithTablesOnceTheyAreHeardOften) {
  const TestSigner& one = new_signer();
  const TestSigner& two = new_signer();
  EXPECT_EQ(send({&one, &two}), kBurst);
  EXPECT_EQ(checks(&VerifyPathCounters::known), 0U);
  EXPECT_EQ(checks(&VerifyPathCounters::cold), kBurst);
  housekeeping();
  EXPECT_EQ(status().tables.load(), 2U);
  EXPECT_EQ(status().table_builds.load(), 2U);
  EXPECT_EQ(send({&one, &two}), kBurst);
  EXPECT_EQ(checks(&VerifyPathCounters::known), kBurst);
  EXPECT_EQ(checks(&VerifyPathCounters::cold), kBurst);
  const auto& lanes = rig_->region().dataplane.counters[0].lanes_filled;
  EXPECT_EQ(lanes[wire::shm::kVerifyLanes - 1].get(), 2 * kBurst / wire::shm::kVerifyLanes);
  // Forged ones are refused with the table as well.
  Bytes forged = message_of(one);
  forged.back() ^= std::byte{1};
  rig_->send(0, forged);
  rig_->turn(2);
  EXPECT_EQ(rig_->count(&LcoreCounters::verified), 2 * kBurst);
  EXPECT_EQ(rig_->drops(DropReason::kBadSignature), 1U);
}

TEST_F(KnownSigners, StayWithinTheirMemory) {
  std::vector<const TestSigner*> all;
  for (std::size_t n = 0; n < 2 * slots_; ++n) all.push_back(&new_signer());
  for (unsigned round = 0; round < 4; ++round) {
    for (std::size_t burst = 0; burst < 6; ++burst) send(all);
    housekeeping();
    EXPECT_LE(status().table_bytes_used.load(), status().table_bytes.load());
  }
  EXPECT_LE(status().table_bytes.load(), std::uint64_t{1} << 20U);
  EXPECT_EQ(status().tables.load(), slots_);
  EXPECT_GT(status().table_bytes.load(), (std::uint64_t{1} << 20U) * 3 / 4);
}

TEST_F(KnownSigners, GiveWayOnlyToWhoIsHeardMore) {
  std::vector<const TestSigner*> hot;
  for (std::size_t n = 0; n < slots_; ++n) hot.push_back(&new_signer());
  for (unsigned round = 0; round < 4; ++round) send(hot, 60);
  housekeeping();
  ASSERT_EQ(status().tables.load(), slots_);
  // A flood of signers that say one thing each, between what the hot ones say.
  for (unsigned round = 0; round < 4; ++round) {
    for (unsigned n = 0; n < 60; ++n) {
      const TestSigner& stranger = new_signer();
      EXPECT_EQ(send({&stranger}, 1), 1U);
    }
    send(hot);
    housekeeping();
  }
  EXPECT_EQ(status().table_evictions.load(), 0U);
  const std::uint64_t before = checks(&VerifyPathCounters::known);
  EXPECT_EQ(send(hot), kBurst);
  EXPECT_EQ(checks(&VerifyPathCounters::known), before + kBurst);
  // One that is heard more than twice as much as they were takes a table.
  const TestSigner& hotter = new_signer();
  for (unsigned round = 0; round < 5; ++round) send({&hotter}, 60);
  housekeeping();
  EXPECT_EQ(status().table_evictions.load(), 1U);
  const std::uint64_t then = checks(&VerifyPathCounters::known);
  EXPECT_EQ(send({&hotter}), kBurst);
  EXPECT_EQ(checks(&VerifyPathCounters::known), then + kBurst);
}

TEST_F(KnownSigners, LoseTheirTableWithTheirKey) {
  const TestSigner& before = new_signer();
  send({&before});
  housekeeping();
  ASSERT_EQ(status().tables.load(), 1U);
  const TestSigner after(1);  // another key under the same name
  rig_->add_signer(after);
  EXPECT_EQ(status().tables.load(), 0U);
  EXPECT_EQ(send({&before}), 0U);
  EXPECT_EQ(rig_->drops(DropReason::kBadSignature), kBurst);
  EXPECT_EQ(send({&after}), kBurst);
  housekeeping();
  EXPECT_EQ(status().tables.load(), 1U);
  EXPECT_EQ(send({&before}), 0U);
  EXPECT_EQ(send({&after}), kBurst);
  EXPECT_GE(checks(&VerifyPathCounters::known), 2 * kBurst);
  rig_->remove_signer(after);
  EXPECT_EQ(send({&after}), 0U);
  EXPECT_EQ(rig_->drops(DropReason::kSignerUnknown), kBurst);
  housekeeping();
  EXPECT_EQ(status().tables.load(), 0U);
  EXPECT_EQ(status().table_bytes_used.load(), 0U);
}

TEST_F(KnownSigners, ChangeTheirKeysUnderTraffic) {
  // Two keys by turns under each of a few names, known and cold, removed and added again, while a
  // worker of its own checks. Messages of the key in force may pass, of the other never.
  constexpr unsigned kNames = 3;
  std::deque<TestSigner> keys[2];
  std::vector<Bytes> messages[2];
  for (unsigned which = 0; which < 2; ++which) {
    for (unsigned name = 1; name <= kNames; ++name) keys[which].emplace_back(name);
    for (unsigned n = 0; n < 60; ++n)
      messages[which].push_back(message_of(keys[which][n % kNames]));
  }
  std::atomic<bool> stop{false};
  std::thread worker = tests::unpinned_thread([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      if (rig_->plane().turn(0) == 0) std::this_thread::yield();
    }
  });
  const auto join = [&](void*) {
    stop.store(true);
    if (worker.joinable()) worker.join();
  };
  const std::unique_ptr<void, decltype(join)> joined(&stop, join);
  const auto count = [&] {
    return rig_->count(&LcoreCounters::verified) + rig_->drops(DropReason::kBadSignature) +
           rig_->drops(DropReason::kSignerUnknown);
  };
  std::uint64_t sent = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  for (unsigned round = 0; std::chrono::steady_clock::now() < end; ++round) {
    const unsigned in_force = round / 8 % 2;
    for (unsigned name = 0; name < kNames; ++name) {
      if (round % 8 == name) rig_->add_signer(keys[in_force][name]);
      if (round % 24 == 7) rig_->remove_signer(keys[in_force][name]);
    }
    for (unsigned n = 0; n < 20; ++n, ++sent) {
      rig_->send(0, messages[(round + n) % 2][sent % 60]);
    }
    for (unsigned wait = 0; count() < sent && wait < 2000; ++wait) {
      rig_->plane().main_turn();
      acknowledge();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    ASSERT_EQ(count(), sent) << "each message is verified or dropped for what it is";
  }
  join(nullptr);
  EXPECT_GT(status().table_builds.load(), 0U);
  EXPECT_GT(checks(&VerifyPathCounters::known), 0U);
  EXPECT_GT(rig_->count(&LcoreCounters::verified), 0U);
  EXPECT_GT(rig_->drops(DropReason::kBadSignature), 0U);
  // What is in force now is all that passes.
  for (unsigned name = 0; name < kNames; ++name) rig_->add_signer(keys[0][name]);
  const std::uint64_t bad = rig_->drops(DropReason::kBadSignature);
  for (unsigned n = 0; n < 30; ++n) rig_->send(0, messages[1][n]);
  rig_->turn(4);
  EXPECT_EQ(rig_->drops(DropReason::kBadSignature), bad + 30);
}

TEST(KnownSignerMemory, IsNoneWhereTheKernelHasNoTables) {
  std::string why;
  const auto quiescence = dataplane::Quiescence::create(1);
  const auto known =
      dataplane::KnownSigners::create({.kernel = *crypto::find_kernel("portable", why),
                                       .bytes = 1U << 20U,
                                       .max_signers = 10,
                                       .workers = 1,
                                       .quiescence = *quiescence});
  ASSERT_NE(known, nullptr);
  EXPECT_FALSE(known->turn(1'000'000, 100) && known->turn(1'000'000, 100));
  wire::shm::DataplaneStatus status;
  status.table_bytes = 99;
  known->publish(status);
  EXPECT_EQ(status.table_bytes.load(), 0U);
  EXPECT_EQ(known->pool().statistics().used_bytes, 0U);
}

TEST(KnownSignerMemory, IsNoneWhenTheNodeWantsNone) {
  std::string why;
  NodeRig rig({.known_signer_mib = 0});
  EXPECT_EQ(rig.region().dataplane.status.table_bytes.load(), 0U);
  const TestSigner signer(1);
  rig.add_signer(signer);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    rig.send(0, rig.ping(id, NodeRig::neighbor(1)).sign(signer.identity()));
  }
  rig.turn(4);
  EXPECT_EQ(rig.count(&LcoreCounters::verified), 20U);
}

}  // namespace
