// SPDX-License-Identifier: Apache-2.0
// Secure links as a neighbour and an eavesdropper with all keys see them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/secure_wire.h"
#include "wire/dtls/record.h"

namespace dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::AssociationPair;
using tests::Bytes;
using tests::data_frame;
using tests::LinkRig;
using tests::SecureWire;
using wire::dtls::Aead;
using wire::shm::DropReason;
using wire::shm::EventKind;
using wire::shm::LinkState;

Bytes message(std::uint32_t number, std::size_t size = 100) {
  Bytes out(size, static_cast<std::byte>(number));
  wire::store_be32(out.data(), number);
  return out;
}
std::vector<Bytes> messages(std::uint32_t from, std::uint32_t count) {
  std::vector<Bytes> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(message(from + i));
  return out;
}
std::uint32_t number_of(const Bytes& bytes) { return wire::load_be32(bytes.data()); }

/// A handshake record of epoch 0 with this many bytes of payload.
Bytes handshake_record(std::size_t bytes = 12) {
  Bytes out(wire::dtls::kRecordHeaderBytes + bytes, std::byte{1});
  wire::dtls::write_record_header(
      {.type = wire::dtls::ContentType::kHandshake, .length = static_cast<std::uint16_t>(bytes)},
      std::span(out).first<wire::dtls::kRecordHeaderBytes>());
  return out;
}

std::vector<wire::shm::Event> of_kind(std::vector<wire::shm::Event> events, EventKind kind) {
  std::erase_if(events, [&](const wire::shm::Event& event) { return event.kind != kind; });
  return events;
}

class EveryCipher : public ::testing::TestWithParam<std::tuple<Aead, unsigned, bool>> {};

TEST_P(EveryCipher, CarriesMessagesAndAcksInRecordsOnly) {
  const auto [aead, family, shares] = GetParam();
  SecureWire wire(1, 0, shares, static_cast<std::uint8_t>(family));
  wire.a.policy.lab_links = wire.b.policy.lab_links = 0;
  wire.install(wire.make(1, aead));
  for (const std::size_t size : {1U, 100U, 700U, 1400U}) {
    wire.a.send(0, {Bytes(size, std::byte{0x42})});
    for (int ms = 0; ms < 10; ++ms) wire.step();
    ASSERT_FALSE(wire.messages_at_b.empty());
    EXPECT_EQ(wire.messages_at_b.back(), Bytes(size, std::byte{0x42}));
  }
  for (int ms = 0; ms < 20; ++ms) wire.step();
  EXPECT_EQ(wire.records, 8U) << "four messages, four acks";
  EXPECT_EQ(wire.a.status(0).acks_in.get(), 4U);
  EXPECT_EQ(wire.a.status(0).records_out.get(), 4U);
  EXPECT_EQ(wire.a.status(0).records_in.get(), 4U);
  EXPECT_EQ(wire.b.status(0).records_in.get(), 4U);
  EXPECT_EQ(wire.a.status(0).association.load(), 1U);
  EXPECT_EQ(wire.a.status(0).aead.load(), static_cast<std::uint8_t>(aead));
  EXPECT_EQ(wire.a.state(0), LinkState::kUp);
  EXPECT_EQ(wire.a.unaccounted(), 0);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.a.mbufs_in_use() + wire.b.mbufs_in_use(), 0U);
}

INSTANTIATE_TEST_SUITE_P(AndFamily, EveryCipher,
                         ::testing::Combine(::testing::Values(Aead::kAes128Gcm, Aead::kAes256Gcm,
                                                              Aead::kChaCha20Poly1305),
                                            ::testing::Values(4U, 6U), ::testing::Bool()));

// ---- without keys ----

TEST(Keyless, MessagesWaitForKeysAndTheControlPlaneIsAsked) {
  SecureWire wire;
  wire.a.send(0, messages(0, 3));
  EXPECT_THAT(wire.a.take_frames(), IsEmpty());
  EXPECT_EQ(wire.a.links->held(), 3U);
  wire.a.run_ms(LinkLayer::kSlices);
  EXPECT_EQ(wire.a.state(0), LinkState::kKeyless);
  auto asked = of_kind(wire.a.take_events(), EventKind::kAssociationWanted);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].link_slot, 0);
  EXPECT_EQ(asked[0].count, 0U) << "there is no association";
  wire.install(wire.make(1));
  for (int ms = 0; ms < 10; ++ms) wire.step();
  EXPECT_EQ(wire.messages_at_b, messages(0, 3));
  EXPECT_EQ(wire.a.unaccounted(), 0);
}

