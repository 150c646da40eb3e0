// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/parse.h"

#include <gtest/gtest.h>

#include "tests/support/stage_rig.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/forwarding_option.h"

namespace {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::context_of;
using tests::burst_of;
using tests::fate;
using tests::node_at;
namespace at = wire::reload::header_offset;

class Parse : public ::testing::Test {
 protected:
  /// Parses one message and says what became of it.
  std::string parse(const Bytes& message) {
    StageRig::free(burst_);
    burst_ = burst_of({rig_.packet(message)});
    dataplane::parse(burst_, rig_.policy);
    return fate(burst_);
  }
  using StageRig = tests::StageRig;
  const dataplane::PacketContext& context() { return burst_.context(0); }
  Bytes good() { return rig_.ping(node_at(7)).sign(forger_.identity); }
  void TearDown() override {
    StageRig::free(burst_);
    EXPECT_EQ(rig_.mbufs_in_use(), 0U);
  }

  StageRig rig_;
  tests::TestSigner forger_ = tests::make_forger(1);
  Burst burst_;
};

TEST_F(Parse, FindsThePartsOfAMessageInPlace) {
  const Bytes message =
      rig_.ping(node_at(7), 99).via(node_at(3)).option(9, 0x05, {}).sign(forger_.identity);
  ASSERT_EQ(parse(message), "live");
  EXPECT_EQ(context().header.length, message.size());
  EXPECT_EQ(context().header.transaction_id, TransactionId{99});
  EXPECT_EQ(context().message_code, 0x17);
  EXPECT_EQ(context().traffic_class, TrafficClass::kLiveness);
  EXPECT_EQ(context().option_flags, kForwardCritical | kResponseCopy);
  EXPECT_EQ(context().scheme, SignatureScheme::kEd25519);
  EXPECT_EQ(context().contents_offset, context().header.size());
  EXPECT_EQ(context().identity_length, 37);
  EXPECT_EQ(context().signature_length, 64);
  EXPECT_EQ(context().certificates_length, 303);
  EXPECT_EQ(std::size_t{context().signature_offset} + context().signature_length, message.size());
  EXPECT_FALSE(context().deliver);
  EXPECT_EQ(context().signer, nullptr);
  EXPECT_EQ(context().piece_count, 0);
}

TEST_F(Parse, LeavesTheContentsOfAFragmentAlone) {  // B-02
  const Bytes message = rig_.ping(node_at(7), 1, 1200).sign(forger_.identity);
  const std::vector<Bytes> pieces = fragment_message(message, 700);
  ASSERT_GT(pieces.size(), 1U);
  for (const Bytes& piece : pieces) {
    ASSERT_EQ(parse(piece), "live");
    EXPECT_EQ(context().message_code, 0);
    EXPECT_EQ(context().contents_offset, 0);
    EXPECT_EQ(context().traffic_class, TrafficClass::kBulk);
  }
}

TEST_F(Parse, NamesEachFaultOfTheFixedHeader) {
  Bytes token = good();
  token[at::kToken] = std::byte{0x52};
  EXPECT_EQ(parse(token), "not_reload");
  Bytes version = good();
  version[at::kVersion] = std::byte{0x0b};
  EXPECT_EQ(parse(version), "bad_version");
  Bytes length = good();
  wire::store_be32(length.data() + at::kLength, static_cast<std::uint32_t>(length.size() + 1));
  EXPECT_EQ(parse(length), "bad_length");
  Bytes cut = good();
  cut.resize(37);
  EXPECT_EQ(parse(cut), "bad_length");
  EXPECT_EQ(parse({}), "bad_length");
  Bytes word = good();
  wire::store_be32(word.data() + at::kFragment, 0x40000000);
  EXPECT_EQ(parse(word), "bad_fragment_word");  // D-08
  Bytes lists = good();
  wire::store_be16(lists.data() + at::kViaListLength, 0xffff);
  EXPECT_EQ(parse(lists), "lists_too_long");
  Bytes empty = MessageBuilder()
                    .overlay(rig_.policy.overlay)
                    .contents(MessageCode::kPingReq, {})
                    .sign(forger_.identity);
  EXPECT_EQ(parse(empty), "empty_destination");
}

TEST_F(Parse, NamesEachFaultOfTheLists) {
  Bytes inner = good();
  inner[kFixedHeaderBytes + 1] = std::byte{0x0f};  // length of the node entry
  EXPECT_EQ(parse(inner), "bad_destination");
  Bytes zero = rig_.ping(NodeId{}).sign(forger_.identity);
  EXPECT_EQ(parse(zero), "bad_destination");
  Bytes unknown = good();
  unknown[kFixedHeaderBytes] = std::byte{0x04};
  EXPECT_EQ(parse(unknown), "unknown_destination");
  Bytes resource(16, std::byte{0x77});
  EXPECT_EQ(parse(MessageBuilder()
                      .overlay(rig_.policy.overlay)
                      .destination_resource(resource)
                      .destination(node_at(7))
                      .contents(MessageCode::kPingReq, {})
                      .sign(forger_.identity)),
            "misplaced_resource");
  Bytes entry(19);
  ASSERT_EQ(write_resource_entry(resource, entry), 19U);
  EXPECT_EQ(parse(rig_.ping(node_at(7)).via_entry(entry).sign(forger_.identity)),
            "misplaced_resource");
  Bytes option = rig_.ping(node_at(7)).option(9, 0, Bytes(4)).sign(forger_.identity);
  option[kFixedHeaderBytes + kNodeEntryBytes] = std::byte{0};
  EXPECT_EQ(parse(option), "bad_option");
}

TEST_F(Parse, NamesFaultsOfContentsAndSecurityBlock) {
  Bytes contents = good();
  wire::store_be32(contents.data() + kFixedHeaderBytes + kNodeEntryBytes + 2, 0x00ffffff);
  EXPECT_EQ(parse(contents), "bad_contents");
  EXPECT_EQ(parse(rig_.ping(node_at(7)).raw_code(0x9000).sign(forger_.identity)),
            "bad_contents");
  EXPECT_EQ(parse(rig_.ping(node_at(7)).with_security_block(Bytes(3))),
            "bad_security_block");
}

TEST_F(Parse, RefusesAMessageAboveTheMaximumButKnowsWhatItWasForTheAnswer) {
  const Bytes message = good();
  rig_.policy.max_message_size = static_cast<std::uint32_t>(message.size());
  EXPECT_EQ(parse(message), "live");
  rig_.policy.max_message_size = static_cast<std::uint32_t>(message.size() - 1);
  EXPECT_EQ(parse(message), "message_too_large");
  EXPECT_EQ(context().message_code, 0x17);
}

TEST_F(Parse, RefusesAFragmentThatLiesBeyondTheMaximum) {
  const std::vector<Bytes> pieces =
      fragment_message(rig_.ping(node_at(7), 1, 1200).sign(forger_.identity), 700);
  rig_.policy.max_message_size = 900;
  EXPECT_EQ(parse(pieces.front()), "live");
  EXPECT_EQ(parse(pieces.back()), "message_too_large");
}

TEST_F(Parse, DropsOnlyTheFaultyPacketsOfABurst) {
  Bytes bad = good();
  bad[at::kToken] = std::byte{0};
  burst_ = burst_of({rig_.packet(good()), rig_.packet(bad), rig_.packet(good())});
  dataplane::parse(burst_, rig_.policy);
  EXPECT_EQ(burst_.live, 0b101U);
  EXPECT_EQ(fate(burst_, 1), "not_reload");
}

}  // namespace
