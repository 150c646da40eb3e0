// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/socket_forwarder.h"

#include <gtest/gtest.h>

#include <optional>
#include <tuple>

#include "tests/bench/baseline/forwarder_rig.h"
#include "wire/reload/forwarding_header.h"

namespace {

using namespace wire::reload;
using bench::baseline::Io;
using bench::baseline::Records;
using bench::baseline::SocketNode;
using tests::bench::Bytes;
using tests::bench::ForwarderRig;
using tests::dataplane::node_id;
using tests::dataplane::TestSigner;

class SocketForwarderTest : public ::testing::Test {
 protected:
  void SetUp() override { rig_.add_signer(signer_); }
  [[nodiscard]] Bytes ping(std::uint64_t transaction = 1) const {
    return ForwarderRig::ping(transaction, ForwarderRig::neighbor(1)).sign(signer_.identity());
  }
  const SocketForwarderTest& nothing_comes_of(const Bytes& message) {
    EXPECT_TRUE(rig_.through(message).empty());
    return *this;
  }
  [[nodiscard]] const auto& counted() const { return rig_.forwarder.counters(); }

  const TestSigner signer_{3};
  ForwarderRig rig_;
};

TEST_F(SocketForwarderTest, PushesTheViaEntryAndTakesOneHop) {
  const Bytes out = rig_.through(ping());
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(out, header).ok());
  EXPECT_EQ(header.ttl, 99);
  ASSERT_EQ(header.via_list_length, kCompactEntryBytes);
  const CompactId via = CompactId::decode(wire::load_be16(out.data() + kFixedHeaderBytes));
  EXPECT_EQ(via.slot, 0);
  EXPECT_EQ(out.size(), ping().size() + kCompactEntryBytes);
  EXPECT_EQ(counted().forwarded, 1U);
}

TEST_F(SocketForwarderTest, AcknowledgesEveryMessageAndNumbersItsOwn) {
  for (std::uint64_t i = 1; i <= 3; ++i) rig_.send(0, ping(i));
  EXPECT_EQ(rig_.forwarder.turn(), 3U);
  const auto back = rig_.out(0);
  ASSERT_EQ(back.acks.size(), 3U);
  EXPECT_EQ(back.acks[2].sequence, 3U);
  EXPECT_EQ(back.acks[2].received, 0b110U);
  EXPECT_EQ(rig_.out(1).sequences, (std::vector<std::uint32_t>{1, 2, 3}));
}

TEST_F(SocketForwarderTest, DropsWhatItsSignerDidNotSign) {
  Bytes message = ping();
  message.back() ^= std::byte{1};
  nothing_comes_of(message);
  EXPECT_EQ(counted().bad_signature, 1U);
  EXPECT_FALSE(rig_.through(ping()).empty()) << "the key's context is spoiled";
}

TEST_F(SocketForwarderTest, DropsWhatNobodyItKnowsSigned) {
  const TestSigner stranger{4};
  nothing_comes_of(ForwarderRig::ping(1, ForwarderRig::neighbor(1)).sign(stranger.identity()));
  EXPECT_EQ(counted().signer_unknown, 1U);
}

TEST_F(SocketForwarderTest, ForwardsAnySignatureWithVerifyOff) {
  ForwarderRig rig(false);
  Bytes message = ping();
  message.back() ^= std::byte{1};
  EXPECT_FALSE(rig.through(message).empty());
}

TEST_F(SocketForwarderTest, DropsAnExpiredMessage) {
  nothing_comes_of(
      ForwarderRig::ping(1, ForwarderRig::neighbor(1)).ttl(0).sign(signer_.identity()));
  EXPECT_EQ(counted().ttl_exceeded, 1U);
}

TEST_F(SocketForwarderTest, DropsAMessageOfAnotherOverlay) {
  nothing_comes_of(ForwarderRig::ping(1, ForwarderRig::neighbor(1))
                       .overlay(OverlayHash{5})
                       .sign(signer_.identity()));
  EXPECT_EQ(counted().wrong_overlay, 1U);
}

TEST_F(SocketForwarderTest, DropsGarbageOnEveryLayer) {
  rig_.send_datagram(0, Bytes(100, std::byte{0x16}));
  rig_.send_datagram(0, rig_.sealed(0, Bytes(20, std::byte{0x7f})));
  rig_.send(0, Bytes(60, std::byte{0xd2}));
  EXPECT_EQ(rig_.forwarder.turn(), 3U);
  EXPECT_EQ(counted().bad_records, 1U);
  EXPECT_EQ(counted().malformed, 2U);
}

