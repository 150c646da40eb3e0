// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/signer_lookup.h"
#include "dataplane/stages/parse.h"
#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"

namespace {

using namespace wire::reload;
using crypto::Algorithm;
using dataplane::Burst;
using dataplane::PacketContext;
using tests::burst_of;
using tests::fate;
using tests::node_at;
using tests::TestSigner;
using wire::shm::Event;
using wire::shm::FragmentPolicy;
using wire::shm::LinkClass;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;
using wire::shm::VerifyPolicy;

constexpr std::uint16_t kBackbone = 0;
constexpr std::uint16_t kClient = 1;

/// A burst that left the stage, by the fates of its packets, oldest first.
using Fates = std::vector<std::string>;

class Verify : public ::testing::Test {
 protected:
  using StageRig = tests::StageRig;

  Verify() {
    rig_.add_link(kBackbone, node_at(100));
    rig_.add_link(kClient, node_at(101), LinkClass::kClient);
    rig_.policy.max_message_size = 20'000;
    run();  // the stage has seen the policy before the first message
    rig_.advance_ms(1);
  }
  void fill(std::initializer_list<Bytes> messages, std::uint16_t link = kBackbone) {
    StageRig::free(burst_);
    for (const Bytes& message : messages) burst_.add(rig_.packet(message, link));
    dataplane::parse(burst_, rig_.policy);
    ASSERT_EQ(burst_.dropped, 0U) << fate(burst_);
    std::uint64_t whole = 0;  // as admit does
    for (unsigned i = 0; i < burst_.size; ++i) {
      whole |= std::uint64_t{burst_.context(i).message_code != 0} << i;
    }
    dataplane::look_up_signers(burst_, whole, *rig_.signers);
  }
  void run() {
    dataplane::verify(burst_, rig_.policy, *rig_.signers, *rig_.verify_state, rig_.turn,
                      *rig_.counters);
  }
  std::string verify(const Bytes& message, std::uint16_t link = kBackbone) {
    fill({message}, link);
    run();
    return fate(burst_);
  }
  /// What verify() held and has decided by now goes through it again.
  Fates release() {
    Fates fates;
    StageRig::free(burst_);
    dataplane::release_for_verify(burst_, rig_.policy, *rig_.signers, *rig_.verify_state,
                                  rig_.turn);
    const unsigned count = burst_.size;
    run();
    for (unsigned i = 0; i < count; ++i) fates.push_back(fate(burst_, i));
    return fates;
  }
  /// What leaves verify for good.
  Fates leave() {
    Fates fates;
    Burst leaving;
    while (dataplane::release_for_route(leaving, *rig_.verify_state) != 0) {
      for (unsigned i = 0; i < leaving.size; ++i) {
        fates.push_back(fate(leaving, i));
        EXPECT_EQ(fates.back() == "live", leaving.context(i).verified);
      }
      StageRig::free(leaving);
    }
    return fates;
  }
  std::vector<PacketRecord> punts() {
    std::vector<PacketRecord> all;
    rig_.rings->urgent.consume(1000, [&all](const PacketRecord& record) { all.push_back(record); });
    return all;
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    rig_.rings->events.consume(10'000, [&all](const Event& event) { all.push_back(event); });
    return all;
  }
  wire::shm::LinkClassPolicy& policy(LinkClass cls = LinkClass::kBackbone) {
    return rig_.policy.classes[static_cast<std::size_t>(cls)];
  }
  Bytes ping(const TestSigner& signer, std::uint64_t id = 1, std::size_t padding = 100) {
    return rig_.ping(node_at(7), id, padding).sign(signer.identity);
  }
  /// A bit of the padding flipped: contents that parse, and that nobody signed.
  static Bytes tampered(Bytes message) {
    ForwardingHeader header;
    EXPECT_TRUE(parse_forwarding_header(message, header).ok());
    message[header.size() + 20] ^= std::byte{1};
    return message;
  }
  std::size_t held() { return rig_.verify_state->held(); }
  void TearDown() override {
    StageRig::free(burst_);
    dataplane::condemn_all(*rig_.verify_state, dataplane::DropReason::kShutdown);
    for (const std::string& how : leave()) EXPECT_EQ(how, "shutdown");
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  Burst burst_;
  const TestSigner ed25519_ = tests::make_signer(Algorithm::kEd25519, 1);
};

TEST_F(Verify, AcceptsAllThreeAlgorithmsInOneBurst) {  // E-02, E-04
  const TestSigner rsa = tests::make_signer(Algorithm::kRsaPkcs1Sha256, 2);
  const TestSigner ecdsa = tests::make_signer(Algorithm::kEcdsaP256Sha256, 3);
  for (const TestSigner* signer : {&ed25519_, &rsa, &ecdsa}) rig_.know(signer->record);
  fill({ping(ed25519_), ping(rsa), tampered(ping(rsa)), ping(ecdsa)});
  run();
  EXPECT_EQ(fate(burst_, 0), "live");
  EXPECT_EQ(fate(burst_, 1), "live");
  EXPECT_EQ(fate(burst_, 2), "bad_signature");
  EXPECT_EQ(fate(burst_, 3), "live");
  EXPECT_TRUE(burst_.context(0).verified);
  EXPECT_FALSE(burst_.context(2).verified);
  EXPECT_EQ(rig_.counters->verified.get(), 3U);
  EXPECT_EQ(rig_.counters->verify_batch[2].get(), 1U);  // one call of 3 or 4 jobs
}

TEST_F(Verify, TheSignatureCoversContentsTransactionAndOverlayAndNothingElse) {  // E-02
  rig_.know(ed25519_.record);
  const Bytes good = ping(ed25519_);
  const auto with = [&good](std::size_t at) {
    Bytes message = good;
    message[at] ^= std::byte{1};
    return message;
  };
  EXPECT_EQ(verify(with(header_offset::kTransactionId)), "bad_signature");
  EXPECT_EQ(verify(with(header_offset::kOverlay)), "bad_signature");
  EXPECT_EQ(verify(with(kFixedHeaderBytes + kNodeEntryBytes + 12)), "bad_signature");
  EXPECT_EQ(verify(with(header_offset::kTtl)), "live");
  EXPECT_EQ(verify(with(kFixedHeaderBytes + 5)), "live");  // Destination List
  EXPECT_EQ(verify(with(good.size() - 1)), "bad_signature");
}

TEST_F(Verify, RefusesASignatureOfAnotherKindThanTheSignersKey) {
  rig_.know(ed25519_.record);
  TestSigner liar = ed25519_;
  liar.identity.scheme = SignatureScheme::kEcdsaP256Sha256;
  EXPECT_EQ(verify(ping(liar)), "bad_signature");
}

TEST_F(Verify, RefusesSchemesItDoesNotCheck) {
  TestSigner other = ed25519_;
  other.identity.scheme = SignatureScheme{0x0503};
  EXPECT_EQ(verify(ping(other)), "unsupported_scheme");
}

TEST_F(Verify, RefusesSignersThatAreRefusedOrExpired) {
  TestSigner signer = ed25519_;
  signer.record.expires_unix_s = rig_.turn.unix_s;
  rig_.know(signer.record);
  EXPECT_EQ(verify(ping(signer)), "live");
  rig_.turn.unix_s += 1;
  EXPECT_EQ(verify(ping(signer)), "signer_expired");
  signer.record.refused = 1;
  rig_.know(signer.record);
  EXPECT_EQ(verify(ping(signer)), "signer_refused");
}

TEST_F(Verify, AnUnknownSignerMustBringItsCertificate) {
  TestSigner bare = ed25519_;
  bare.identity.certificates.clear();
  EXPECT_EQ(verify(ping(bare)), "signer_unknown");
  EXPECT_EQ(held(), 0U);
}

TEST_F(Verify, HoldsMessagesOfAnUnknownSignerWhileItsCertificateGoesUp) {
  const Bytes first = ping(ed25519_, 1);
  EXPECT_EQ(verify(first), "taken");
  EXPECT_EQ(verify(ping(ed25519_, 2)), "taken");
  EXPECT_EQ(verify(tampered(ping(ed25519_, 3))), "taken");
  EXPECT_EQ(held(), 3U);
  EXPECT_EQ(rig_.counters->signer_held.get(), 3U);
  const std::vector<PacketRecord> up = punts();
  ASSERT_EQ(up.size(), 1U);  // once per signer
  EXPECT_EQ(up[0].kind, PacketKind::kSigner);
  EXPECT_EQ(up[0].link_slot, kBackbone);
  EXPECT_EQ(Bytes(up[0].bytes.begin(), up[0].bytes.begin() + up[0].length), first);
  EXPECT_TRUE(release().empty());

  rig_.know(ed25519_.record);
  EXPECT_EQ(release(), (Fates{"live", "live", "bad_signature"}));
  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(punts().empty());
}

TEST_F(Verify, DropsHeldMessagesOfASignerThatIsRefused) {
  EXPECT_EQ(verify(ping(ed25519_)), "taken");
  wire::shm::SignerRecord refused;
  refused.key = ed25519_.record.key;
  refused.refused = 1;
  rig_.know(refused);
  EXPECT_EQ(release(), (Fates{"signer_refused"}));
}

TEST_F(Verify, DropsHeldMessagesWhenNoVerdictComesInTime) {
  EXPECT_EQ(verify(ping(ed25519_)), "taken");
  rig_.advance_ms(rig_.policy.signer_hold_ms - 1);
  EXPECT_TRUE(release().empty());
  EXPECT_TRUE(leave().empty());
  rig_.advance_ms(1);
  EXPECT_TRUE(release().empty());
  EXPECT_EQ(held(), 1U);
  EXPECT_EQ(leave(), (Fates{"hold_timeout"}));
  EXPECT_EQ(held(), 0U);
}

TEST_F(Verify, TellsOfASignerAgainWhenTheRingWasFull) {
  PacketRecord filler;
  while (rig_.rings->urgent.push(filler)) {
  }
  EXPECT_EQ(verify(ping(ed25519_)), "taken");
  punts();
  EXPECT_TRUE(release().empty());
  EXPECT_EQ(punts().size(), 1U);
}

TEST_F(Verify, MetersCertificatesPerLinkAndBoundsWhatIsHeld) {
  policy().certificates_per_second = 2;
  EXPECT_EQ(verify(ping(tests::make_forger(11))), "taken");
  EXPECT_EQ(verify(ping(tests::make_forger(12))), "taken");
  EXPECT_EQ(verify(ping(tests::make_forger(13))), "certificate_rate");
  EXPECT_EQ(verify(ping(tests::make_forger(13)), kClient), "taken");
  std::uint64_t id = 100;
  std::string last = "taken";
  while (last == "taken" && id < 1000) last = verify(ping(tests::make_forger(11), id++));
  EXPECT_EQ(last, "hold_full");
}

TEST_F(Verify, ChecksAMessageOnceThatComesAgain) {
  rig_.know(ed25519_.record);
  const Bytes message = ping(ed25519_);
  EXPECT_EQ(verify(message), "live");
  EXPECT_EQ(rig_.counters->verified.get(), 1U);
  EXPECT_EQ(verify(message, kClient), "live");  // over a second path
  EXPECT_TRUE(burst_.context(0).verified);
  EXPECT_EQ(rig_.counters->verified.get(), 1U);  // hits are no verifications
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 1U);
  EXPECT_EQ(rig_.counters->verify_batch[0].get(), 1U);  // the second had no job
  rig_.advance_ms(14'999);
  EXPECT_EQ(verify(message), "live");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 2U);
  rig_.advance_ms(1);
  EXPECT_EQ(verify(message), "live");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 2U);
  EXPECT_EQ(rig_.counters->verified.get(), 2U);
}

TEST_F(Verify, AnyByteThatCountsMakesItAnotherMessage) {
  rig_.know(ed25519_.record);
  const Bytes good = ping(ed25519_, 1, 40);
  ASSERT_EQ(verify(good), "live");
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(good, header).ok());
  // What is behind the header and still parses when a bit of it changes: the padding of the body
  // and the signature. Then the signed parts of the header.
  std::vector<std::size_t> places = {header_offset::kTransactionId,
                                     header_offset::kTransactionId + 7, header_offset::kOverlay};
  for (std::size_t i = 0; i < 30; ++i) places.push_back(header.size() + 12 + i);
  for (std::size_t i = 1; i <= 64; ++i) places.push_back(good.size() - i);
  for (const std::size_t at : places) {
    for (const std::byte bit : {std::byte{1}, std::byte{0x80}}) {
      Bytes other = good;
      other[at] ^= bit;
      ASSERT_EQ(verify(other), "bad_signature") << at;
    }
  }
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 0U);
  // What hops change is not signed, and does not count.
  Bytes later = good;
  later[header_offset::kTtl] ^= std::byte{1};
  EXPECT_EQ(verify(later), "live");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 1U);
}

