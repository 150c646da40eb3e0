// SPDX-License-Identifier: Apache-2.0
// The stages from parse to deliver as one lcore runs them, on a script read from the input:
// messages of any bytes, signed ones, fragments, time, verdicts on signers. Every packet that came
// in is dropped, delivered, sent on or held, at every step; at the end nothing is held and no mbuf
// lost.

#include <algorithm>
#include <array>

#include "dataplane/stages/admit.h"
#include "dataplane/stages/deliver.h"
#include "dataplane/stages/parse.h"
#include "dataplane/stages/rewrite.h"
#include "dataplane/stages/route.h"
#include "dataplane/stages/verify.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/stage_input.h"
#include "tests/support/eal_fuzz.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using tests::Bytes;
using tests::StageRig;
using wire::shm::FragmentPolicy;
using wire::shm::VerifyPolicy;

/// An lcore without links and ports: what would be sent is counted and freed.
class Lcore {
 public:
  Lcore() {
    tests::furnish(rig_);
    for (std::uint8_t tag = 0; tag < kSigners; ++tag) {
      signers_[tag] =
          tests::make_signer(crypto::Algorithm::kEd25519, static_cast<std::uint8_t>(tag + 1));
    }
  }

  void run(tests::Choices& script) {
    set_policy(script.u8());
    Burst burst;
    for (unsigned step = 0; step < 200 && !script.empty(); ++step) {
      const std::uint8_t what = script.u8();
      switch (what & 7U) {
        case 0:
        case 1:
        case 2:
          take(burst, any_message(script, (what & 8U) != 0), what);
          break;
        case 3:
        case 4:
          for (const Bytes& piece : signed_message(script)) take(burst, piece, what);
          break;
        case 5:
          rig_.advance_ms(what * 16U);
          release();
          break;
        case 6:
          judge(what);
          break;
        case 7:
          from_link(burst);
          break;
      }
      check();
    }
    from_link(burst);
    finish();
  }

 private:
  static constexpr std::uint8_t kSigners = 3;

  void set_policy(std::uint8_t how) {
    for (wire::shm::LinkClassPolicy& policy : rig_.policy.classes) {
      policy.verify = std::array{VerifyPolicy::kAll, VerifyPolicy::kSample, VerifyPolicy::kOff,
                                 VerifyPolicy::kAll}[how & 3U];
      policy.sample_one_in = 2;
      policy.fragments = std::array{FragmentPolicy::kVerify, FragmentPolicy::kPass,
                                    FragmentPolicy::kDrop, FragmentPolicy::kVerify}[how >> 2U & 3U];
      policy.rate.fill({.per_second = (how & 16U) != 0 ? 100U : 0U, .burst = 4});
      policy.reassembly_bytes = 20'000;
    }
    rig_.policy.signer_rate = {.per_second = (how & 32U) != 0 ? 50U : 0U, .burst = 4};
    rig_.policy.replay_window_ms = (how & 64U) != 0 ? 2000 : 0;
    rig_.policy.full_via_entries = how >> 7U;
    rig_.policy.max_message_size = 20'000;
  }
  static Bytes any_message(tests::Choices& script, bool as_it_is) {
    Bytes message = script.bytes(std::min<std::size_t>(script.u16(), tests::kMostFuzzedBytes));
    if (!as_it_is) tests::heal(message);
    return message;
  }
  /// A Ping signed by one of ours, perhaps tampered with, perhaps cut.
  std::vector<Bytes> signed_message(tests::Choices& script) {
    const std::uint8_t how = script.u8();
    const NodeId to = std::array{tests::node_at(500), tests::node_at(900), tests::node_at(600),
                                 tests::node_at(450)}[how & 3U];
    const std::size_t padding = script.u16() % 3000;
    Bytes message =
        rig_.ping(to, script.u8(), padding).sign(signers_[(how >> 2U) % kSigners].identity);
    if ((how & 16U) != 0) message[message.size() - 1 - script.u8() % 64] ^= std::byte{1};
    return fragment_message(message, 700 + script.u8());
  }
  void take(Burst& burst, const Bytes& message, std::uint8_t what) {
    if (burst.full()) from_link(burst);
    burst.add(rig_.packet(message, what >> 4U & 7U));
    ++in_;
  }
  void judge(std::uint8_t what) {
    wire::shm::SignerRecord record = signers_[(what >> 4U) % kSigners].record;
    record.refused = what >> 7U;
    if ((what & 8U) != 0) {
      rig_.signers->remove(record.key);
    } else {
      rig_.know(record);
    }
    rig_.quiescence->report(0);
    rig_.signers->reclaim();
    release();
  }
  void release() {
    Burst released;
    while (dataplane::release_for_verify(released, rig_.policy, *rig_.signers, *rig_.verify_state,
                                         rig_.turn) != 0) {
      from_verify(released);
    }
    while (dataplane::release_for_route(released, *rig_.verify_state) != 0) from_route(released);
  }

