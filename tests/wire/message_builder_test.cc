// SPDX-License-Identifier: Apache-2.0
// What is built is what is read, and what is cut fits together again.

#include "wire/reload/message_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/hex_vector.h"
#include "tests/support/read_whole.h"

namespace {

using namespace wire::reload;
using tests::from_hex;
using tests::read_whole;
using tests::WholeMessage;

NodeId node(std::uint8_t n) {
  NodeId id;
  id.bytes.fill(std::byte{0x10});
  id.bytes.back() = std::byte{n};
  return id;
}

/// Signs with the bytes it is given, so that a test can see what was to be signed.
SigningIdentity echo(SignerIdentityType type = SignerIdentityType::kCertHash) {
  SigningIdentity identity;
  identity.scheme = SignatureScheme::kEd25519;
  identity.signer.type = type;
  identity.signer.hash.fill(std::byte{0xc4});
  identity.sign = [](std::span<const std::byte> bytes) {
    return Bytes(bytes.begin(), bytes.end());
  };
  return identity;
}

Bytes ping(std::size_t padding) {
  return MessageBuilder()
      .overlay(OverlayHash{0x65b0781f})
      .transaction(TransactionId{7})
      .via(node(1))
      .destination(node(9))
      .contents(MessageCode::kPingReq, ping_request_body(padding))
      .sign(echo());
}

TEST(MessageBuilder, EveryFieldComesBackFromTheParser) {
  SigningIdentity identity = echo(SignerIdentityType::kCertHashNodeId);
  identity.certificates = {from_hex("3001aa"), from_hex("3002bbcc")};
  const Bytes message = MessageBuilder()
                            .overlay(OverlayHash{0x01020304})
                            .configuration_sequence(77)
                            .ttl(13)
                            .transaction(TransactionId{0xfedcba9876543210})
                            .max_response_length(4000)
                            .via(node(1))
                            .via_entry(from_hex("9002"))
                            .destination(node(9))
                            .destination_resource(from_hex("464f4f"))
                            .option(33, kResponseCopy, from_hex("aabb"))
                            .contents(MessageCode::kFetchReq, from_hex("cafe"))
                            .extension(0x0102, true, from_hex("ee"))
                            .sign(identity);
  WholeMessage read;
  ASSERT_TRUE(read_whole(message, read).ok());
  EXPECT_EQ(read.header.overlay, OverlayHash{0x01020304});
  EXPECT_EQ(read.header.configuration_sequence, 77);
  EXPECT_EQ(read.header.ttl, 13);
  EXPECT_EQ(read.header.fragment.word, 0xc0000000U);  // D-10
  EXPECT_EQ(read.header.length, message.size());
  EXPECT_EQ(read.header.transaction_id, TransactionId{0xfedcba9876543210});
  EXPECT_EQ(read.header.max_response_length, 4000U);
  EXPECT_EQ(read.via_list.size(), kNodeEntryBytes + 2);
  EXPECT_EQ(read.destination_list.size(), kNodeEntryBytes + 6);
  EXPECT_TRUE(read.option_summary.response_copy);
  EXPECT_EQ(read.contents.message_code, 0x0009);
  EXPECT_TRUE(std::ranges::equal(read.contents.body, from_hex("cafe")));
  EXPECT_TRUE(std::ranges::equal(read.contents.extensions, from_hex("0102 01 00000001 ee")));
  EXPECT_EQ(read.security.signature.signer, identity.signer);

  std::span<const std::byte> der;
  std::span<const std::byte> rest = read.security.certificates;
  for (const Bytes& certificate : identity.certificates) {
    ASSERT_TRUE(read_certificate(rest, der, rest).ok());
    EXPECT_TRUE(std::ranges::equal(der, certificate));
  }
  EXPECT_TRUE(rest.empty());
}

TEST(MessageBuilder, SignsTheFourPartsAndNothingElse) {  // E-02, E-03
  const Bytes message = ping(5);
  WholeMessage read;
  ASSERT_TRUE(read_whole(message, read).ok());
  Bytes expected;
  for (const auto part :
       signed_parts(message, read.contents.encoded, read.security.signature.identity)) {
    expected.insert(expected.end(), part.begin(), part.end());
  }
  EXPECT_TRUE(std::ranges::equal(read.security.signature.value, expected));
}

TEST(MessageBuilder, APartLongerThanItsLengthFieldThrows) {
  MessageBuilder builder;
  EXPECT_THROW((void)builder.option(33, 0, Bytes(65536)), std::length_error);
  EXPECT_THROW((void)builder.destination_resource(Bytes(255)), std::length_error);
  MessageBuilder long_list;
  for (int i = 0; i < 3641; ++i) long_list.via(node(1));
  EXPECT_THROW((void)long_list.sign(echo()), std::length_error);
  EXPECT_THROW((void)ping_request_body(65536), std::length_error);
}

TEST(Body, PingAndErrorBodiesComeBack) {
  EXPECT_TRUE(parse_ping_request(ping_request_body(0)).ok());
  EXPECT_TRUE(parse_ping_request(ping_request_body(65535)).ok());
  PingAnswer answer;
  ASSERT_TRUE(parse_ping_answer(ping_answer_body(3, 1700000000000), answer).ok());
  EXPECT_EQ(answer.response_id, 3U);
  EXPECT_EQ(answer.time_ms, 1700000000000U);
  ErrorResponse error;
  const Bytes body = error_body(ErrorCode::kTtlExceeded, from_hex("6869"));
  ASSERT_TRUE(parse_error_response(body, error).ok());
  EXPECT_EQ(error.error_code, 0x0a);
  EXPECT_TRUE(std::ranges::equal(error.error_info, from_hex("6869")));
}

TEST(Body, AnyOtherLengthIsABadBody) {
  PingAnswer answer;
  for (std::size_t size = 0; size < 32; ++size) {
    EXPECT_EQ(parse_ping_answer(Bytes(size), answer).ok(), size == 16) << size;
  }
  const ParseError error = parse_ping_request(from_hex("0002 aa"));
  EXPECT_EQ(error.fault, ParseFault::kBadBody);
  EXPECT_EQ(error.offset, 0U);
}

TEST(MessageCode, NamesAndClassesFollowTheList) {
  EXPECT_STREQ(message_code_name(0x0017), "ping_req");
  EXPECT_STREQ(message_code_name(0xffff), "error");
  EXPECT_EQ(message_code_name(0x7ffe), nullptr);
  EXPECT_STREQ(error_code_name(0x0a), "Error_TTL_Exceeded");
  EXPECT_EQ(error_code_name(0), nullptr);
  EXPECT_EQ(traffic_class(0x0017), TrafficClass::kLiveness);
  EXPECT_EQ(traffic_class(0x0003), TrafficClass::kTopology);
  EXPECT_EQ(traffic_class(0x0007), TrafficClass::kBulk);
  EXPECT_EQ(traffic_class(0x7ffe), TrafficClass::kBulk);
  EXPECT_TRUE(is_request(0x7fff));
  EXPECT_FALSE(is_request(0x0018));
  EXPECT_FALSE(is_request(0xffff));
}

// D-01 to D-11 for one message and one limit; returns the pieces.
std::vector<Bytes> cut_and_check(const Bytes& message, std::size_t max_bytes) {
  std::vector<Bytes> pieces = fragment_message(message, max_bytes);
  ForwardingHeader whole;
  EXPECT_TRUE(parse_forwarding_header(message, whole).ok());
  Bytes joined;
  std::size_t smallest = SIZE_MAX;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Bytes& piece = pieces[i];
    ForwardingHeader header;
    EXPECT_TRUE(parse_forwarding_header(piece, header).ok());
    EXPECT_LE(piece.size(), max_bytes);
    EXPECT_EQ(header.length, piece.size());                                        // D-07
    EXPECT_EQ(header.transaction_id, whole.transaction_id);                        // D-03
    EXPECT_EQ(header.fragment.offset(), whole.fragment.offset() + joined.size());  // D-09
    EXPECT_EQ(header.fragment.is_last(), whole.fragment.is_last() && i + 1 == pieces.size());
    EXPECT_TRUE(std::equal(piece.begin() + kFixedHeaderBytes, piece.begin() + header.size(),
                           message.begin() + kFixedHeaderBytes));  // D-03
    EXPECT_GE(piece.size() - header.size(), kMinFragmentBytes);    // D-04
    smallest = std::min(smallest, piece.size());
    largest = std::max(largest, piece.size());
    joined.insert(joined.end(), piece.begin() + header.size(), piece.end());
  }
  if (!pieces.empty()) {
    EXPECT_LE(largest - smallest, 1U);  // D-06
    EXPECT_TRUE(std::equal(joined.begin(), joined.end(), message.begin() + whole.size(),
                           message.end()));  // D-11
  }
  return pieces;
}