TEST(Keyless, TheControlPlaneIsAskedOnceASecondAndNotWithoutNeed) {
  SecureWire wire;
  wire.a.policy.queue_age_ms = 60'000;
  wire.a.run_ms(100);
  EXPECT_THAT(wire.a.take_events(), IsEmpty()) << "there is nothing to send";
  wire.a.send(0, messages(0, 1));
  wire.a.run_ms(2'500);
  EXPECT_EQ(of_kind(wire.a.take_events(), EventKind::kAssociationWanted).size(), 3U);
}

TEST(Keyless, MessagesAreBoundedInNumberAndTime) {
  SecureWire wire;
  wire.a.send(0, messages(0, LinkLayer::kResolvingLimit + 5));
  EXPECT_EQ(wire.a.drops(DropReason::kNoAssociation), 5U);
  wire.a.run_ms(wire.a.policy.queue_age_ms + LinkLayer::kSlices + 1);
  EXPECT_EQ(wire.a.drops(DropReason::kNoAssociation), 5U + LinkLayer::kResolvingLimit);
  EXPECT_EQ(wire.a.unaccounted(), 0);
  EXPECT_EQ(wire.a.mbufs_in_use(), 0U);
}

TEST(Keyless, NothingLeavesInTheClear) {
  SecureWire wire;
  wire.a.policy.lab_links = 1;
  wire.a.send(0, messages(0, 3));
  (void)wire.a.receive_datagram(2, data_frame(0, message(1)));
  wire.a.run_ms(3'000);
  EXPECT_THAT(wire.a.take_frames(), IsEmpty());
}

// ---- what is refused ----

class Refusals : public ::testing::Test {
 protected:
  Refusals() : pair(wire.make(1)) { wire.install(pair); }
  std::vector<Bytes> to_b(const Bytes& payload) { return wire.b.receive_datagram(1, payload); }
  Bytes good(std::uint64_t sequence) {
    return wire.record_of_a(pair, sequence,
                            data_frame(static_cast<std::uint32_t>(sequence), message(7)));
  }
  SecureWire wire;
  const AssociationPair& pair;
};

TEST_F(Refusals, ARecordThatCameBefore) {
  EXPECT_EQ(to_b(good(5)).size(), 1U);
  EXPECT_EQ(wire.b.take_frames().size(), 1U);
  EXPECT_THAT(to_b(good(5)), IsEmpty());
  EXPECT_THAT(wire.b.take_frames(), IsEmpty()) << "and gets no ack";
  EXPECT_EQ(wire.b.drops(DropReason::kRecordReplayed), 1U);
  EXPECT_EQ(to_b(good(5 + ReplayWindow::kBits)).size(), 1U);
  EXPECT_THAT(to_b(good(4)), IsEmpty()) << "it lies behind the window";
  EXPECT_EQ(wire.b.status(0).replays.get(), 2U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
}

TEST_F(Refusals, ARecordWithAnyBitChangedAndNothingElseSuffers) {
  const Bytes record = good(9);
  // Behind the header: nonce, ciphertext, tag. In front of them: type, version, epoch and length
  // are other refusals; the sequence number is authenticated.
  for (const std::size_t at :
       {std::size_t{10}, std::size_t{13}, std::size_t{21}, record.size() - 1}) {
    Bytes changed = record;
    changed[at] ^= std::byte{1};
    EXPECT_THAT(to_b(changed), IsEmpty()) << at;
  }
  EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 4U);
  EXPECT_EQ(wire.b.status(0).bad_records.get(), 4U);
  EXPECT_THAT(wire.b.take_frames(), IsEmpty()) << "forgeries are never answered";
  EXPECT_EQ(to_b(record).size(), 1U) << "no forgery moves the window";
}

TEST_F(Refusals, AFloodOfForgeriesIsReportedInFewRecords) {
  Bytes forged = good(9);
  forged.back() ^= std::byte{1};
  for (int i = 0; i < 1000; ++i) (void)to_b(forged);
  wire.b.run_ms(Evidence::kQuietMs + 1);
  const auto events = of_kind(wire.b.take_events(), EventKind::kEvidence);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].reason, DropReason::kRecordForged);
  EXPECT_EQ(events[0].count + events[1].count, 1000U);
  EXPECT_EQ(events[0].link_slot, 0);
}