TEST_F(Verify, RemembersNoBadSignature) {
  rig_.know(ed25519_.record);
  const Bytes bad = tampered(ping(ed25519_));
  EXPECT_EQ(verify(bad), "bad_signature");
  EXPECT_EQ(verify(bad), "bad_signature");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 0U);
  EXPECT_EQ(rig_.counters->verify_batch[0].get(), 2U);
}

TEST_F(Verify, ForgetsASignersMessagesWhenItsEntryChanges) {
  TestSigner signer = ed25519_;
  rig_.know(signer.record);
  const Bytes message = ping(signer);
  const auto is_checked_again = [&] {
    const std::uint64_t before = rig_.counters->verify_batch[0].get();
    const std::string how = verify(message);
    EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 0U);
    EXPECT_EQ(rig_.counters->verify_batch[0].get(), before + 1);
    return how;
  };
  EXPECT_EQ(is_checked_again(), "live");
  signer.record.expires_unix_s += 1;  // same key, another entry
  rig_.know(signer.record);
  EXPECT_EQ(is_checked_again(), "live");
  rig_.signers->remove(signer.record.key);
  rig_.signers->reclaim();
  rig_.know(signer.record);
  EXPECT_EQ(is_checked_again(), "live");
  TestSigner changed = tests::make_signer(Algorithm::kEd25519, 1);  // another key of that name
  rig_.know(changed.record);
  EXPECT_EQ(is_checked_again(), "bad_signature");
  changed.record.refused = 1;
  rig_.know(changed.record);
  EXPECT_EQ(verify(message), "signer_refused");
}

