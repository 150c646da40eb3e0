// SPDX-License-Identifier: Apache-2.0
// hopsealctl decode, without the program around it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controlplane/ctl/decode_documents.h"
#include "controlplane/ctl/decode_input.h"
#include "controlplane/ctl/decode_message.h"
#include "controlplane/ctl/hex_text.h"
#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"
#include "tests/support/hex_vector.h"
#include "tests/support/pcap_bytes.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"

namespace {

using namespace controlplane;
using namespace controlplane::ctl;
using namespace wire::reload;
using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::byte>;

const std::filesystem::path kVectors = VECTORS_DIRECTORY;

struct Decoded {
  std::vector<Json> documents;
  std::vector<std::string> complaints;
  std::string error;
  std::vector<std::string> warnings;
  bool good = false;
};

Decoded decode(std::span<const std::byte> input, SignatureCheck* signatures = nullptr) {
  Decoded result;
  const DecodeInput items = read_decode_input(input);
  result.error = items.error;
  result.warnings = items.warnings;
  const DecodeOutput output{
      [&](const Json& document) { result.documents.push_back(document); },
      [&](const std::string& complaint) { result.complaints.push_back(complaint); }};
  result.good = decode_documents(items.items, signatures, output);
  return result;
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes valid(const char* name) {
  return tests::load_hex_vector(kVectors / "valid" / (std::string(name) + ".hex")).bytes;
}

Bytes framed(std::span<const std::byte> message) {
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(1, static_cast<std::uint32_t>(message.size()), frame);
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

SigningIdentity unsigned_identity() {
  SigningIdentity identity;
  identity.scheme = SignatureScheme::kEd25519;
  identity.signer.type = SignerIdentityType::kCertHash;
  identity.sign = [](std::span<const std::byte>) { return Bytes(64, std::byte{1}); };
  return identity;
}

Bytes large_message() {
  return MessageBuilder()
      .destination(NodeId::wildcard())
      .contents(MessageCode::kPingReq, ping_request_body(2000))
      .sign(unsigned_identity());
}

TEST(DecodeMessage, EveryFieldHasItsRfcName) {
  const Bytes message = valid("everything");
  const DecodedMessage decoded = decode_message(message);
  ASSERT_TRUE(decoded.fault.ok());
  const Json expected = Json::parse(R"({
    "forwarding_header": {
      "relo_token": "0xd2454c4f", "overlay": "0x65b0781f", "configuration_sequence": 1,
      "version": 10, "ttl": 100,
      "fragment": {"value": "0xc0000000", "last_fragment": true, "offset": 0},
      "length": 159, "transaction_id": "0x1122334455667788", "max_response_length": 0,
      "via_list_length": 20, "destination_list_length": 12, "options_length": 10,
      "via_list": [
        {"type": 1, "name": "node", "node_id": "10101010101010101010101010101001"},
        {"type": 3, "name": "opaque_id_type", "opaque_id": "9002", "compressed": true}],
      "destination_list": [
        {"type": 3, "name": "opaque_id_type", "opaque_id": "abcdef", "compressed": false},
        {"type": 2, "name": "resource", "resource_id": "464f4f"}],
      "forwarding_options": [
        {"type": 33, "flags": 0, "flag_names": [], "length": 2, "value": "0102"},
        {"type": 34, "flags": 4, "flag_names": ["RESPONSE_COPY"], "length": 0, "value": ""}]},
    "message_contents": {
      "message_code": {"value": 9, "name": "fetch_req"},
      "message_body": {"length": 2, "hex": "cafe"},
      "extensions": [{"type": 4660, "critical": true, "extension_contents": "010203"}]},
    "security_block": {
      "certificates": [{"type": {"value": 0, "name": "X.509"}, "certificate": "300100"}],
      "signature": {
        "algorithm": {"hash": {"value": 4, "name": "sha256"},
                      "signature": {"value": 3, "name": "ecdsa"}},
        "identity": {"identity_type": {"value": 2, "name": "cert_hash_node_id"},
                     "hash_alg": {"value": 4, "name": "sha256"},
                     "certificate_node_id_hash":
            "c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4"},
        "signature_value": "300602010102010a"}}})");
  EXPECT_EQ(decoded.json.dump(2), expected.dump(2));
}

TEST(DecodeMessage, PingAndErrorBodiesAreDecoded) {
  const Json ping = decode_message(valid("ping_ans")).json["message_contents"]["message_body"];
  EXPECT_EQ(ping["response_id"], "0x0102030405060708");
  EXPECT_EQ(ping["time"], 1700000000000);
  const Json error = decode_message(valid("error_ans")).json["message_contents"]["message_body"];
  EXPECT_EQ(error["error_code"]["name"], "Error_TTL_Exceeded");
  EXPECT_EQ(error["error_info"], "too far");
  const Json request = decode_message(valid("ping_req")).json["message_contents"]["message_body"];
  EXPECT_EQ(request["padding_length"], 4);
}

TEST(DecodeMessage, WhatStandsBeforeTheFaultIsShown) {
  Bytes message = valid("everything");
  message.resize(message.size() - 8);  // the signature value
  wire::store_be32(message.data() + header_offset::kLength,
                   static_cast<std::uint32_t>(message.size()));
  const DecodedMessage decoded = decode_message(message);
  EXPECT_EQ(decoded.fault.fault, ParseFault::kTruncated);
  EXPECT_EQ(decoded.json["message_contents"]["message_code"]["name"], "fetch_req");
  EXPECT_FALSE(decoded.json.contains("security_block"));
  EXPECT_EQ(decoded.json["error"]["fault"], "truncated");
  EXPECT_EQ(decoded.json["error"]["offset"], message.size() - 2);
  EXPECT_FALSE(decoded.json["undecoded"].get<std::string>().empty());
}

TEST(Decode, EveryMalformedVectorIsRefusedWithItsOffset) {
  for (const auto& vector : tests::load_hex_vectors(kVectors / "malformed")) {
    const Decoded decoded = decode(vector.bytes);
    EXPECT_FALSE(decoded.good) << vector.name;
    ASSERT_EQ(decoded.documents.size(), 1U) << vector.name;
    const Json& error = decoded.documents[0]["error"];
    EXPECT_EQ(error["fault"].get<std::string>() + " at " +
                  std::to_string(error["offset"].get<unsigned>()),
              vector.expect)
        << vector.name;
    ASSERT_EQ(decoded.complaints.size(), 1U);
    EXPECT_NE(decoded.complaints[0].find("at offset"), std::string::npos);
  }
}

TEST(Decode, AVectorFileIsHexTextItself) {
  std::ifstream in(kVectors / "valid/data_frame.hex");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Decoded decoded = decode(bytes_of(text));
  EXPECT_TRUE(decoded.good);
  ASSERT_EQ(decoded.documents.size(), 1U);
  EXPECT_EQ(decoded.documents[0]["frame"]["sequence"], 41);
  EXPECT_EQ(decoded.documents[0]["forwarding_header"]["ttl"], 100);
}

TEST(Decode, HexMayHaveColonsAndPrefixes) {
  const HexText hex = parse_hex("0xd2:45 4C4f # token\n\n# only a comment\n81\n00\n");
  EXPECT_EQ(hex.error, "");
  ASSERT_EQ(hex.blocks.size(), 2U);
  EXPECT_EQ(hex.blocks[0], tests::from_hex("d2454c4f"));
  EXPECT_EQ(hex.blocks[1], tests::from_hex("8100"));
}

TEST(Decode, TextThatIsNoHexNamesItsLine) {
  EXPECT_NE(decode(bytes_of("d2 45\nhello\n")).error.find("line 2: 'h'"), std::string::npos);
  EXPECT_NE(decode(bytes_of("d2 4\n")).error.find("line 1"), std::string::npos);
  EXPECT_FALSE(decode({}).error.empty());
  EXPECT_FALSE(decode(bytes_of("# nothing\n")).error.empty());
}

TEST(Decode, FramesAndMessagesMayStandBackToBack) {
  Bytes stream = valid("data_frame");
  for (const char* name : {"ack_frame", "ping_req", "ping_ans"}) tests::put(stream, valid(name));
  const Decoded decoded = decode(stream);
  EXPECT_TRUE(decoded.good);
  ASSERT_EQ(decoded.documents.size(), 4U);
  EXPECT_EQ(decoded.documents[1]["frame"]["acked_sequences"], Json::parse("[41, 40, 39, 10]"));
  EXPECT_FALSE(decoded.documents[2].contains("frame"));
  EXPECT_EQ(decoded.documents[3]["message_contents"]["message_code"]["name"], "ping_ans");
}

TEST(Decode, CapturesOfBothFormatsAndFamiliesAreRead) {
  tests::UdpPacket ipv4{framed(valid("ping_req"))};
  tests::UdpPacket ipv6{valid("ack_frame")};
  ipv6.ipv6 = true;
  tests::UdpPacket tagged{valid("ping_ans")};  // a bare message
  tagged.vlan = 7;
  tagged.source_port = tagged.destination_port = 40000;
  tests::UdpPacket other{bytes_of("not RELOAD at all, on another port")};
  other.source_port = other.destination_port = 53;
  const std::vector<Bytes> packets = {tests::ethernet(ipv4), tests::ethernet(ipv6),
                                      tests::ethernet(other), tests::ethernet(tagged),
                                      Bytes(60, std::byte{0x11})};
  for (const Bytes& capture : {tests::pcap(packets), tests::pcapng(packets)}) {
    const Decoded decoded = decode(capture);
    EXPECT_EQ(decoded.error, "");
    EXPECT_TRUE(decoded.good);
    ASSERT_EQ(decoded.documents.size(), 3U);
    EXPECT_EQ(decoded.documents[0]["packet"], 1);
    EXPECT_EQ(decoded.documents[0]["source"], "192.0.2.1:6084");
    EXPECT_EQ(decoded.documents[0]["message_contents"]["message_code"]["name"], "ping_req");
    EXPECT_EQ(decoded.documents[1]["destination"], "[2001:db8::2]:6084");
    EXPECT_EQ(decoded.documents[1]["frame"]["type"]["name"], "ack");
    EXPECT_EQ(decoded.documents[2]["packet"], 4);
    EXPECT_EQ(decoded.documents[2]["message_contents"]["message_code"]["name"], "ping_ans");
  }
}

TEST(Decode, WhatACaptureLacksIsSaid) {
  tests::UdpPacket packet{framed(valid("ping_req"))};
  const std::vector<Bytes> whole = {tests::ethernet(packet)};
  packet.more_fragments = true;
  const std::vector<Bytes> fragment = {tests::ethernet(packet)};

  const Decoded snapped = decode(tests::pcap(whole, 100));
  EXPECT_FALSE(snapped.good);
  EXPECT_EQ(snapped.documents[0]["bytes_not_captured"], whole[0].size() - 100);
  EXPECT_EQ(decode(tests::pcap({})).warnings.size(), 1U);        // no datagram
  EXPECT_EQ(decode(tests::pcap(fragment)).warnings.size(), 2U);  // and the reason
  Bytes damaged = tests::pcap(whole);
  damaged.resize(damaged.size() - 1);
  EXPECT_NE(decode(damaged).error.find("damaged"), std::string::npos);
  Bytes cooked = tests::pcap(whole);
  cooked[20] = std::byte{113};  // Linux cooked capture
  EXPECT_NE(decode(cooked).error.find("Ethernet"), std::string::npos);
}

TEST(Decode, FragmentsAreShownAndThenPutTogether) {  // D-12
  const Bytes message = large_message();
  std::vector<Bytes> pieces = fragment_message(message, 700);
  ASSERT_GT(pieces.size(), 2U);
  std::swap(pieces.front(), pieces.back());
  Bytes stream;
  for (const Bytes& piece : pieces) tests::put(stream, framed(piece));
  const Decoded decoded = decode(stream);
  EXPECT_TRUE(decoded.good);
  EXPECT_TRUE(decoded.complaints.empty());
  ASSERT_EQ(decoded.documents.size(), pieces.size() + 1);
  EXPECT_TRUE(decoded.documents[0].contains("fragment_data"));
  const Json& whole = decoded.documents.back();
  EXPECT_EQ(whole["reassembled_from_items"].size(), pieces.size());
  EXPECT_EQ(whole["forwarding_header"], decode_message(message).json["forwarding_header"]);
  EXPECT_EQ(whole["message_contents"]["message_body"]["padding_length"], 2000);
}

TEST(Decode, MissingAndDisagreeingFragmentsAreReported) {  // X-19
  std::vector<Bytes> pieces = fragment_message(large_message(), 700);
  Bytes stream;
  for (std::size_t i = 1; i < pieces.size(); ++i) tests::put(stream, framed(pieces[i]));
  const Decoded missing = decode(stream);
  EXPECT_TRUE(missing.good);
  EXPECT_EQ(missing.documents.size(), pieces.size() - 1);
  ASSERT_EQ(missing.complaints.size(), 1U);

  Bytes altered = pieces[1];
  altered.back() ^= std::byte{1};
  tests::put(stream, framed(altered));
  tests::put(stream, framed(pieces[0]));
  EXPECT_FALSE(decode(stream).good);
}

/// A node with a certificate of its own authority.
struct Node {
  explicit Node(crypto::Algorithm algorithm) : key(crypto::SigningKey::generate(algorithm)) {
    std::string why;
    const trust::Validity validity{1700000000, 1900000000};
    const auto authority =
        trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "test", validity, why);
    const NodeId id = trust::random_node_id();
    trust::NodeCertificate request;
    request.user_name = "alice@example.com";
    request.uris = {trust::node_uri(id, "example.com")};
    request.validity = validity;
    pem = authority->issue(key->public_spki(), request, why);
    certificate = trust::Certificate::from_pem(pem, why).value();
    identity.signer = certificate.signer_key(id).value();
    identity.sign = [this](std::span<const std::byte> bytes) { return key->sign(bytes); };
  }
  Bytes ping() const {
    return MessageBuilder()
        .destination(NodeId::wildcard())
        .contents(MessageCode::kPingReq, ping_request_body(8))
        .sign(identity);
  }
  std::unique_ptr<crypto::SigningKey> key;
  std::string pem;
  trust::Certificate certificate;
  SigningIdentity identity;
};

TEST(Decode, SignaturesOfEachAlgorithmAreCheckedWithTheGivenCertificates) {  // E-04
  const std::pair<crypto::Algorithm, SignatureScheme> kinds[] = {
      {crypto::Algorithm::kRsaPkcs1Sha256, SignatureScheme::kRsaPkcs1Sha256},
      {crypto::Algorithm::kEcdsaP256Sha256, SignatureScheme::kEcdsaP256Sha256},
      {crypto::Algorithm::kEd25519, SignatureScheme::kEd25519}};
  for (const auto& [algorithm, scheme] : kinds) {
    Node node(algorithm);
    node.identity.scheme = scheme;
    SignatureCheck check;
    ASSERT_EQ(check.add(bytes_of(node.pem), "alice.pem"), "");
    Bytes message = node.ping();
    Decoded decoded = decode(message, &check);
    EXPECT_TRUE(decoded.good);
    EXPECT_EQ(decoded.documents[0]["signature_check"]["verdict"], "valid");
    EXPECT_EQ(decoded.documents[0]["signature_check"]["certificate"], "alice.pem");

    message[header_offset::kTtl] = std::byte{7};  // not signed (E-03)
    EXPECT_TRUE(decode(message, &check).good);
    message[header_offset::kTransactionId] ^= std::byte{1};
    decoded = decode(message, &check);
    EXPECT_FALSE(decoded.good);
    EXPECT_EQ(decoded.documents[0]["signature_check"]["verdict"], "bad_signature");
    EXPECT_FALSE(decoded.documents[0].contains("error"));
  }
}

TEST(Decode, ASignerIsFoundAmongTheCertificatesTheMessageCarries) {
  Node node(crypto::Algorithm::kEd25519);
  node.identity.scheme = SignatureScheme::kEd25519;
  SignatureCheck check;
  Decoded decoded = decode(node.ping(), &check);
  EXPECT_FALSE(decoded.good);
  EXPECT_EQ(decoded.documents[0]["signature_check"]["verdict"], "unknown_signer");
  node.identity.certificates = {node.certificate.der};
  decoded = decode(node.ping(), &check);
  EXPECT_TRUE(decoded.good);
  EXPECT_EQ(decoded.documents[0]["signature_check"]["certificate"], "carried by the message");
}

TEST(Decode, TheAlgorithmFieldMustBeThatOfTheKey) {  // it is not signed
  Node node(crypto::Algorithm::kEd25519);
  node.identity.scheme = SignatureScheme::kRsaPkcs1Sha256;
  SignatureCheck check;
  ASSERT_EQ(check.add(node.certificate.der, "alice.der"), "");
  EXPECT_FALSE(decode(node.ping(), &check).good);
  EXPECT_NE(check.add(bytes_of("neither"), "x.pem").find("x.pem"), std::string::npos);
}

}  // namespace