TEST_F(Refusals, AnotherEpoch) {
  Bytes epoch0 = good(3), epoch2 = good(3);
  epoch0[4] = std::byte{0};
  epoch2[4] = std::byte{2};
  EXPECT_THAT(to_b(epoch0), IsEmpty());
  EXPECT_THAT(to_b(epoch2), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEpoch), 2U);
}

TEST_F(Refusals, ARecordCutAnywhere) {
  const Bytes record = good(3);
  for (std::size_t size = 1; size < record.size(); ++size) {
    EXPECT_THAT(to_b({record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size)}),
                IsEmpty());
  }
  EXPECT_EQ(wire.b.drops(DropReason::kRecordMalformed), record.size() - 1);
  Bytes tiny = record;
  wire::store_be16(&tiny[11], 23);  // a nonce and less than a tag
  tiny.resize(13 + 23);
  EXPECT_THAT(to_b(tiny), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordMalformed), record.size());
}

TEST_F(Refusals, APlainFrameAndAFrameWithinThatIsNone) {
  EXPECT_THAT(to_b(data_frame(0, message(1))), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kLinkProtocol), 1U);
  EXPECT_THAT(to_b(wire.record_of_a(pair, 4, Bytes(20, std::byte{0x16}))), IsEmpty());
  EXPECT_THAT(to_b(wire.record_of_a(pair, 5, {})), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kBadFrame), 2U);
}

// ---- several records in one datagram ----

TEST_F(Refusals, ButNotRecordsBehindOneAnother) {
  const auto got = to_b(wire.datagram_to_b({good(1), good(2), good(3)}));
  EXPECT_EQ(got.size(), 3U);
  EXPECT_EQ(wire.b.take_frames().size(), 3U) << "each is acknowledged";
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

TEST_F(Refusals, ButNotDataBeforeAndBehindAHandshakeRecord) {
  const Bytes flight = wire.datagram_to_b({handshake_record(), handshake_record(30)});
  EXPECT_EQ(to_b(wire.datagram_to_b({good(1), flight, good(2)})).size(), 2U);
  const auto up = wire.b.take_handshakes();
  ASSERT_EQ(up.size(), 1U);
  EXPECT_EQ(Bytes(up[0].bytes.data(), up[0].bytes.data() + up[0].length), flight);
  EXPECT_EQ(wire.b.take_frames().size(), 2U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

TEST_F(Refusals, OfAForgedDatagramLookAtNothingElse) {
  Bytes forged = good(1);
  forged.back() ^= std::byte{1};
  EXPECT_THAT(to_b(wire.datagram_to_b({forged, good(2)})), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 1U);
  EXPECT_EQ(wire.b.counters.received.get(), 2U) << "ARP and the datagram: nothing was split off";
}

TEST_F(Refusals, WhatIsSplitOffIsLostWithoutBuffers) {
  wire.b.starving = true;
  EXPECT_EQ(to_b(wire.datagram_to_b({good(1), good(2)})).size(), 1U);
  wire.b.starving = false;
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(to_b(good(2)).size(), 1U);
}

// ---- data before its keys ----

TEST(EarlyRecords, WaitForTheKeysAndKeepTheirOrder) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  wire.install_a(pair);
  wire.a.send(0, messages(0, 5));
  EXPECT_THAT(wire.b.receive(wire.a.take_frames()), IsEmpty());
  EXPECT_EQ(wire.b.links->held(), 5U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  wire.install_b(pair);
  EXPECT_EQ(wire.b.receive({}), messages(0, 5));
  EXPECT_EQ(wire.b.take_frames().size(), 5U) << "all are acknowledged";
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

TEST(EarlyRecords, AreBoundedInNumberAndTime) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  for (std::uint32_t i = 0; i < EarlyRecords::kLimit + 3; ++i) {
    (void)wire.b.receive_datagram(1, wire.record_of_a(pair, i + 1, data_frame(i, message(i))));
  }
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEarly), 3U);
  wire.b.run_ms(EarlyRecords::kHoldMs - 10);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEarly), 3U);
  wire.b.run_ms(20);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEarly), 3U + EarlyRecords::kLimit);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

TEST(EarlyRecords, MustAtLeastLookLikeData) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  Bytes record = wire.record_of_a(pair, 1, data_frame(0, message(0)));
  record[4] = std::byte{0};
  (void)wire.b.receive_datagram(1, record);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEpoch), 1U);
  record.pop_back();
  (void)wire.b.receive_datagram(1, record);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordMalformed), 1U);
}

