// SPDX-License-Identifier: Apache-2.0
// A comparison is fair when both do the same: what the forwarder on sockets sends on is, byte for
// byte, what a Hopseal node sends on.

#include <gtest/gtest.h>

#include <functional>

#include "tests/bench/baseline/forwarder_rig.h"
#include "tests/dataplane/node_rig.h"

namespace {

using namespace wire::reload;
using tests::bench::Bytes;
using tests::bench::ForwarderRig;
using tests::dataplane::node_id;
using tests::dataplane::NodeRig;
using tests::dataplane::TestSigner;

struct SameWork : ::testing::Test {
  void SetUp() override {
    ours.add_signer(signer);
    theirs.add_signer(signer);
    ASSERT_EQ(ours.overlay, ForwarderRig::kOverlay);
    ASSERT_EQ(NodeRig::neighbor(1), ForwarderRig::neighbor(1));
  }
  /// What a node makes of a message that comes by link @p from, if anything.
  Bytes by_node(const Bytes& message, unsigned from) {
    ours.send(from, message);
    ours.turn(2);
    const std::vector<Bytes> out = ours.messages(1 - from);
    return out.size() == 1 ? out[0] : Bytes{};
  }
  void expect_same(MessageBuilder builder, unsigned from = 0) {
    const Bytes message = builder.configuration_sequence(1).sign(signer.identity());
    const Bytes expected = by_node(message, from);
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(theirs.through(message, from), expected);
  }
  static MessageBuilder message(std::uint64_t transaction) {
    return MessageBuilder()
        .overlay(ForwarderRig::kOverlay)
        .transaction(TransactionId{transaction})
        .contents(MessageCode::kPingReq, ping_request_body(20));
  }
  const TestSigner signer{3};
  NodeRig ours;
  ForwarderRig theirs;
};

TEST_F(SameWork, IsDoneOnARequestForANeighbor) {
  expect_same(message(1).destination(NodeRig::neighbor(1)));
}

TEST_F(SameWork, IsDoneOnARequestWithAViaList) {
  expect_same(message(1).via(node_id(0x77)).via(node_id(0x78)).destination(NodeRig::neighbor(1)));
}

TEST_F(SameWork, IsDoneOnARequestForAPeerFurtherOn) {
  expect_same(message(1).destination(node_id(0x40)), 1);
}

TEST_F(SameWork, IsDoneOnADestinationListThatNamesTheNode) {
  expect_same(message(1).destination(node_id(0x10)).destination(NodeRig::neighbor(1)));
}

TEST_F(SameWork, IsDoneOnADestinationListThatNamesALink) {
  Bytes entry(kCompactEntryBytes);
  wire::store_be16(entry.data(), CompactId{1, 1}.encode());
  expect_same(message(1).destination_entry(entry).destination(node_id(0x90)));
}

TEST_F(SameWork, IsDoneOnAResponse) {
  expect_same(message(1)
                  .contents(MessageCode::kPingAns, ping_answer_body(1, 2))
                  .destination(NodeRig::neighbor(1)));
}

TEST_F(SameWork, IsDoneOnABadSignature) {
  Bytes bad = message(1)
                  .configuration_sequence(1)
                  .destination(NodeRig::neighbor(1))
                  .sign(signer.identity());
  bad.back() ^= std::byte{1};
  EXPECT_TRUE(by_node(bad, 0).empty());
  EXPECT_TRUE(theirs.through(bad).empty());
}

}  // namespace