TEST_F(SocketForwarderTest, DropsAMessageTooLongToBeSentOn) {
  const auto message_of = [&](std::size_t bytes) {
    const auto padded = [&](std::size_t padding) {
      return ForwarderRig::ping(1, ForwarderRig::neighbor(1))
          .contents(MessageCode::kPingReq, ping_request_body(padding))
          .sign(signer_.identity());
    };
    return padded(bytes - padded(0).size());
  };
  constexpr std::size_t kFits = 1950;  // and 1980 still fits into a datagram
  EXPECT_EQ(rig_.through(message_of(kFits)).size(), kFits + kCompactEntryBytes);
  nothing_comes_of(message_of(kFits + 30));
  EXPECT_EQ(counted().malformed, 1U);
}

TEST_F(SocketForwarderTest, HasNoUseForMessagesOfItsOwn) {
  nothing_comes_of(ForwarderRig::ping(1, node_id(0x10)).sign(signer_.identity()));
  EXPECT_EQ(counted().no_route, 1U);
}

TEST_F(SocketForwarderTest, StopsAtAFullWindowAndGoesOnWithAcks) {
  constexpr std::uint32_t kWindow = bench::baseline::SocketForwarder::kWindow;
  const Bytes message = ping();
  std::uint32_t passed = 0;
  const auto send = [&] {
    rig_.send(0, message);
    rig_.forwarder.turn();
    passed += static_cast<std::uint32_t>(rig_.out(1).messages.size());
    (void)rig_.out(0);
  };
  for (std::uint32_t i = 0; i < kWindow + 3; ++i) send();
  EXPECT_EQ(passed, kWindow);
  EXPECT_EQ(counted().window_full, 3U);
  rig_.acknowledge(1, 1'000'000);  // of a frame that was never sent
  send();
  EXPECT_EQ(passed, kWindow);
  rig_.acknowledge(1, kWindow);
  rig_.forwarder.turn();
  send();
  EXPECT_EQ(passed, kWindow + 1);
}

TEST_F(SocketForwarderTest, RefusesKeysThatAreNotEd25519) {
  const auto p256 = crypto::SigningKey::generate(crypto::Algorithm::kEcdsaP256Sha256);
  EXPECT_FALSE(rig_.forwarder.add_signer({}, p256->public_spki()));
  EXPECT_FALSE(rig_.forwarder.add_signer({}, Bytes(20)));
}

/// The forwarder with the neighbours that benches use.
class SocketNodeTest : public ::testing::TestWithParam<std::tuple<Io, Records>> {};

TEST_P(SocketNodeTest, LosesNothingOnTheWay) {
  constexpr unsigned kMessages = 32, kTurns = 20;
  const TestSigner signer{3};
  std::optional<SocketNode> node = SocketNode::create(
      {.self = node_id(0x10), .overlay = ForwarderRig::kOverlay, .verify = true},
      {.io = std::get<Io>(GetParam()),
       .records = std::get<Records>(GetParam()),
       .sender = ForwarderRig::neighbor(0),
       .taker = ForwarderRig::neighbor(1)},
      {ForwarderRig::ping(1, ForwarderRig::neighbor(1)).sign(signer.identity())});
  ASSERT_TRUE(node);
  const wire::shm::SignerRecord record = signer.record();
  ASSERT_TRUE(node->forwarder->add_signer(
      record.key, std::span(record.public_key).first(record.public_key_length)));
  for (unsigned turn = 1; turn <= kTurns; ++turn) {
    node->neighbors->send(kMessages);
    node->forwarder->turn();
    EXPECT_EQ(node->neighbors->acknowledge(), kMessages);
    EXPECT_EQ(node->neighbors->acked(), std::uint64_t{turn} * kMessages);
  }
  node->forwarder->turn();
  EXPECT_EQ(node->forwarder->counters().forwarded, kTurns * kMessages);
  EXPECT_EQ(node->forwarder->counters().acks, kTurns * kMessages);
}

INSTANTIATE_TEST_SUITE_P(EveryWay, SocketNodeTest,
                         ::testing::Combine(::testing::Values(Io::kEach, Io::kTrains),
                                            ::testing::Values(Records::kNone, Records::kDtls)));

}  // namespace