TEST(EarlyRecords, OfAnotherKeyAreForgeriesOnceTheKeysAreThere) {
  SecureWire wire;
  const AssociationPair wrong(99, Aead::kAes128Gcm);
  (void)wire.b.receive_datagram(1, handshake_record());
  (void)wire.b.receive_datagram(1, wire.record_of_a(wrong, 1, data_frame(0, message(0))));
  EXPECT_EQ(wire.b.links->held(), 1U);
  wire.install_b(wire.make(1));
  EXPECT_THAT(wire.b.receive({}), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 1U) << "it is not held a second time";
  EXPECT_EQ(wire.b.unaccounted(), 0);
}

TEST(EarlyRecords, ThatNoNewKeysOpenAreRefusedForWhatTheyAre) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  wire.install(pair);
  const AssociationPair wrong(99, Aead::kAes128Gcm);
  const Bytes good = wire.record_of_a(pair, 1, data_frame(0, message(0)));
  EXPECT_EQ(wire.b.receive_datagram(1, good).size(), 1U);
  EXPECT_EQ(wire.b.take_frames().size(), 1U) << "the ack";
  // No key is on its way, but anybody can make it look so.
  (void)wire.b.receive_datagram(1, handshake_record());
  (void)wire.b.receive_datagram(1, wire.record_of_a(wrong, 2, data_frame(1, message(1))));
  (void)wire.b.receive_datagram(1, good);
  wire.b.run_ms(EarlyRecords::kHoldMs + 20);
  EXPECT_THAT(wire.b.receive({}), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 1U);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordReplayed), 1U);
  EXPECT_EQ(wire.b.drops(DropReason::kRecordEarly), 0U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

TEST(EarlyRecords, GoWithTheirLayer) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  (void)wire.b.receive_datagram(1, wire.record_of_a(pair, 1, data_frame(0, message(0))));
  wire.b.links->close_all(DropReason::kShutdown);
  wire.b.end_turn();
  EXPECT_EQ(wire.b.drops(DropReason::kShutdown), 1U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
  EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
}

// ---- new keys ----

TEST(NewKeys, LoseNothingWhicheverSideHasThemFirst) {
  for (const bool a_first : {true, false}) {
    SecureWire wire;
    wire.a.policy.queue_age_ms = 60'000;
    wire.install(wire.make(1));
    constexpr std::uint32_t kMessages = 2'000;
    std::uint32_t sent = 0;
    std::uint32_t association = 1;
    for (unsigned ms = 0; ms < 20'000 && (sent < kMessages || wire.messages_at_b.size() < sent);
         ++ms) {
      if (sent < kMessages && wire.a.links->held() < 50) {
        wire.a.send(0, messages(sent, 4));
        sent += 4;
      }
      if (sent < kMessages &&
          ms % 50 == 25) {  // a handshake is done: one side knows it 10 ms before the other
        ++association;
        const AssociationPair& next = wire.make(association, static_cast<Aead>(association % 3));
        (void)wire.a.receive_datagram(2, handshake_record());
        (void)wire.b.receive_datagram(1, handshake_record());
        a_first ? wire.install_a(next) : wire.install_b(next);
        for (int later = 0; later < 10; ++later, sent += 2) {
          wire.a.send(0, messages(sent, 2));
          wire.step();
        }
        a_first ? wire.install_b(next) : wire.install_a(next);
      }
      wire.step();
    }
    EXPECT_GE(association, 5U);
    EXPECT_EQ(wire.messages_at_b.size(), sent) << "a_first " << a_first;
    EXPECT_EQ(wire.a.counters.retransmitted.get(), 0U) << "nothing was even late";
    EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 0U);
    EXPECT_EQ(wire.a.status(0).rekeys.get(), association - 1);
    EXPECT_EQ(wire.a.unaccounted(), 0);
    EXPECT_EQ(wire.b.unaccounted(), 0);
  }
}

