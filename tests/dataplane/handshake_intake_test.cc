// SPDX-License-Identifier: Apache-2.0
#include "dataplane/handshake_intake.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/dataplane/frames.h"

namespace dataplane {
namespace {

using tests::dataplane::at;
using tests::dataplane::Bytes;
using wire::shm::DropReason;
using wire::shm::PacketRecord;

/// A record of epoch 0 whose payload begins with a handshake header of this type.
Bytes handshake(unsigned handshake_type, unsigned content_type = 22, unsigned minor = 0xff) {
  Bytes out = tests::dataplane::bytes({content_type, 0xfe, minor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12});
  out.push_back(static_cast<std::byte>(handshake_type));
  out.resize(out.size() + 11);
  return out;
}

class HandshakeIntakeTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSecond = 1'000'000'000;

  HandshakeIntakeTest() {
    context_.link_in = wire::shm::kNoLink;
    context_.link_generation = 0;
    context_.port = 1;
    context_.local = at("10.0.1.1", 6084);
    context_.remote = at("10.0.1.2", 7000);
  }
  bool from_stranger(const Bytes& datagram) {
    return intake_.from_stranger(context_, frame_, datagram, policy_, now_, why_);
  }
  bool from_link(const Bytes& datagram) {
    context_.link_in = 3;
    context_.link_generation = 2;
    return intake_.from_link(context_, datagram, bucket_, policy_, now_, why_);
  }
  PacketRecord taken() {
    PacketRecord out;
    EXPECT_EQ(ring_->consume(1, [&](const PacketRecord& record) { out = record; }), 1U);
    return out;
  }

  std::unique_ptr<wire::shm::HandshakeRing> ring_ = std::make_unique<wire::shm::HandshakeRing>();
  HandshakeIntake intake_{*ring_, kSecond};
  TokenBucket bucket_;
  wire::shm::PolicyTable policy_;
  PacketContext context_{};
  /// Of which only the sender's address is read.
  Bytes frame_ = tests::dataplane::bytes({1, 2, 3, 4, 5, 6, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 8, 0});
  std::uint64_t now_ = 100 * kSecond;
  DropReason why_{};
};

TEST_F(HandshakeIntakeTest, KnowsAClientHelloByItsRecordAndItsType) {
  EXPECT_TRUE(is_client_hello(handshake(1)));
  EXPECT_TRUE(is_client_hello(handshake(1, 22, 0xfd)));
  EXPECT_FALSE(is_client_hello(handshake(2))) << "a ServerHello";
  EXPECT_FALSE(is_client_hello(handshake(1, 21))) << "an alert";
  EXPECT_FALSE(is_client_hello(handshake(1, 22, 0xfc))) << "no version of DTLS";
  Bytes epoch1 = handshake(1, 22, 0xfd);
  epoch1[4] = std::byte{1};
  EXPECT_FALSE(is_client_hello(epoch1));
  const Bytes whole = handshake(1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_client_hello({whole.data(), size})) << size;
  }
}

TEST_F(HandshakeIntakeTest, GivesTheDatagramUpAsItCameWithItsAddresses) {
  Bytes datagram = handshake(11, 22, 0xfd);
  datagram.push_back(std::byte{0x77});  // whatever follows
  now_ += 5;
  ASSERT_TRUE(from_link(datagram));
  const PacketRecord record = taken();
  EXPECT_EQ(record.kind, wire::shm::PacketKind::kHandshake);
  EXPECT_EQ(record.link_slot, 3);
  EXPECT_EQ(record.generation, 2);
  EXPECT_EQ(record.port, 1);
  EXPECT_EQ(record.local, at("10.0.1.1", 6084));
  EXPECT_EQ(record.remote, at("10.0.1.2", 7000));
  EXPECT_EQ(record.tsc, now_);
  EXPECT_EQ(Bytes(record.bytes.data(), record.bytes.data() + record.length), datagram);
}

TEST_F(HandshakeIntakeTest, TakesNothingButAClientHelloFromAStranger) {
  EXPECT_FALSE(from_stranger(handshake(16)));
  EXPECT_EQ(why_, DropReason::kUnknownLink);
  EXPECT_TRUE(from_stranger(handshake(1)));
  EXPECT_EQ(taken().link_slot, wire::shm::kNoLink);
}

TEST_F(HandshakeIntakeTest, SaysWhichStationAStrangersFrameCameFrom) {
  ASSERT_TRUE(from_stranger(handshake(1)));
  EXPECT_EQ(taken().mac, (MacAddress{0xa, 0xb, 0xc, 0xd, 0xe, 0xf}));
}

TEST_F(HandshakeIntakeTest, AFloodOfStrangersTakesNothingFromALink) {
  policy_.unknown_handshake_rate = {50, 100};
  unsigned passed = 0;
  // 20 000 a second for two seconds.
  for (unsigned i = 0; i < 40'000; ++i) {
    now_ += kSecond / 20'000;
    passed += from_stranger(handshake(1)) ? 1 : 0;
    if (i % 100 == 0) ring_->consume(100, [](const PacketRecord&) {});
  }
  EXPECT_EQ(why_, DropReason::kHandshakeRate);
  EXPECT_NEAR(passed, 200, 2);
  EXPECT_TRUE(from_link(handshake(1)));
}

TEST_F(HandshakeIntakeTest, ALinkHasItsOwnRateAndAnotherLinkAnother) {
  policy_.handshake_rate = {20, 40};
  unsigned passed = 0;
  for (unsigned i = 0; i < 100; ++i) passed += from_link(handshake(1)) ? 1 : 0;
  EXPECT_EQ(passed, 40U);
  EXPECT_EQ(why_, DropReason::kHandshakeRate);
  bucket_ = {};
  EXPECT_TRUE(from_link(handshake(1)));
}

TEST_F(HandshakeIntakeTest, SaysWhenTheRingIsFullAndWhenADatagramIsTooLong) {
  policy_.handshake_rate = {};  // no limit
  for (std::size_t i = 0; i < wire::shm::kHandshakeRing; ++i) ASSERT_TRUE(from_link(handshake(1)));
  EXPECT_FALSE(from_link(handshake(1)));
  EXPECT_EQ(why_, DropReason::kHandshakeRingFull);
  (void)taken();
  EXPECT_FALSE(from_link(Bytes(wire::shm::kMaxPacketBytes + 1, std::byte{22})));
  EXPECT_EQ(why_, DropReason::kDeliverTooLarge);
  EXPECT_TRUE(from_link(Bytes(wire::shm::kMaxPacketBytes, std::byte{22})));
}

}  // namespace
}  // namespace dataplane