  void from_link(Burst& burst) {
    dataplane::parse(burst, rig_.policy);
    dataplane::admit(burst, rig_.policy, *rig_.links, *rig_.signers, rig_.tracer, *rig_.admit_state,
                     rig_.turn);
    from_verify(burst);
    Burst leaving;
    while (dataplane::release_for_route(leaving, *rig_.verify_state) != 0) from_route(leaving);
  }
  void from_verify(Burst& burst) {
    dataplane::verify(burst, rig_.policy, *rig_.signers, *rig_.verify_state, rig_.turn,
                      *rig_.counters);
    from_route(burst);
  }
  void from_route(Burst& burst) {
    dataplane::route(burst, *rig_.routes, *rig_.links);
    dataplane::rewrite(burst, rig_.policy, *rig_.links, rig_.rewrite_state, *rig_.counters);
    dataplane::deliver(burst, *rig_.rings, *rig_.counters);
    leave(burst);
    while (dataplane::release_pieces(burst, rig_.rewrite_state) != 0) leave(burst);
  }
  void leave(Burst& burst) {
    const std::uint64_t here = burst.live | burst.dropped | burst.delivered;
    FUZZ_CHECK(burst.absorbed == 0);
    for (std::uint64_t left = here; left != 0; left &= left - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(left));
      if (!burst.context(i).unledgered) ++out_;
      if ((burst.live >> i & 1U) != 0) {
        FUZZ_CHECK(!burst.context(i).deliver);
        FUZZ_CHECK(rte_pktmbuf_headroom(burst.mbufs[i]) >= dataplane::kLinkHeadroom);
        const dataplane::LinkEntry* const link = rig_.links->by_slot(burst.context(i).next_hop);
        FUZZ_CHECK(link != nullptr);
        FUZZ_CHECK(burst.mbufs[i]->data_len + dataplane::link_overhead(4) <= link->record.mtu);
      }
    }
    StageRig::free(burst);
    const auto forget = [](const auto&) {};
    rig_.rings->urgent.consume(10'000, forget);
    rig_.rings->bulk.consume(10'000, forget);
    rig_.rings->events.consume(10'000, forget);
  }
  /// The ledger: what came in has left or is held; packets in a burst still being filled aside.
  void check() {
    FUZZ_CHECK(rig_.rewrite_state.waiting_messages == 0);
    FUZZ_CHECK(in_ - out_ >= rig_.verify_state->held());
    FUZZ_CHECK(in_ - out_ == rig_.mbufs_in_use());
  }
  void finish() {
    FUZZ_CHECK(in_ - out_ == rig_.verify_state->held());
    dataplane::condemn_all(*rig_.verify_state, dataplane::DropReason::kShutdown);
    Burst leaving;
    while (dataplane::release_for_route(leaving, *rig_.verify_state) != 0) {
      FUZZ_CHECK(leaving.live == 0);
      leave(leaving);
    }
    FUZZ_CHECK(in_ == out_);
    FUZZ_CHECK(rig_.verify_state->held() == 0);
    FUZZ_CHECK(rig_.mbufs_in_use() == 0);
    for (const tests::TestSigner& signer : signers_) rig_.signers->remove(signer.record.key);
    rig_.quiescence->report(0);
    rig_.signers->reclaim();
    rig_.advance_ms(100'000);  // rates and replay window begin anew with the next input
  }

  StageRig rig_;
  std::array<tests::TestSigner, kSigners> signers_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tests::start_eal_for_fuzzing();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Lcore* const lcore = new Lcore;
  tests::Choices script({data, size});
  lcore->run(script);
  return 0;
}