TEST(NewKeys, AReplayDuringAHandshakeIsStillAReplay) {
  SecureWire wire;
  const AssociationPair& pair = wire.make(1);
  wire.install(pair);
  const Bytes record = wire.record_of_a(pair, 3, data_frame(3, message(3)));
  EXPECT_EQ(wire.b.receive_datagram(1, record).size(), 1U);
  (void)wire.b.receive_datagram(1, handshake_record());
  EXPECT_THAT(wire.b.receive_datagram(1, record), IsEmpty());
  EXPECT_EQ(wire.b.links->held(), 1U) << "it could be the third of the next association";
  wire.install_b(wire.make(2));
  EXPECT_THAT(wire.b.receive({}), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordReplayed), 1U);
  EXPECT_EQ(wire.b.status(0).replays.get(), 1U);
  EXPECT_EQ(wire.b.unaccounted(), 0);
}

TEST(NewKeys, LeaveTheOldOnesForWhatComesLateAndForAMinute) {
  SecureWire wire;
  const AssociationPair& first = wire.make(1);
  wire.install(first);
  wire.install(wire.make(2));
  const auto late = [&](std::uint64_t sequence) {
    return wire.b.receive_datagram(
        1, wire.record_of_a(first, sequence,
                            data_frame(static_cast<std::uint32_t>(sequence), message(1))));
  };
  EXPECT_EQ(late(100).size(), 1U);
  EXPECT_THAT(late(100), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordReplayed), 1U);
  wire.b.run_ms(59'000);
  EXPECT_EQ(late(101).size(), 1U);
  wire.b.run_ms(2'000);
  EXPECT_THAT(late(102), IsEmpty());
  EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 1U);
  EXPECT_EQ(wire.b.keys->in_use(), 1U) << "the old keys are gone from memory";
}

TEST(NewKeys, TwiceAtOnceLeaveTheLastTwo) {
  SecureWire wire;
  wire.install(wire.make(1));
  wire.a.send(0, messages(0, 3));
  wire.step();  // sealed with the first, and in flight
  wire.install(wire.make(2));
  wire.install(wire.make(3));
  wire.a.send(0, messages(3, 3));
  for (int ms = 0; ms < 500; ++ms) wire.step();
  EXPECT_EQ(wire.a.status(0).association.load(), 3U);
  EXPECT_GE(wire.messages_at_b.size(), 3U);
  EXPECT_EQ(number_of(wire.messages_at_b.back()), 5U);
  EXPECT_EQ(wire.a.unaccounted(), 0);
  for (int ms = 0; ms < 30'000; ++ms) wire.step();
  EXPECT_EQ(wire.a.mbufs_in_use(), 0U);
}

TEST(NewKeys, WithinATurnLeaveWhatIsLaidOutToTheKeysItIsLaidOutFor) {
  // Ciphers differ in how much room a record has in front.
  for (const unsigned changes : {1U, 2U, 3U}) {
    SecureWire wire;
    wire.install(wire.make(1, Aead::kChaCha20Poly1305));
    wire.a.links->begin_turn(wire.a.now);
    wire.a.submit(0, messages(0, 3));
    for (std::uint32_t number = 2; number < 2 + changes; ++number) {
      wire.install_a(wire.make(number, Aead::kAes128Gcm));
    }
    (void)wire.a.links->open(*wire.a.table->by_slot(0));  // as for anything that comes in
    wire.a.end_turn();
    for (int ms = 0; ms < 5; ++ms) wire.step();
    EXPECT_EQ(wire.messages_at_b, messages(0, 3)) << changes << " changes";
    EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 0U) << changes << " changes";
    EXPECT_EQ(wire.a.status(0).association.load(), 1 + changes);
  }
}

TEST(NewKeys, AreWantedAfterSoManyRecordsBytesAndSeconds) {
  struct Case {
    const char* what;
    std::uint64_t records;
    std::uint32_t mib, s;
    bool wanted;
  };
  for (const Case& one :
       {Case{"none", 0, 0, 0, false}, Case{"records", 20, 0, 0, true}, Case{"bytes", 0, 1, 0, true},
        Case{"age", 0, 0, 2, true}, Case{"far", 1'000'000, 1'000, 3'600, false}}) {
    SecureWire wire;
    wire.install(wire.make(7));
    wire.a.policy.rekey_records = one.records;
    wire.a.policy.rekey_mib = one.mib;
    wire.a.policy.rekey_s = one.s;
    for (unsigned ms = 0; ms < 3'000; ++ms) {
      if (ms < 1'000) wire.a.send(0, {message(ms, 1'200)});
      wire.step();
    }
    const auto asked = of_kind(wire.a.take_events(), EventKind::kAssociationWanted);
    EXPECT_EQ(!asked.empty(), one.wanted) << one.what;
    EXPECT_LE(asked.size(), 3U) << one.what;
    if (!asked.empty()) {
      EXPECT_EQ(asked[0].count, 7U) << "the number of those in use";
    }
  }
}