TEST_F(Verify, ForgetsEverythingWhenThePolicyChanges) {
  rig_.know(ed25519_.record);
  const Bytes message = ping(ed25519_);
  EXPECT_EQ(verify(message), "live");
  rig_.advance_ms(1);
  rig_.policy.queue_age_ms += 1;  // none of this stage's business
  EXPECT_EQ(verify(message), "live");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 1U);
  policy(LinkClass::kUntrusted).verify = VerifyPolicy::kSample;
  EXPECT_EQ(verify(message), "live");
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 1U);
  EXPECT_EQ(rig_.counters->verified.get(), 2U);
}

TEST_F(Verify, AnswersPartOfABurstFromTheCache) {
  rig_.know(ed25519_.record);
  const Bytes a = ping(ed25519_, 1);
  const Bytes b = ping(ed25519_, 2);
  fill({a, b});
  run();
  fill({tampered(a), a, ping(ed25519_, 3), b, tampered(b)});
  run();
  const Fates fates = {fate(burst_, 0), fate(burst_, 1), fate(burst_, 2), fate(burst_, 3),
                       fate(burst_, 4)};
  EXPECT_EQ(fates, (Fates{"bad_signature", "live", "live", "live", "bad_signature"}));
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 2U);
  EXPECT_EQ(rig_.counters->verified.get(), 3U);
  EXPECT_EQ(rig_.link_status[kBackbone].bad_signatures.get(), 2U);
}

