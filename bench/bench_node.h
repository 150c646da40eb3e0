// SPDX-License-Identifier: Apache-2.0
// A node with many signers in a bench's own process, turned by hand.

#pragma once

#include <rte_cycles.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "bench/feeder.h"
#include "bench/samples.h"
#include "tests/dataplane/secure_node.h"

namespace bench {

/// A node, its neighbours, and signers whose messages come by turns.
class BenchNode {
 public:
  BenchNode(const std::deque<tests::dataplane::TestSigner>& signers, std::size_t bytes,
            const char* kernel, wire::shm::VerifyPolicy verify,
            wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kLab) {
    const tests::dataplane::RigSetting setting{.verify = verify,
                                               .replay_window_ms = 0,
                                               .digest_cache_entries = 0,
                                               .max_signers = kMaxSigners,
                                               .known_signer_mib = kTablesMib,
                                               .kernel = kernel,
                                               .like_a_nic = true};
    const bool is_secure = protocol == wire::shm::LinkProtocol::kDtls;
    if (is_secure) {
      secure_ = std::make_unique<tests::dataplane::SecureNode>(setting);
      for (unsigned port = 0; port < NodeRig::kPorts; ++port) {
        secure_->install(port, wire::dtls::Aead::kAes128Gcm);
      }
    } else {
      lab_ = std::make_unique<NodeRig>(setting);
    }
    rig_ = is_secure ? &secure_->rig : lab_.get();
    std::vector<Bytes> frames;
    const std::size_t count = std::max(signers.size(), kRepeated);
    for (std::size_t i = 0; i < count; ++i) {
      messages_.push_back(message_of(*rig_, i + 1, bytes, signers[i % signers.size()]));
      if (!is_secure) frames.push_back(rig_->data_frame(0, messages_.back()));
    }
    for (const tests::dataplane::TestSigner& signer : signers) rig_->add_signer(signer);
    if (!is_secure) feeder_ = std::make_unique<Feeder>(*rig_, std::move(frames), true);
  }
  // The three steps of a turn: the neighbours' messages, what the node makes of them, the
  // neighbours' acks. The last tells how many messages came out.
  void send_messages() {
    if (feeder_ != nullptr) return feeder_->send_messages();
    for (unsigned i = 0; i < kPerTurn; ++i) secure_->send(0, messages_[next_++ % messages_.size()]);
  }
  void work() { rig_->plane().turn(0); }
  unsigned acknowledge() {
    if (feeder_ != nullptr) return feeder_->acknowledge();
    (void)secure_->collect(0);
    return static_cast<unsigned>(secure_->collect(1).size());
  }

  /// A turn of the worker. Adds what it took to @p turns.
  double turn(Samples& turns) {
    send_messages();
    const std::uint64_t before = rte_rdtsc();
    work();
    const std::uint64_t spent = rte_rdtsc() - before;
    turns.add(spent, acknowledge());
    return static_cast<double>(spent);
  }
  /// Until @p tables signers have their tables; false when they never do.
  [[nodiscard]] bool warm_up(std::uint64_t tables) {
    Samples ignored;
    for (unsigned i = 0; i < 400; ++i) turn(ignored);
    const std::uint64_t patience = rte_rdtsc() + kPatienceS * rte_get_tsc_hz();
    while (status().tables.load() < tables) {
      if (rte_rdtsc() > patience) return false;
      turn(ignored);
      rig_->plane().main_turn();
    }
    for (unsigned i = 0; i < 200; ++i) turn(ignored);
    return true;
  }
  [[nodiscard]] const wire::shm::DataplaneStatus& status() {
    return rig_->region().dataplane.status;
  }
  [[nodiscard]] const std::vector<Bytes>& messages() const { return messages_; }
  [[nodiscard]] const dataplane::Shared& shared() { return rig_->plane().lcore(0).around; }

 private:
  static constexpr std::uint32_t kTablesMib = 64;
  static constexpr std::uint32_t kMaxSigners = 1024;
  static constexpr std::uint64_t kPatienceS = 20;

  // One of the two, and what it holds.
  std::unique_ptr<NodeRig> lab_;
  std::unique_ptr<tests::dataplane::SecureNode> secure_;
  NodeRig* rig_ = nullptr;
  std::vector<Bytes> messages_;
  std::unique_ptr<Feeder> feeder_;  // of the lab node; a secure one comes with its neighbours
  std::size_t next_ = 0;
};

}  // namespace bench