TEST(NewKeys, AreNeededWhenTheNumbersEnd) {
  SecureWire wire;
  // As far as a link goes: the last numbers are never used.
  const std::uint64_t last = wire::dtls::kMaxSequence - (std::uint64_t{1} << 16U);
  wire.install(wire.make(1, Aead::kAes128Gcm, last - 3));
  wire.a.policy.queue_age_ms = 60'000;
  wire.a.send(0, messages(0, 3));
  for (int ms = 0; ms < 20; ++ms) wire.step();
  EXPECT_EQ(wire.messages_at_b.size(), 3U);
  EXPECT_EQ(wire.a.state(0), LinkState::kKeyless);
  wire.a.send(0, messages(3, LinkLayer::kResolvingLimit + 2));
  EXPECT_EQ(wire.a.drops(DropReason::kSequenceExhausted), 2U);
  wire.a.run_ms(LinkLayer::kSlices);
  EXPECT_FALSE(of_kind(wire.a.take_events(), EventKind::kAssociationWanted).empty());
  wire.install(wire.make(2));
  for (int ms = 0; ms < 20; ++ms) wire.step();
  EXPECT_EQ(wire.messages_at_b.size(), 3U + LinkLayer::kResolvingLimit);
  EXPECT_EQ(wire.a.unaccounted(), 0);
}

TEST(NewKeys, ThatAreTakenAwayLeaveTheLinkWithout) {
  SecureWire wire;
  wire.install(wire.make(1));
  wire.a.send(0, messages(0, 1));
  for (int ms = 0; ms < 20; ++ms) wire.step();
  std::string why;
  ASSERT_TRUE(wire.a.table->forget(0, 0, why)) << why;
  wire.a.run_ms(LinkLayer::kSlices);
  EXPECT_EQ(wire.a.state(0), LinkState::kKeyless);
  EXPECT_EQ(wire.a.status(0).association.load(), 0U);
  EXPECT_EQ(wire.a.keys->in_use(), 0U);
  wire.a.send(0, messages(1, 1));
  EXPECT_THAT(wire.a.take_frames(), IsEmpty());
  EXPECT_EQ(wire.a.links->held(), 1U);
}

TEST(NewKeys, GoWithTheirLink) {
  SecureWire wire;
  wire.install(wire.make(1));
  wire.install(wire.make(2));
  wire.a.run_ms(2);
  EXPECT_EQ(wire.a.keys->in_use(), 2U);
  wire.a.remove_link(0);
  wire.a.run_ms(2);
  EXPECT_EQ(wire.a.keys->in_use(), 0U);
  wire.a.add_link(0, 2, true, 1);
  wire.a.run_ms(LinkLayer::kSlices);
  EXPECT_EQ(wire.a.state(0), LinkState::kKeyless) << "another node has none";
}

// ---- sent again ----