TEST_F(Verify, KnowsAFragmentedMessageAgain) {
  rig_.know(ed25519_.record);
  const Bytes whole = ping(ed25519_, 1, 1800);
  for (unsigned round = 0; round < 2; ++round) {
    for (const Bytes& piece : fragment_message(whole, 800)) EXPECT_EQ(verify(piece), "taken");
    EXPECT_EQ(leave(), (Fates{"live", "live", "live"}));
  }
  EXPECT_EQ(rig_.counters->verified.get(), 1U);
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), 1U);
  EXPECT_EQ(rig_.counters->reassembled.get(), 2U);
}

TEST_F(Verify, ChecksNothingWhereThePolicyIsOff) {
  policy(LinkClass::kClient).verify = VerifyPolicy::kOff;
  rig_.know(ed25519_.record);
  EXPECT_EQ(verify(tampered(ping(ed25519_)), kClient), "live");
  EXPECT_FALSE(burst_.context(0).verified);
  EXPECT_EQ(verify(tampered(ping(ed25519_)), kBackbone), "bad_signature");
  EXPECT_EQ(rig_.counters->verify_off.get(), 1U);
  EXPECT_EQ(rig_.counters->verify_not_sampled.get(), 0U);
  // Not even the signer is looked at: one that nobody knows passes too.
  EXPECT_EQ(verify(ping(tests::make_forger(200)), kClient), "live");
  EXPECT_EQ(rig_.counters->verify_off.get(), 2U);
  EXPECT_EQ(rig_.counters->verified.get(), 0U);
}

