// SPDX-License-Identifier: Apache-2.0
// The messages of tests/vectors: each is read as its file says.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/hex_vector.h"
#include "tests/support/read_whole.h"

namespace {

using namespace wire::reload;
using tests::HexVector;
using tests::WholeMessage;

const std::filesystem::path kVectors = VECTORS_DIRECTORY;

std::string verdict(ParseError error) {
  if (error.ok()) return "ok";
  return std::string(fault_name(error.fault)) + " at " + std::to_string(error.offset);
}

ParseError read(const HexVector& vector, WholeMessage& out) {
  return vector.kind == "frame" ? tests::read_whole_frame(vector.bytes, out)
                                : tests::read_whole(vector.bytes, out);
}

HexVector valid(const char* name) {
  return tests::load_hex_vector(kVectors / "valid" / (std::string(name) + ".hex"));
}

TEST(Vectors, EveryValidMessageIsRead) {
  const auto vectors = tests::load_hex_vectors(kVectors / "valid");
  ASSERT_GE(vectors.size(), 7U);
  for (const HexVector& vector : vectors) {
    WholeMessage whole;
    EXPECT_EQ(verdict(read(vector, whole)), vector.expect) << vector.name;
  }
}

TEST(Vectors, EveryMalformedMessageIsRefusedForItsReasonAtItsOffset) {
  const auto vectors = tests::load_hex_vectors(kVectors / "malformed");
  ASSERT_GE(vectors.size(), 50U);
  for (const HexVector& vector : vectors) {
    WholeMessage whole;
    EXPECT_NE(vector.expect, "ok") << vector.name;
    EXPECT_EQ(verdict(read(vector, whole)), vector.expect) << vector.name;
  }
}

TEST(Vectors, EveryFaultIsShownByAMalformedMessage) {
  std::set<std::string> shown;
  for (const HexVector& vector : tests::load_hex_vectors(kVectors / "malformed")) {
    shown.insert(vector.expect.substr(0, vector.expect.find(' ')));
  }
  const std::set<std::string> faults = {
#define FAULT(Name, name, text) name,
#include "wire/reload/parse_fault.def"
#undef FAULT
  };
  EXPECT_EQ(shown, faults);
}

// every piece of a message that is not all of it differs from its length field.
TEST(Vectors, EveryTruncationOfAValidMessageIsRefused) {
  for (const HexVector& vector : tests::load_hex_vectors(kVectors / "valid")) {
    for (std::size_t size = 0; size < vector.bytes.size(); ++size) {
      HexVector cut = vector;
      cut.bytes.resize(size);
      WholeMessage whole;
      const ParseError error = read(cut, whole);
      EXPECT_FALSE(error.ok()) << vector.name << " cut to " << size;
      EXPECT_LE(error.offset, size) << vector.name << " cut to " << size;
    }
  }
}

// The same with a length field that agrees, so that the inner structures must notice.
TEST(Vectors, EveryTruncationWithAnAgreeingLengthIsRefused) {
  for (const char* name : {"ping_req", "ping_ans", "error_ans", "everything"}) {
    const HexVector vector = valid(name);
    for (std::size_t size = kFixedHeaderBytes; size < vector.bytes.size(); ++size) {
      HexVector cut = vector;
      cut.bytes.resize(size);
      wire::store_be32(cut.bytes.data() + header_offset::kLength, static_cast<std::uint32_t>(size));
      WholeMessage whole;
      const ParseError error = read(cut, whole);
      EXPECT_FALSE(error.ok()) << name << " cut to " << size;
      EXPECT_LE(error.offset, size) << name << " cut to " << size;
    }
  }
}

TEST(Vectors, HeaderFieldsStandWhereTheRfcPutsThem) {
  const HexVector vector = valid("everything");
  WholeMessage whole;
  ASSERT_TRUE(read(vector, whole).ok());
  EXPECT_EQ(whole.header.overlay, OverlayHash{0x65b0781f});  // the vector of A-15
  EXPECT_EQ(whole.header.configuration_sequence, 1);
  EXPECT_EQ(whole.header.version, kVersion);
  EXPECT_EQ(whole.header.ttl, 100);
  EXPECT_TRUE(whole.header.fragment.is_whole());
  EXPECT_EQ(whole.header.length, vector.bytes.size());
  EXPECT_EQ(whole.header.transaction_id, TransactionId{0x1122334455667788});
  EXPECT_EQ(whole.header.max_response_length, 0U);
  EXPECT_EQ(whole.via_list.size(), 20U);
  EXPECT_EQ(whole.destination_list.size(), 12U);
  EXPECT_EQ(whole.options.size(), 10U);
}

TEST(Vectors, ContentsAndSecurityBlockAreGivenAsTheyLieInTheMessage) {
  const HexVector vector = valid("everything");
  WholeMessage whole;
  ASSERT_TRUE(read(vector, whole).ok());
  EXPECT_EQ(whole.contents.message_code, 0x0009);
  EXPECT_EQ(whole.contents.body.size(), 2U);
  MessageExtension extension;
  ASSERT_TRUE(read_extension(whole.contents.extensions, extension).ok());
  EXPECT_EQ(extension.type, 0x1234);  // 16 bits wide
  EXPECT_TRUE(extension.critical);
  EXPECT_EQ(extension.contents.size(), 3U);

  EXPECT_EQ(whole.security.signature.scheme, SignatureScheme::kEcdsaP256Sha256);
  EXPECT_EQ(whole.security.signature.signer.type, SignerIdentityType::kCertHashNodeId);
  EXPECT_EQ(whole.security.signature.identity.size(), 37U);
  EXPECT_EQ(whole.security.signature.value.size(), 8U);
  std::span<const std::byte> der;
  std::span<const std::byte> rest;
  ASSERT_TRUE(read_certificate(whole.security.certificates, der, rest).ok());
  EXPECT_EQ(der.size(), 3U);
  EXPECT_TRUE(rest.empty());
}

// E-02: overlay, transaction_id, MessageContents, SignerIdentity; E-03: and nothing else.
TEST(Vectors, TheSignatureCoversFourPartsInPlace) {
  const HexVector vector = valid("ping_req");
  WholeMessage whole;
  ASSERT_TRUE(read(vector, whole).ok());
  const auto parts =
      signed_parts(vector.bytes, whole.contents.encoded, whole.security.signature.identity);
  EXPECT_EQ(parts[0].data(), vector.bytes.data() + 4);
  EXPECT_EQ(parts[0].size(), 4U);
  EXPECT_EQ(parts[1].data(), vector.bytes.data() + 20);
  EXPECT_EQ(parts[1].size(), 8U);
  EXPECT_EQ(parts[2].data(), vector.bytes.data() + whole.header.size());
  EXPECT_EQ(parts[2].size(), 2U + 4 + 6 + 4);
  EXPECT_EQ(parts[3].data(), parts[2].data() + parts[2].size() + 2 + 2);
  EXPECT_EQ(parts[3].size(), 37U);
}

TEST(Vectors, ALinkFrameCarriesItsMessageUnchanged) {  // C-02
  Frame frame;
  const HexVector vector = valid("data_frame");
  ASSERT_TRUE(parse_frame(vector.bytes, frame).ok());
  EXPECT_FALSE(frame.is_ack);
  EXPECT_EQ(frame.sequence, 41U);
  EXPECT_TRUE(std::ranges::equal(frame.message, valid("ping_req").bytes));
}

}  // namespace