class Lossy : public ::testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(Lossy, EverythingArrivesAndNoNumberIsUsedTwice) {
  const auto [shares, rekeys] = GetParam();
  constexpr std::uint32_t kMessages = 1500;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SecureWire wire(seed, 0.05, shares);
    wire.a.policy.queue_age_ms = 600'000;
    std::uint32_t association = 1;
    wire.install(wire.make(1));
    std::set<std::uint32_t> arrived;
    std::uint32_t sent = 0;
    for (unsigned ms = 0; ms < 60'000 && arrived.size() < kMessages; ++ms) {
      if (sent < kMessages && wire.a.links->held() < 500) {
        wire.a.send(0, messages(sent, 10));
        sent += 10;
      }
      if (rekeys && ms % 40 == 20) {
        ++association;
        wire.install(wire.make(association, static_cast<Aead>(association % 3)));
      }
      wire.step();
      for (const Bytes& one : wire.messages_at_b) arrived.insert(number_of(one));
      wire.messages_at_b.clear();
      ASSERT_EQ(wire.a.unaccounted(), 0);
      ASSERT_EQ(wire.b.unaccounted(), 0);
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_EQ(arrived.size(), kMessages) << "seed " << seed;
    EXPECT_GT(wire.a.counters.retransmitted.get(), 20U);
    for (unsigned ms = 0; ms < 10'000; ++ms) wire.step();
    EXPECT_EQ(wire.b.drops(DropReason::kRecordForged), 0U);
    EXPECT_EQ(wire.a.mbufs_in_use(), 0U) << "seed " << seed;
    EXPECT_EQ(wire.b.mbufs_in_use(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(SharedOrNotRekeyedOrNot, Lossy,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool()));

TEST(LossySecure, ALinkThatLosesAFifthBothWaysGetsMessagesThrough) {
  constexpr std::uint32_t kMessages = 60;
  std::size_t arrived = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SecureWire wire(seed, 0.2);
    wire.a.policy.queue_age_ms = 60'000;
    wire.install(wire.make(1));
    std::set<std::uint32_t> seen;
    for (std::uint32_t sent = 0; sent < kMessages; ++sent) {
      wire.a.send(0, messages(sent, 1));
      for (unsigned ms = 0; ms < 67; ++ms) wire.step();
    }
    for (unsigned ms = 0; ms < 20'000; ++ms) wire.step();
    for (const Bytes& one : wire.messages_at_b) seen.insert(number_of(one));
    arrived += seen.size();
    EXPECT_EQ(wire.a.unaccounted(), 0);
  }
  EXPECT_GE(arrived, 20 * kMessages * 99 / 100);
}

// ---- records of the control plane ----

TEST(ControlRecord, IsSealedWithTheNextNumberOfTheKeysItNames) {
  SecureWire wire;
  wire.install(wire.make(1, Aead::kAes128Gcm, 10));
  wire.a.send(0, messages(0, 1));
  wire.a.send_record(0, 22, 1, Bytes(16, std::byte{0x14}));
  wire.install(wire.make(2, Aead::kChaCha20Poly1305, 1));
  wire.a.send_record(0, 21, 2, Bytes(2, std::byte{1}));
  wire.a.send_record(0, 22, 1, Bytes(16, std::byte{0x15}));
  const auto frames = wire.a.take_frames();
  ASSERT_EQ(frames.size(), 4U);
  const unsigned types[] = {23, 22, 21, 22};
  const std::uint64_t sequences[] = {10, 11, 1, 12};
  const std::uint32_t associations[] = {1, 1, 2, 1};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto seen = wire.look(frames[i]);
    ASSERT_TRUE(seen.has_value()) << i;
    EXPECT_EQ(seen->content_type, types[i]) << i;
    EXPECT_EQ(seen->sequence, sequences[i]) << i;
    EXPECT_EQ(seen->association, associations[i]) << i;
  }
  EXPECT_EQ(wire.a.unaccounted(), 0);
}

TEST(ControlRecord, IsRefusedForKeysThatAreNotThereAndAsData) {
  SecureWire wire;
  wire.a.send_record(0, 22, 1, Bytes(16));
  wire.a.send_record(0, 22, 0, Bytes(16));
  EXPECT_EQ(wire.a.drops(DropReason::kNoAssociation), 2U);
  wire.install(wire.make(1));
  wire.a.send_record(0, 22, 2, Bytes(16));
  EXPECT_EQ(wire.a.drops(DropReason::kNoAssociation), 3U);
  wire.a.send_record(0, 23, 1, Bytes(16));
  wire.a.send_record(0, 24, 1, Bytes(16));
  EXPECT_EQ(wire.a.drops(DropReason::kRecordMalformed), 2U);
  wire.a.add_link(3, 9, false);
  EXPECT_EQ(wire.a.install(AssociationPair(1, Aead::kAes128Gcm).for_a(3)), "");
  wire.a.send_record(3, 22, 1, Bytes(16));
  EXPECT_EQ(wire.a.drops(DropReason::kNeighborUnresolved), 1U);
  EXPECT_THAT(wire.a.take_frames(), IsEmpty());
  EXPECT_EQ(wire.a.unaccounted(), 0);
}

TEST(ControlRecord, WithoutRoomForATagIsADropWithAName) {
  SecureWire wire;
  wire.install(wire.make(1));
  wire.a.send_record(0, 22, 1, Bytes(wire::shm::kMaxPacketBytes));
  EXPECT_EQ(wire.a.drops(DropReason::kSealFailed), 1U);
  EXPECT_EQ(wire.a.unaccounted(), 0);
  EXPECT_EQ(wire.a.mbufs_in_use(), 0U);
}

}  // namespace
}  // namespace dataplane