TEST_F(Verify, SamplesOneMessageInNByItsTransaction) {
  policy().verify = VerifyPolicy::kSample;
  policy().sample_one_in = 8;
  rig_.know(ed25519_.record);
  std::size_t dropped = 0;
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const Bytes bad = rig_.ping(node_at(7), id).sign(tests::make_forger(1).identity);
    const std::string how = verify(bad);
    ASSERT_EQ(verify(bad), how);  // the same message, the same choice
    dropped += how == "bad_signature" ? 1U : 0U;
  }
  EXPECT_GT(dropped, 400U);
  EXPECT_LT(dropped, 600U);
  // Each message was either checked or counted as not chosen, both times.
  EXPECT_EQ(rig_.counters->verify_not_sampled.get(), 2 * (4000 - dropped));
  EXPECT_EQ(rig_.counters->verify_off.get(), 0U);
  policy().sample_one_in = 1;
  EXPECT_EQ(verify(tampered(ping(ed25519_))), "bad_signature");
}

TEST_F(Verify, EachLinkClassHasItsOwnPolicy) {
  rig_.know(ed25519_.record);
  policy(LinkClass::kClient).verify = VerifyPolicy::kSample;
  policy(LinkClass::kClient).sample_one_in = 4;
  run();  // this clears the cache, for a millisecond
  rig_.advance_ms(1);
  std::uint64_t chosen = 0;
  for (std::uint64_t id = 1; id <= 64; ++id) {
    const Bytes message = ping(ed25519_, id);
    ASSERT_EQ(verify(message, kClient), "live");
    chosen += burst_.context(0).verified ? 1U : 0U;
    ASSERT_EQ(verify(message, kBackbone), "live");
    ASSERT_TRUE(burst_.context(0).verified);
  }
  EXPECT_GT(chosen, 0U);
  EXPECT_LT(chosen, 64U);
  EXPECT_EQ(rig_.counters->verify_not_sampled.get(), 64 - chosen);
  // What the sample had checked was known when it came over the other link.
  EXPECT_EQ(rig_.counters->digest_cache_hits.get(), chosen);
  EXPECT_EQ(rig_.counters->verified.get(), 64U);
}