TEST(FragmentMessage, WhatFitsIsLeftWhole) {  // D-10
  const Bytes message = ping(600);
  const auto pieces = fragment_message(message, message.size());
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0], message);
}

TEST(FragmentMessage, PiecesAreEqualAndFitTogether) {
  for (const std::size_t padding : {600U, 1000U, 5000U, 60000U}) {
    for (const std::size_t max_bytes : {400U, 588U, 1200U, 1468U}) {
      const Bytes message = ping(padding);
      if (message.size() <= max_bytes) continue;
      EXPECT_GT(cut_and_check(message, max_bytes).size(), 1U) << padding << ' ' << max_bytes;
    }
  }
}

TEST(FragmentMessage, AFragmentIsCutAgainIntoFragmentsOfTheWhole) {  // D-01
  const auto pieces = fragment_message(ping(4000), 2000);
  ASSERT_GT(pieces.size(), 2U);
  for (const Bytes& piece : pieces) EXPECT_GT(cut_and_check(piece, 900).size(), 1U);
}

TEST(FragmentMessage, NothingIsCutWhenHeaderAnd256BytesDoNotFit) {  // D-05
  const Bytes message = ping(1000);
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(message, header).ok());
  EXPECT_TRUE(fragment_message(message, header.size() + 255).empty());
  EXPECT_FALSE(fragment_message(message, header.size() + 300).empty());
}

TEST(FragmentMessage, NothingIsCutThatWouldLeaveAPieceBelow256Bytes) {  // D-04
  const Bytes message = ping(100);
  ForwardingHeader header;
  ASSERT_TRUE(parse_forwarding_header(message, header).ok());
  ASSERT_LT(message.size() - header.size(), 512U);
  EXPECT_TRUE(fragment_message(message, message.size() - 1).empty());
}

TEST(FragmentMessage, WhatIsNoMessageIsNotCut) {
  EXPECT_TRUE(fragment_message(Bytes(2000), 1000).empty());
}

}  // namespace