TEST_F(Verify, SamplesFragmentsOfAMessageAlike) {
  rig_.know(ed25519_.record);
  policy().verify = VerifyPolicy::kSample;
  policy().sample_one_in = 2;
  std::uint64_t passed = 0;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const std::vector<Bytes> pieces = fragment_message(ping(ed25519_, id, 1000), 900);
    ASSERT_EQ(pieces.size(), 2U);
    const std::string first = verify(pieces[0]);
    ASSERT_EQ(verify(pieces[1]), first);
    passed += first == "live" ? 1U : 0U;
  }
  EXPECT_GT(passed, 0U);
  EXPECT_LT(passed, 40U);
  EXPECT_EQ(rig_.counters->verify_not_sampled.get(), 2 * passed);
  EXPECT_EQ(rig_.counters->reassembled.get(), 40 - passed);
  EXPECT_EQ(leave(), Fates(2 * (40 - passed), "live"));
}

TEST_F(Verify, ReportsABadSignatureOfABackboneLinkAsEvidence) {
  rig_.know(ed25519_.record);
  const Bytes bad = tampered(ping(ed25519_, 77));
  EXPECT_EQ(verify(bad), "bad_signature");
  std::vector<Event> seen = events();
  ASSERT_EQ(seen.size(), 1U);  // the first at once
  EXPECT_EQ(seen[0].kind, wire::shm::EventKind::kEvidence);
  EXPECT_EQ(seen[0].reason, dataplane::DropReason::kBadSignature);
  EXPECT_EQ(seen[0].link_slot, kBackbone);
  EXPECT_EQ(seen[0].generation, 1);
  EXPECT_EQ(seen[0].count, 1U);
  EXPECT_EQ(seen[0].transaction_id, 77U);
  ASSERT_EQ(seen[0].sample_length, std::min(bad.size(), wire::shm::kEvidenceSampleBytes));
  EXPECT_TRUE(std::equal(seen[0].sample.begin(), seen[0].sample.begin() + seen[0].sample_length,
                         bad.begin()));

  for (std::uint64_t id = 1; id <= 30; ++id) verify(tampered(ping(ed25519_, id)));
  EXPECT_TRUE(events().empty());  // within 100 ms
  rig_.advance_ms(100);
  release();
  seen = events();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 30U);
  EXPECT_EQ(rig_.link_status[kBackbone].bad_signatures.get(), 31U);
}

TEST_F(Verify, ABadSignatureOfAClientIsCountedButIsNoEvidence) {
  rig_.know(ed25519_.record);
  EXPECT_EQ(verify(tampered(ping(ed25519_)), kClient), "bad_signature");
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(rig_.link_status[kClient].bad_signatures.get(), 1U);
}

TEST_F(Verify, LosesNoEvidenceToAFullRing) {
  rig_.know(ed25519_.record);
  while (rig_.rings->events.push(Event{})) {
  }
  verify(tampered(ping(ed25519_, 1)));
  verify(tampered(ping(ed25519_, 2)));
  events();
  release();
  const std::vector<Event> seen = events();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 2U);
}

TEST_F(Verify, ChecksAFragmentedMessageAsAWholeAndSendsItOnAsItCame) {  // D-11
  rig_.know(ed25519_.record);
  const std::vector<Bytes> pieces = fragment_message(ping(ed25519_, 1, 1800), 800);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(verify(pieces[2]), "taken");
  EXPECT_EQ(verify(pieces[0]), "taken");
  EXPECT_EQ(held(), 2U);
  EXPECT_TRUE(leave().empty());
  EXPECT_EQ(verify(pieces[1]), "taken");
  EXPECT_EQ(held(), 3U);
  Burst leaving;
  ASSERT_EQ(dataplane::release_for_route(leaving, *rig_.verify_state), 3U);
  unsigned i = 0;
  for (const std::size_t k : {2U, 0U, 1U}) {
    const auto bytes = dataplane::bytes_of(leaving.mbufs[i]);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), pieces[k]);
    EXPECT_TRUE(leaving.context(i).verified);
    EXPECT_EQ(leaving.context(i).message_code, 0x17);
    EXPECT_EQ(leaving.context(i).traffic_class, TrafficClass::kLiveness);
    ++i;
  }
  StageRig::free(leaving);
  EXPECT_EQ(rig_.counters->reassembled.get(), 1U);
  EXPECT_EQ(rig_.counters->verified.get(), 1U);
  EXPECT_EQ(held(), 0U);
}

TEST_F(Verify, DropsEveryPieceOfAFragmentedMessageThatNobodySigned) {
  rig_.know(ed25519_.record);
  for (const Bytes& piece : fragment_message(tampered(ping(ed25519_, 1, 1800)), 800)) {
    EXPECT_EQ(verify(piece), "taken");
  }
  EXPECT_EQ(leave(), (Fates{"bad_signature", "bad_signature", "bad_signature"}));
  EXPECT_EQ(rig_.link_status[kBackbone].bad_signatures.get(), 1U);  // one message
  EXPECT_EQ(events().size(), 1U);
}

TEST_F(Verify, PutsMoreMessagesTogetherInOneBurstThanItHasScratchFor) {
  rig_.know(ed25519_.record);
  std::vector<Bytes> firsts;
  std::vector<Bytes> seconds;
  for (std::uint64_t id = 1; id <= 11; ++id) {
    Bytes whole = ping(ed25519_, id, 1000);
    if (id % 4 == 0) whole = tampered(whole);
    const std::vector<Bytes> pieces = fragment_message(whole, 900);
    ASSERT_EQ(pieces.size(), 2U);
    firsts.push_back(pieces[0]);
    seconds.push_back(pieces[1]);
  }
  for (const std::vector<Bytes>* half : {&firsts, &seconds}) {
    StageRig::free(burst_);
    for (const Bytes& piece : *half) burst_.add(rig_.packet(piece, kBackbone));
    dataplane::parse(burst_, rig_.policy);
    run();
  }
  const Fates fates = leave();
  EXPECT_EQ(std::count(fates.begin(), fates.end(), "live"), 18);
  EXPECT_EQ(std::count(fates.begin(), fates.end(), "bad_signature"), 4);
}

TEST_F(Verify, HoldsAFragmentedMessageOfAnUnknownSigner) {
  const Bytes whole = ping(ed25519_, 1, 4000);
  const std::vector<Bytes> pieces = fragment_message(whole, 1300);
  for (const Bytes& piece : pieces) EXPECT_EQ(verify(piece), "taken");
  EXPECT_EQ(held(), pieces.size());
  // The message does not fit a record, so it goes up without its body: that is still a message.
  const std::vector<PacketRecord> up = punts();
  ASSERT_EQ(up.size(), 1U);
  const std::span<const std::byte> record = std::span(up[0].bytes).first(up[0].length);
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(record, header).ok());
  MessageContents contents;
  ASSERT_TRUE(parse_message_contents(record.subspan(header.size()), contents).ok());
  EXPECT_EQ(contents.message_code, 0x17);
  SecurityBlock block;
  ASSERT_TRUE(
      parse_security_block(record.subspan(header.size() + contents.encoded.size()), block).ok());
  EXPECT_EQ(block.signature.signer, ed25519_.record.key);
  std::span<const std::byte> der;
  std::span<const std::byte> rest;
  ASSERT_TRUE(read_certificate(block.certificates, der, rest).ok());
  EXPECT_EQ(Bytes(der.begin(), der.end()), ed25519_.identity.certificates[0]);

  rig_.know(ed25519_.record);
  release();
  EXPECT_EQ(leave(), Fates(pieces.size(), "live"));
  EXPECT_EQ(rig_.counters->signer_held.get(), 1U);
}

TEST_F(Verify, TimesOutAFragmentedMessageOfAnUnknownSignerInWhole) {
  for (const Bytes& piece : fragment_message(ping(ed25519_, 1, 1800), 800)) verify(piece);
  rig_.advance_ms(rig_.policy.signer_hold_ms);
  EXPECT_TRUE(release().empty());
  EXPECT_EQ(leave(), (Fates{"hold_timeout", "hold_timeout", "hold_timeout"}));
}

TEST_F(Verify, TimesOutFragmentsThatNeverBecomeAMessage) {  // D-13
  verify(fragment_message(ping(ed25519_, 1, 1800), 800)[0]);
  rig_.advance_ms(rig_.policy.reassembly_timeout_ms - 1);
  release();
  EXPECT_TRUE(leave().empty());
  rig_.advance_ms(1);
  release();
  EXPECT_EQ(leave(), (Fates{"reassembly_timeout"}));
}

TEST_F(Verify, NamesTheFaultsOfFragments) {
  const Bytes whole = ping(ed25519_, 1, 1800);
  const std::vector<Bytes> pieces = fragment_message(whole, 800);
  EXPECT_EQ(verify(pieces[0]), "taken");
  Bytes other = pieces[0];
  other.back() ^= std::byte{1};
  EXPECT_EQ(verify(other), "fragment_overlap");

  Bytes small = pieces[0];
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(small, header).ok());
  small.resize(header.size() + 200);
  wire::store_be32(small.data() + header_offset::kLength, static_cast<std::uint32_t>(small.size()));
  EXPECT_EQ(verify(small), "fragment_too_small");

  policy().reassembly_bytes = 100;
  EXPECT_EQ(verify(pieces[1]), "reassembly_full");
}

TEST_F(Verify, NamesTheFaultsOfAMessagePutTogether) {
  const auto put_together = [this](const Bytes& whole) {
    for (const Bytes& piece : fragment_message(whole, 800)) verify(piece);
    return leave();
  };
  ForwardingHeader header;
  Bytes contents = ping(ed25519_, 1, 1000);
  ASSERT_TRUE(parse_forwarding_header(contents, header).ok());
  wire::store_be32(contents.data() + header.size() + 2, 0x00ffffff);
  EXPECT_EQ(put_together(contents), (Fates{"bad_contents", "bad_contents"}));
  const Bytes block = rig_.ping(node_at(7), 2, 1000).with_security_block(Bytes(7));
  EXPECT_EQ(put_together(block), (Fates{"bad_security_block", "bad_security_block"}));
}

TEST_F(Verify, RefusesAMessageThatIsTooLargeOnceItIsTogether) {
  // Each fragment is cut off below the maximum, and the header of the first one is longer.
  const Bytes whole = ping(ed25519_, 1, 1000);
  const std::vector<Bytes> pieces = fragment_message(whole, 900);
  ASSERT_EQ(pieces.size(), 2U);
  MessageBuilder longer = rig_.ping(node_at(7), 1, 1000);
  for (std::uint64_t hop = 1; hop < 12; ++hop) longer.via(node_at(hop));
  const Bytes other = longer.sign(ed25519_.identity);
  const std::vector<Bytes> longer_pieces = fragment_message(other, 1100);
  rig_.policy.max_message_size = static_cast<std::uint32_t>(whole.size());
  EXPECT_EQ(verify(longer_pieces[0]), "taken");
  EXPECT_EQ(verify(pieces[1]), "taken");
  const Fates fates = leave();
  ASSERT_FALSE(fates.empty());
  for (const std::string& how : fates) EXPECT_EQ(how, "message_too_large");
}

TEST_F(Verify, ObeysTheFragmentPolicyOfTheLinkClass) {
  const std::vector<Bytes> pieces = fragment_message(ping(ed25519_, 1, 1800), 800);
  policy().fragments = FragmentPolicy::kDrop;
  EXPECT_EQ(verify(pieces[0]), "fragment_refused");
  policy().fragments = FragmentPolicy::kPass;
  EXPECT_EQ(verify(pieces[0]), "live");
  EXPECT_EQ(rig_.counters->fragments_passed.get(), 1U);
  policy().fragments = FragmentPolicy::kVerify;
  policy().verify = VerifyPolicy::kOff;
  EXPECT_EQ(verify(pieces[0]), "live");
  EXPECT_EQ(rig_.counters->verify_off.get(), 1U);
  EXPECT_EQ(held(), 0U);
}

}  // namespace
